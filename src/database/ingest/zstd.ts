import { Turns } from '../../base/turns.ts';
import { GrowingXxhash64 } from '../../kql/algorithms/text/xxhash64.ts';
import { NotZstd } from './zstd-entropy.ts';
import { Frame, numberAt, Output, slice } from './zstd-blocks.ts';

const magic = 0xfd2fb528;

/** Bytes read and unpacked in one turn of the event loop. */
const bytesPerTurn = 1024 * 1024;

/** Unpacks frames of Zstandard, one after the other. Dictionaries are not known.
 * @param bytesMax of what comes out
 * @returns undefined for what is no such frame, is longer, or has not the sum that it tells @see RFC 8878 */
export function unpackZstd(packed: Uint8Array, bytesMax: number): Uint8Array | undefined {
  const blocks = unpackBlocks(packed, bytesMax);
  for (;;) {
    const step = blocks.next();
    if (step.done === true) return step.value;
  }
}

/** As `unpackZstd`, and leaves others their turns. */
export async function unpackZstdInTurns(packed: Uint8Array, bytesMax: number): Promise<Uint8Array | undefined> {
  const turns = new Turns(bytesPerTurn);
  const blocks = unpackBlocks(packed, bytesMax);
  for (;;) {
    const step = blocks.next();
    if (step.done === true) return step.value;
    await turns.after(step.value);
  }
}

/** @returns (of the generator, in between) how many bytes were read and unpacked */
function* unpackBlocks(packed: Uint8Array, bytesMax: number): Generator<number, Uint8Array | undefined> {
  try {
    const out = new Output(bytesMax);
    if (packed.length === 0) return undefined;
    for (let at = 0; at < packed.length;) at = yield* readFrame(packed, at, out);
    return out.bytes();
  } catch (error) {
    if (error instanceof NotZstd) return undefined;
    throw error;
  }
}

/** @returns where the next one begins */
function* readFrame(packed: Uint8Array, start: number, out: Output): Generator<number, number> {
  const mark = numberAt(packed, start, 4);
  if (mark >= 0x184d2a50 && mark <= 0x184d2a5f) {
    const skipped = numberAt(packed, start + 4, 4);
    slice(packed, start + 8, skipped);
    yield 8;
    return start + 8 + skipped;
  }
  if (mark !== magic) throw new NotZstd();
  const flags = numberAt(packed, start + 4, 1);
  const isSingle = (flags & 32) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][flags & 3] ?? 0;
  const sizeBytes = [isSingle ? 1 : 0, 2, 4, 8][flags >> 6] ?? 0;
  let at = start + 5 + (isSingle ? 0 : 1);
  if ((flags & 8) !== 0 || numberAt(packed, at, dictionaryBytes) !== 0) throw new NotZstd();
  at += dictionaryBytes;
  const size = sizeBytes === 0 ? undefined : numberAt(packed, at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  at += sizeBytes;
  out.frameAt = out.length;
  const frame = new Frame(out);
  const sum = (flags & 4) === 0 ? undefined : new GrowingXxhash64(out.frameAt);
  for (let isLast = false; !isLast;) {
    const header = numberAt(packed, at, 3);
    isLast = (header & 1) === 1;
    const before = out.length;
    const read = 3 + frame.block((header >> 1) & 3, header >> 3, packed, at + 3);
    at += read;
    sum?.take(out.held, out.length);
    yield read + out.length - before;
  }
  if (size !== undefined && out.length - out.frameAt !== size) throw new NotZstd();
  if (sum === undefined) return at;
  const told = numberAt(packed, at, 4);
  if (BigInt.asUintN(32, sum.finish(out.held, out.length)) !== BigInt(told)) throw new NotZstd();
  return at + 4;
}
