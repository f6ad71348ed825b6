import { deflateRawSync } from 'node:zlib';

const mebibytes = 1024 ** 2;

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
const field = (number: number, value: number | Uint8Array): Buffer =>
  typeof value === 'number'
    ? Buffer.from([...varint(number * 8), ...varint(value)])
    : Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(value.length)]), value]);
const message = (...fields: readonly Buffer[]): Buffer => Buffer.concat(fields);

type Packing = (bytes: Uint8Array) => Buffer;
const piece = (bytes: Uint8Array, isPlain = 0): Buffer => {
  const header = Buffer.alloc(3);
  header.writeUIntLE(bytes.length * 2 + isPlain, 0, 3);
  return Buffer.concat([header, bytes]);
};
const none: Packing = (bytes) => Buffer.from(bytes);
const zlib: Packing = (bytes) => piece(deflateRawSync(bytes));
/** Literals of one byte, which is repeated by copies of 64 each. */
const snappyZeros = (length: number): Buffer => {
  const copies = Buffer.alloc((length / 64) * 3).fill(Buffer.from([0xfe, 1, 0]));
  return Buffer.concat([Buffer.from([...varint(length + 1), 0, 0]), copies]);
};

interface Column {
  readonly kind: number;
  readonly encoding: readonly [kind: number, dictionary: number];
  /** By the numbers of their kinds, packed. */
  readonly streams: Readonly<Record<number, Buffer>>;
}

/** @param again how often its one stripe is listed */
function fileOf(
  columns: readonly Column[],
  { pack, codec, rows, again = 1 }: { pack: Packing; codec: number; rows: number; again?: number },
): Buffer {
  const parts = columns.flatMap(({ streams }, index) =>
    Object.entries(streams).map(([kind, bytes]) => ({ kind: Number(kind), column: index + 1, bytes })),
  );
  const data = Buffer.concat(parts.map(({ bytes }) => bytes));
  const stripeFooter = pack(
    message(
      ...parts.map(({ kind, column, bytes }) =>
        field(1, message(field(1, kind), field(2, column), field(3, bytes.length))),
      ),
      ...[[0, 0] as const, ...columns.map(({ encoding }) => encoding)].map(([kind, size]) =>
        field(2, message(field(1, kind), field(2, size))),
      ),
    ),
  );
  const stripe = message(
    ...[field(1, 3), field(2, 0), field(3, data.length), field(4, stripeFooter.length), field(5, rows)],
  );
  const root = message(
    field(1, 12),
    ...columns.flatMap((_column, index) => [field(2, index + 1), field(3, Buffer.from(`c${index + 1}`))]),
  );
  const footer = pack(
    message(
      ...Array.from({ length: again }, () => field(3, stripe)),
      ...[field(4, root), ...columns.map(({ kind }) => field(4, field(1, kind)))],
    ),
  );
  const tail = message(
    ...[field(1, footer.length), field(2, codec), field(3, 8 * mebibytes), field(8000, Buffer.from('ORC'))],
  );
  return Buffer.concat([Buffer.from('ORC'), data, stripeFooter, footer, tail, Buffer.from([tail.length])]);
}

/** Three columns of five million empty texts each, in less than ten kilobytes. */
export function hugeDictionaries(): Buffer {
  const texts = 5_000_000;
  // Runs of 130 lengths that are 0.
  const lengths = zlib(Buffer.alloc(Math.ceil(texts / 130) * 3).fill(Buffer.from([127, 0, 0])));
  const column = { kind: 7, encoding: [1, texts], streams: { 1: zlib(Buffer.from([0, 0, 0])), 2: lengths } } as const;
  return fileOf([column, column, column], { pack: zlib, codec: 1, rows: 1 });
}

/** Eight columns of 63 MiB each. */
export function wideStripe(): Buffer {
  const stream = Buffer.concat(Array.from({ length: 9 }, () => piece(snappyZeros(7 * mebibytes))));
  const column = { kind: 1, encoding: [0, 0], streams: { 1: stream } } as const;
  return fileOf(Array<Column>(8).fill(column), { pack: (bytes) => piece(bytes, 1), codec: 2, rows: 1 });
}

/** A stripe of three rows, so many times. */
export function stripesAgain(again: number): Buffer {
  const column = { kind: 1, encoding: [0, 0], streams: { 1: Buffer.from([0, 1]) } } as const;
  return fileOf([column], { pack: none, codec: 0, rows: 3, again });
}
