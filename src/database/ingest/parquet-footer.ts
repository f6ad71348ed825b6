import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { Turns } from '../../base/turns.ts';
import { dataError, malformedData } from '../catalog/data-error.ts';

/** What a file says of itself. */
const footerBytesMax = 64 * 1024 * 1024;
/** Columns, and what is inside of them. */
const schemaMax = 100_000;
const schemaDepthMax = 100;
/** Structures in lists: parts of the schema, groups of rows, and their columns. The engine makes hundreds of bytes of each. */
const partsMax = 1_000_000;
/** Structures, lists and maps within each other. */
const depthMax = 64;
const stepsPerTurn = 100_000;

const types = {
  ...{ stop: 0, true: 1, false: 2, byte: 3, i16: 4, i32: 5, i64: 6, double: 7, binary: 8 },
  ...{ list: 9, set: 10, map: 11, struct: 12, uuid: 13 },
} as const;

/** Fields of `FileMetaData` and `SchemaElement`. */
const [schemaField, childrenField] = [2, 5];

type Frame =
  | { readonly kind: 'struct'; readonly of: 'file' | 'element' | 'other'; field: number; children: number }
  | { readonly kind: 'list'; readonly isSchema: boolean; readonly item: number; left: number }
  | { readonly kind: 'map'; readonly key: number; readonly value: number; left: number };

export const notParquet = (): Error => malformedData('BadRequest_InvalidBlob', 'The data is not valid Parquet');

/** Looks through what a Parquet file says of itself, before the engine does: that believes each number of parts that is claimed, and goes as deep as
 * a schema does, in a stack that ends.
 * @throws DataError `MalformedData`, `FormatNotSupported` where it is encrypted
 * @see apache/parquet-format, "parquet.thrift"; Apache Thrift, "Compact protocol" */
export async function requireSoundFooter(file: FileHandle): Promise<void> {
  const { size } = await file.stat();
  if (size < 12) throw notParquet();
  const end = await part(file, size - 8, 8);
  const magic = end.toString('latin1', 4);
  if (magic === 'PARE') throw dataError('FormatNotSupported', 'parquet with an encrypted footer');
  const length = end.readUInt32LE(0);
  if (magic !== 'PAR1' || length > size - 12) throw notParquet();
  if (length > footerBytesMax) throw tooMuch(`more than ${footerBytesMax / 1024 ** 2} MiB`);
  requireShallow(await schemaOf(await part(file, size - 8 - length, length)));
}

async function part(file: FileHandle, from: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  const { bytesRead } = await file.read(bytes, 0, length, from);
  if (bytesRead !== length) throw notParquet();
  return bytes;
}

/** @returns of each part of the schema how many are in it */
async function schemaOf(footer: Buffer): Promise<readonly number[]> {
  const turns = new Turns(stepsPerTurn);
  const children: number[] = [];
  const frames: Frame[] = [{ kind: 'struct', of: 'file', field: 0, children: 0 }];
  let [at, parts] = [0, 0];
  const skip = (count: number): number => {
    if (count > footer.length - at) throw notParquet();
    at += count;
    return at - count;
  };
  const byte = (): number => footer[skip(1)] ?? 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const next = byte();
      value += (next & 0x7f) * 2 ** shift;
      if (next < 0x80) return value;
    }
    throw notParquet();
  };
  /** Each of them takes a byte at least. */
  const counted = (count: number): number => {
    if (count > footer.length - at) throw notParquet();
    return count;
  };
  const enter = (type: number, from: Frame): void => {
    switch (type) {
      case types.true:
      case types.false:
        if (from.kind !== 'struct') skip(1);
        return;
      case types.byte:
        skip(1);
        return;
      case types.i16:
      case types.i32:
      case types.i64: {
        const value = varint();
        if (from.kind === 'struct' && from.field === childrenField) from.children = value / 2; // zigzag
        return;
      }
      case types.double:
        skip(8);
        return;
      case types.uuid:
        skip(16);
        return;
      case types.binary:
        skip(varint());
        return;
      case types.list:
      case types.set: {
        const head = byte();
        const left = counted(head >> 4 === 15 ? varint() : head >> 4);
        const item = head & 15;
        if (item === types.struct && (parts += left) > partsMax) throw tooMuch(`more than ${partsMax} parts`);
        const isSchema = from.kind === 'struct' && from.of === 'file' && from.field === schemaField;
        if (isSchema && children.length + left > schemaMax) throw tooMuch(`more than ${schemaMax} columns`);
        frames.push({ kind: 'list', isSchema, item, left });
        return;
      }
      case types.map: {
        const left = counted(varint());
        const both = left === 0 ? 0 : byte();
        frames.push({ kind: 'map', key: both >> 4, value: both & 15, left: left * 2 });
        return;
      }
      case types.struct: {
        const of = from.kind === 'list' && from.isSchema ? 'element' : 'other';
        frames.push({ kind: 'struct', of, field: 0, children: 0 });
        return;
      }
      default:
        throw notParquet();
    }
  };
  for (let frame = frames.at(-1); frame !== undefined; frame = frames.at(-1)) {
    const turn = turns.after(1);
    if (turn !== undefined) await turn;
    if (frames.length > depthMax) throw tooMuch(`more than ${depthMax} levels`);
    if (frame.kind === 'struct') {
      const head = byte();
      if ((head & 15) === types.stop) {
        if (frame.of === 'element') children.push(frame.children);
        frames.pop();
        continue;
      }
      frame.field = head >> 4 === 0 ? Math.floor(varint() / 2) : frame.field + (head >> 4);
      enter(head & 15, frame);
    } else if (frame.left === 0) frames.pop();
    else {
      frame.left -= 1;
      enter(frame.kind === 'list' ? frame.item : frame.left % 2 === 1 ? frame.key : frame.value, frame);
    }
  }
  return children;
}

/** What makes no sense otherwise the engine says. */
function requireShallow(schema: readonly number[]): void {
  const open: number[] = [];
  for (const children of schema) {
    while (open.at(-1) === 0) open.pop();
    const last = open.length - 1;
    if (last >= 0) open[last] = (open[last] ?? 0) - 1;
    if (children > 0) open.push(children);
    if (open.length > schemaDepthMax) throw tooMuch(`a schema of more than ${schemaDepthMax} levels`);
  }
}

const tooMuch = (what: string): Error =>
  malformedData('BadRequest_InvalidBlob', `The Parquet file says of itself ${what}`);
