import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { refusal } from '../../../tests/support/refusal.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { avroWindows } from './avro-records.ts';
import { requireFormat } from './formats.ts';
import { readRows } from './read-batch.ts';

// Files of few bytes that ask for much: memory, or the event loop for themselves.

const mebibytes = 1024 ** 2;

// eslint-disable-next-line @typescript-eslint/require-await -- a stream of one piece
async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** How many rows come together. */
async function batches(
  name: string,
  body: Uint8Array,
  columns: Readonly<Record<string, KqlType>>,
): Promise<readonly number[]> {
  const counts: number[] = [];
  const format = requireFormat(name);
  const { reader } = format;
  if (reader.kind === 'parquet') throw new Error('The engine reads it.');
  const rows = readRows(inOnePiece(body), {
    ...{ format: { ...format, reader }, ignoreFirstRecord: false, mapping: undefined },
    columns: Object.entries(columns).map(([name, type], index) => ({ columnId: index + 1, name, type })),
  });
  for await (const { rowCount } of rows) counts.push(rowCount);
  return counts;
}

/** How often others had their turn while something was done. */
async function turnsDuring(work: Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = (): void => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await work.finally(() => (isOver = true));
  return turns;
}

describe('an ORC file', () => {
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

  it('whose dictionaries have millions of empty texts is refused before they are made', async () => {
    const texts = 5_000_000;
    // Runs of 130 lengths that are 0.
    const lengths = zlib(Buffer.alloc(Math.ceil(texts / 130) * 3).fill(Buffer.from([127, 0, 0])));
    const column = { kind: 7, encoding: [1, texts], streams: { 1: zlib(Buffer.from([0, 0, 0])), 2: lengths } } as const;
    const file = fileOf([column, column, column], { pack: zlib, codec: 1, rows: 1 });
    expect(file.length).toBeLessThan(10_000);
    const read = batches('orc', file, { c1: 'string', c2: 'string', c3: 'string' });
    expect((await refusal(read))[1]).toContain('dictionaries of more than 10000000 texts');
  });

  it('whose columns are each within the bound, and all together are not, takes no more than that', async () => {
    const stream = Buffer.concat(Array.from({ length: 9 }, () => piece(snappyZeros(7 * mebibytes))));
    const column = { kind: 1, encoding: [0, 0], streams: { 1: stream } } as const;
    const file = fileOf(Array<Column>(8).fill(column), {
      pack: (bytes) => piece(bytes, 1),
      ...{ codec: 2, rows: 1 },
    });
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watched = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers - before)), 1);
    const columns = Object.fromEntries(Array.from({ length: 8 }, (_each, index) => [`c${index + 1}`, 'int' as const]));
    expect((await refusal(batches('orc', file, columns)))[0]).toBe('MalformedData');
    clearInterval(watched);
    expect(most / mebibytes).toBeLessThan(320);
  });

  it('whose stripes are the same one again and again is refused', async () => {
    const column = { kind: 1, encoding: [0, 0], streams: { 1: Buffer.from([0, 1]) } } as const;
    const file = fileOf([column], { pack: none, codec: 0, rows: 3, again: 2 });
    expect((await refusal(batches('orc', file, { c1: 'int' })))[1]).toContain('stripes that lie in each other');
    expect(await batches('orc', fileOf([column], { pack: none, codec: 0, rows: 3 }), { c1: 'int' })).toEqual([3]);
  });
});

describe('an Avro file', () => {
  const long = (value: number): Buffer => {
    const bytes: number[] = [];
    let left = BigInt(value) * 2n;
    for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
    return Buffer.from([...bytes, Number(left)]);
  };
  const text = (value: string): Buffer => Buffer.concat([long(value.length), Buffer.from(value)]);
  const sync = Buffer.alloc(16);
  const begin = (facts: readonly (readonly [string, string])[]): Buffer =>
    Buffer.concat([
      ...[Buffer.from('Obj\u0001', 'latin1'), long(facts.length)],
      ...facts.flatMap((fact) => fact.map(text)),
      ...[long(0), sync],
    ]);
  const schema = JSON.stringify({
    ...{ type: 'record', name: 'R' },
    fields: [{ name: 'a', type: { type: 'array', items: 'null' } }],
  });
  const header = begin([['avro.schema', schema]]);

  it('whose records are long lists of nothing counts what they are made to, not only their bytes', async () => {
    const block = Buffer.concat([long(100_000), long(0)]);
    const file = Buffer.concat([header, long(2), long(block.length * 2), block, block, sync]);
    const units: number[] = [];
    for await (const records of avroWindows(inOnePiece(file))) for (const { end } of records) units.push(end);
    expect(units.map((end) => Math.floor(end / 800_000))).toEqual([1, 2]);
  });

  it('of empty blocks lets others have their turn', async () => {
    const empty = Buffer.concat([long(0), long(0), sync]);
    const file = Buffer.concat([header, ...Array.from({ length: 50_000 }, () => empty)]);
    const read = batches('avro', file, { a: 'dynamic' });
    expect(await turnsDuring(read)).toBeGreaterThan(40);
    expect(await read).toEqual([]);
  });

  it('that says hundreds of thousands of things of itself is refused at once', async () => {
    const facts = Array.from({ length: 200_000 }, () => ['', ''] as const);
    expect((await refusal(batches('avro', begin(facts), {})))[1]).toContain('more than 10000 things');
  });
});

describe('text of one record', () => {
  const million = 1_000_001;
  it.each([
    ['that is a JSON value with too many in it', 'multijson', `{"a":[${'{},'.repeat(million)}{}]}`],
    ['that is a JSON object with too many in it', 'json', `{"a":1${',"b":0'.repeat(million)}}`],
    ['with too many fields', 'csv', `1${',2'.repeat(million)}`],
  ])('%s is refused before all of them are made', async (_title, format, sent) => {
    const read = batches(format, Buffer.from(sent), { a: 'dynamic' });
    expect(await refusal(read)).toEqual(['MalformedData', expect.stringContaining('more than 1000000 ')]);
  });

  it('may have as many in several records', async () => {
    const record = `{"a":[${'0,'.repeat(600_000)}0]}\n`;
    expect(await batches('json', Buffer.from(record.repeat(2)), { b: 'long' })).toEqual([2]);
  });
});
