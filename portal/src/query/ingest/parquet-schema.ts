import type { ColumnType, Preview } from './column.ts';
import { columnsMax, UnreadableFile } from './column.ts';

/** A value of Thrift's compact protocol: structs by the numbers of their fields. */
type Value = number | string | boolean | readonly Value[] | Struct | undefined;
interface Struct {
  readonly [field: number]: Value;
}

const depthMax = 16;
const magic = 'PAR1';

/** Columns of a Parquet file from its footer. Its rows are packed: they are not read here.
 * @see https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
 * @throws UnreadableFile */
export function previewParquet(bytes: Uint8Array): Preview {
  const text = (from: number): string => String.fromCharCode(...bytes.subarray(from, from + 4));
  const end = bytes.byteLength - 8;
  if (end < 4 || text(0) !== magic || text(end + 4) !== magic) throw new UnreadableFile('The file is no Parquet.');
  const length = new DataView(bytes.buffer, bytes.byteOffset + end, 4).getUint32(0, true);
  if (length > end) throw new UnreadableFile('The footer of the file is longer than the file.');
  const footer = new Thrift(bytes.subarray(end - length, end)).struct(0);
  const elements = Array.isArray(footer[2]) ? (footer[2] as readonly Value[]).filter(isStruct) : [];
  const rows = footer[3];
  const columns = topLevel(elements);
  if (columns.length === 0 || columns.length > columnsMax)
    throw new UnreadableFile(`The file has ${String(columns.length)} columns.`);
  return {
    columns: columns.map((element) => ({ name: nameOf(element), type: typeOfElement(element), samples: [] })),
    ...(typeof rows === 'number' ? { rows } : {}),
  };
}

const isStruct = (value: Value): value is Struct => typeof value === 'object' && !Array.isArray(value);
const nameOf = (element: Struct): string => (typeof element[4] === 'string' ? element[4] : '');
const childrenOf = (element: Struct | undefined): number =>
  typeof element?.[5] === 'number' && element[5] > 0 ? element[5] : 0;

/** The tree is a list in the order of a walk through it: children of the root, without what is below them. */
function topLevel(elements: readonly Struct[]): readonly Struct[] {
  const found: Struct[] = [];
  let at = 1;
  for (let child = childrenOf(elements[0]); child > 0 && at < elements.length; child -= 1) {
    const element = elements[at];
    if (element !== undefined) found.push(element);
    for (let open = 1; open > 0 && at < elements.length; at += 1) open += childrenOf(elements[at]) - 1;
  }
  return found;
}

/** Converted types and logical types (the number of the union's field) that say more than the physical type. */
const converted: Readonly<Record<number, ColumnType>> = {
  0: 'string',
  4: 'string',
  5: 'decimal',
  6: 'datetime',
  9: 'datetime',
  10: 'datetime',
  19: 'dynamic',
};
const logical: Readonly<Record<number, ColumnType>> = {
  1: 'string',
  4: 'string',
  5: 'decimal',
  6: 'datetime',
  8: 'datetime',
  12: 'dynamic',
  14: 'guid',
};
const physical: readonly ColumnType[] = ['bool', 'int', 'long', 'datetime', 'real', 'real', 'string', 'string'];
const repeated = 2;

function typeOfElement(element: Struct): ColumnType {
  if (childrenOf(element) > 0 || element[3] === repeated) return 'dynamic';
  const union = element[10];
  const [field] = isStruct(union) ? Object.keys(union) : [];
  const byLogical = field === undefined ? undefined : logical[Number(field)];
  const byConverted = typeof element[6] === 'number' ? converted[element[6]] : undefined;
  return byLogical ?? byConverted ?? (typeof element[1] === 'number' ? physical[element[1]] : undefined) ?? 'string';
}

class Thrift {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  struct(depth: number): Struct {
    if (depth > depthMax) throw new UnreadableFile('The footer of the file is nested too deeply.');
    const fields: Record<number, Value> = {};
    for (let id = 0; ;) {
      const head = this.#byte();
      if (head === 0) return fields;
      const step = head >> 4;
      id = step === 0 ? this.#zigzag() : id + step;
      fields[id] = this.#value(head & 15, depth);
    }
  }

  /** Kinds of fields; booleans are their kind. */
  #value(kind: number, depth: number): Value {
    switch (kind) {
      case 1:
        return true;
      case 2:
        return false;
      case 3:
        return this.#byte();
      case 4:
      case 5:
      case 6:
        return this.#zigzag();
      case 7:
        this.#skip(8);
        return undefined;
      case 8:
        return this.#text();
      case 9:
      case 10:
        return this.#list(depth);
      case 12:
        return this.struct(depth + 1);
      default:
        throw new UnreadableFile('The footer of the file has a value of a kind that is not known.');
    }
  }

  #list(depth: number): readonly Value[] {
    const head = this.#byte();
    const count = head >> 4 === 15 ? this.#varint() : head >> 4;
    const kind = head & 15;
    const values: Value[] = [];
    // Each element has a byte at least, so that a count which lies ends with the bytes.
    for (let left = count; left > 0; left -= 1)
      values.push(kind <= 2 ? this.#byte() === 1 : this.#value(kind, depth + 1));
    return values;
  }

  #text(): string {
    const length = this.#varint();
    const from = this.#at;
    this.#skip(length);
    return new TextDecoder().decode(this.#bytes.subarray(from, from + length));
  }

  #skip(length: number): void {
    this.#at += length;
    if (this.#at > this.#bytes.byteLength) throw new UnreadableFile('The footer of the file ends too early.');
  }

  #byte(): number {
    this.#skip(1);
    return this.#bytes[this.#at - 1] ?? 0;
  }

  #varint(): number {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = this.#byte();
      value += (byte & 127) * shift;
      if (byte < 128) return value;
      if (shift > 2 ** 56) throw new UnreadableFile('The footer of the file has a number that is too long.');
    }
  }

  /** Beyond 2^53 not exact: numbers here are kinds, counts and rows. */
  #zigzag(): number {
    const value = this.#varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
