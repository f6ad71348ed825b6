import { Buffer } from 'node:buffer';
import { Turns } from '../../base/turns.ts';
import { malformedData } from '../catalog/data-error.ts';

/** So much is read before it is looked through; what is left of a record at its end goes before the next. */
const windowUnits = 1024 * 1024;
/** UTF-16 units of one record; one that is longer ends the reading. */
export const recordUnitsMax = 64 * 1024 * 1024;

/** Reads the records of a piece of text as far as they are whole.
 * @param isLast nothing follows, so what stands at the end is whole or wrong
 * @returns (of the generator) how many units were read; undefined in between: it stops in a long record */
export interface TextRecords<Record> {
  read(text: string, isLast: boolean): Generator<Record | undefined, number>;
}

/** The records of text that comes in pieces. Each iterable must be read to its end before the next is asked for.
 * @throws DataError `MalformedData` */
export async function* textWindows<Record>(
  pieces: AsyncIterable<Uint8Array>,
  records: TextRecords<Record>,
): AsyncGenerator<Iterable<Record | undefined>> {
  const decoder = new TextPieces();
  let text = '';
  let wanted = windowUnits;
  /** Reads on, and keeps what is left. */
  function* reading(isLast: boolean): Generator<Record | undefined> {
    const read = yield* records.read(text, isLast);
    text = text.slice(read);
    // A record that was not whole gets twice as much, so that it is not looked through too often.
    wanted = read > 0 ? Math.max(windowUnits, text.length + windowUnits / 2) : text.length * 2;
  }
  for await (const piece of pieces) {
    text += await decoder.add(piece);
    if (text.length < wanted) continue;
    if (text.length > recordUnitsMax + windowUnits * 64) throw tooLong();
    yield reading(false);
    if (text.length > recordUnitsMax) throw tooLong();
  }
  text += await decoder.end();
  yield reading(true);
}

const tooLong = (): Error =>
  malformedData('Stream_InputStreamTooLarge', `A record is longer than ${recordUnitsMax / 1024 / 1024} Mi characters`);

/** Text out of bytes in pieces that end anywhere: UTF-8, or UTF-16 with its mark. */
class TextPieces {
  #left: Uint8Array = new Uint8Array();
  #encoding: 'utf-8' | 'utf-16le' | undefined;
  #isFirst = true;
  #place = { line: 1, column: 1 };

  async add(piece: Uint8Array): Promise<string> {
    const bytes = this.#left.byteLength === 0 ? piece : Buffer.concat([this.#left, piece]);
    if (this.#encoding === undefined && bytes.byteLength < 2) {
      this.#left = Uint8Array.from(bytes);
      return '';
    }
    this.#encoding ??= bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : 'utf-8';
    const whole = bytes.byteLength - unfinished(bytes, this.#encoding);
    // The reader of the bytes may use their memory for the next ones.
    this.#left = Uint8Array.from(bytes.subarray(whole));
    return this.#decode(bytes.subarray(0, whole));
  }

  end(): Promise<string> {
    return this.#decode(this.#left);
  }

  async #decode(bytes: Uint8Array): Promise<string> {
    if (bytes.byteLength === 0) return '';
    let text: string;
    try {
      text = new TextDecoder(this.#encoding ?? 'utf-8', { fatal: true, ignoreBOM: !this.#isFirst }).decode(bytes);
    } catch {
      return await invalidText(bytes, this.#isFirst, this.#place);
    }
    this.#isFirst = false;
    this.#place = placeAfter(text, this.#place);
    return text;
  }
}

/** Bytes at the end that are the beginning of a character. */
function unfinished(bytes: Uint8Array, encoding: 'utf-8' | 'utf-16le'): number {
  const { length } = bytes;
  if (encoding === 'utf-16le') {
    const odd = length % 2;
    const high = bytes[length - odd - 1] ?? 0;
    return (high & 0xfc) === 0xd8 ? odd + 2 : odd;
  }
  for (let back = 1; back <= Math.min(3, length); back += 1) {
    const byte = bytes[length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needed > back ? back : 0;
  }
  return 0;
}

interface Place {
  readonly line: number;
  readonly column: number;
}

function placeAfter(text: string, { line, column }: Place): Place {
  const last = text.lastIndexOf('\n');
  if (last < 0) return { line, column: column + charactersOf(text) };
  let lines = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) lines += 1;
  return { line: line + lines, column: 1 + charactersOf(text.slice(last + 1)) };
}

const charactersOf = (text: string): number =>
  text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);

/** @throws DataError `MalformedData` that says where UTF-8 ends to be UTF-8. Columns count characters. */
async function invalidText(body: Uint8Array, isFirst: boolean, from: Place): Promise<never> {
  let { line, column } = from;
  const turns = new Turns(windowUnits / 32);
  // The decoder puts U+FFFD where something is wrong; one that was sent is three bytes of its own.
  const text = new TextDecoder('utf-8', { ignoreBOM: !isFirst }).decode(body);
  let at = isFirst && body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? 3 : 0;
  for (const character of text) {
    if (character === '\ufffd' && !(body[at] === 0xef && body[at + 1] === 0xbf && body[at + 2] === 0xbd)) break;
    at += Buffer.byteLength(character, 'utf8');
    if (character === '\n') [line, column] = [line + 1, 1];
    else column += 1;
    const turn = turns.after(1);
    if (turn !== undefined) await turn;
  }
  throw malformedData('BadRequest_UnexpectedCharacterInInputStream', 'The data is not valid UTF-8 text', {
    line,
    column,
  });
}
