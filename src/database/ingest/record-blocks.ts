import { Buffer, isUtf8 } from 'node:buffer';

/** How records of delimited text end. */
export type LineEnd = '\n' | '\r\n';

/** Whole records of delimited text in which every reader sees the same ones. */
export interface RecordBlock {
  readonly bytes: Uint8Array;
  readonly lineEnd: LineEnd;
  /** Where the first record ends, with its line end. */
  readonly firstEnd: number;
}

/** The text may be read in more than one way, or is wrong: it is left to the reader that says how, and what of it is wrong. */
export class UnlikeTextError extends Error {
  override readonly name = 'UnlikeTextError';
}

/** Bytes of a block; a record that is longer is unlike. */
export const blockBytes = 4 * 1024 * 1024;

/** Stands for null in what is handed to the engine, so that nothing in the text does. */
export const neverInText = '\u001a';
const neverByte = 0x1a;

const [quote, newLine, carriageReturn] = [0x22, 0x0a, 0x0d];

/** Text as blocks of whole records, each good until the next is asked for. Quotes stand around whole fields or are doubled within them, line
 * ends are of one kind, no line is empty, and all is UTF-8: anything else is unlike.
 * @param delimiter one ASCII character
 * @throws UnlikeTextError */
export async function* recordBlocks(
  pieces: AsyncIterable<Uint8Array>,
  delimiter: string,
): AsyncGenerator<RecordBlock, void> {
  const held = Buffer.allocUnsafe(blockBytes);
  let length = 0;
  let lineEnd: LineEnd | undefined;
  let isFirst = true;
  const take = (isLast: boolean): RecordBlock | undefined => {
    if (isFirst && length >= 3 && held.readUIntBE(0, 3) === 0xefbbbf) length = held.copy(held, 0, 3, length);
    isFirst = false;
    const text = held.subarray(0, length);
    if (text.length === 0) return undefined;
    const { end, firstEnd } = wholeRecords(text, delimiter.charCodeAt(0), isLast);
    const bytes = text.subarray(0, end);
    const found = lineEndOf(bytes);
    if (found !== (lineEnd ??= found)) throw new UnlikeTextError();
    requireOneMeaning(bytes);
    return { bytes, lineEnd, firstEnd };
  };
  for await (const piece of pieces)
    for (let read = 0; read < piece.byteLength;) {
      const more = Math.min(piece.byteLength - read, held.length - length);
      held.set(piece.subarray(read, read + more), length);
      read += more;
      length += more;
      if (length < held.length) continue;
      const block = take(false);
      if (block === undefined) continue;
      yield block;
      length = held.copy(held, 0, block.bytes.byteLength, length);
    }
  const last = take(true);
  if (last !== undefined) yield last;
}

/** Where the last record ends that is whole, and the first one.
 * @throws UnlikeTextError when quotes stand where not every reader knows what they mean, or when there is no whole record */
function wholeRecords(
  text: Buffer,
  delimiter: number,
  isLast: boolean,
): { readonly end: number; readonly firstEnd: number } {
  const { length } = text;
  /** Quoted fields with line ends in them: where each begins and ends. */
  const spans: number[] = [];
  let known = length;
  for (let at = 0; at < length;) {
    const opening = text.indexOf(quote, at);
    if (opening < 0) break;
    at = opening;
    if (opening > 0 && text[opening - 1] !== delimiter && text[opening - 1] !== newLine) throw new UnlikeTextError();
    let hasLineEnd = false;
    do {
      at += 1;
      for (; at < length && text[at] !== quote; at += 1) if (text[at] === newLine) hasLineEnd = true;
      at += 1;
    } while (at < length && text[at] === quote);
    // Past the end: no closing quote was found; at the end: another quote may follow.
    if (at > length || (at === length && !isLast)) {
      if (isLast) throw new UnlikeTextError();
      known = opening;
      break;
    }
    if (hasLineEnd) spans.push(opening, at);
    const next = text[at];
    if (at < length && next !== delimiter && next !== newLine && next !== carriageReturn) throw new UnlikeTextError();
  }
  const end = isLast ? length : lastEnd(text.subarray(0, known), spans);
  if (end === 0) throw new UnlikeTextError();
  return { end, firstEnd: firstEndOf(text, spans) ?? end };
}

function lastEnd(text: Buffer, spans: readonly number[]): number {
  let found = text.lastIndexOf(newLine);
  for (let span = spans.length - 2; span >= 0 && found >= 0; span -= 2) {
    const [from = 0, to = 0] = [spans[span], spans[span + 1]];
    if (found >= to) break;
    if (found > from) found = from === 0 ? -1 : text.lastIndexOf(newLine, from - 1);
  }
  return found + 1;
}

function firstEndOf(text: Buffer, spans: readonly number[]): number | undefined {
  let found = text.indexOf(newLine);
  for (let span = 0; span < spans.length && found > (spans[span] ?? 0); span += 2) {
    const to = spans[span + 1] ?? 0;
    if (found < to) found = text.indexOf(newLine, to);
  }
  return found < 0 ? undefined : found + 1;
}

/** @throws UnlikeTextError when they are not all the same */
function lineEndOf(bytes: Buffer): LineEnd {
  if (!bytes.includes(carriageReturn)) return '\n';
  let [ends, at] = [0, bytes.indexOf(carriageReturn)];
  for (; at >= 0; at = bytes.indexOf(carriageReturn, at + 1)) {
    if (bytes[at + 1] !== newLine) throw new UnlikeTextError();
    ends += 1;
  }
  for (at = bytes.indexOf(newLine); at >= 0; at = bytes.indexOf(newLine, at + 1)) ends -= 1;
  if (ends !== 0) throw new UnlikeTextError();
  return '\r\n';
}

/** @throws UnlikeTextError */
function requireOneMeaning(bytes: Buffer): void {
  const isEmptyLine =
    bytes[0] === newLine || bytes[0] === carriageReturn || bytes.includes('\n\n') || bytes.includes('\n\r\n');
  if (isEmptyLine || bytes.includes(0) || bytes.includes(neverByte) || !isUtf8(bytes)) throw new UnlikeTextError();
}
