import { describe, expect, it } from 'vitest';
import { emptyBlocks, manyFacts, nullLists } from '../../../tests/support/hostile-avro.ts';
import { hugeDictionaries, stripesAgain, wideStripe } from '../../../tests/support/hostile-orc.ts';
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
  it('whose dictionaries have millions of empty texts is refused before they are made', async () => {
    const file = hugeDictionaries();
    expect(file.length).toBeLessThan(10_000);
    const read = batches('orc', file, { c1: 'string', c2: 'string', c3: 'string' });
    expect((await refusal(read))[1]).toContain('dictionaries of more than 10000000 texts');
  });

  it('whose columns are each within the bound, and all together are not, takes no more than that', async () => {
    const file = wideStripe();
    const before = process.memoryUsage().arrayBuffers;
    let most = 0;
    const watched = setInterval(() => (most = Math.max(most, process.memoryUsage().arrayBuffers - before)), 1);
    const columns = Object.fromEntries(Array.from({ length: 8 }, (_each, index) => [`c${index + 1}`, 'int' as const]));
    expect((await refusal(batches('orc', file, columns)))[0]).toBe('MalformedData');
    clearInterval(watched);
    expect(most / mebibytes).toBeLessThan(320);
  });

  it('whose stripes are the same one again and again is refused', async () => {
    expect((await refusal(batches('orc', stripesAgain(2), { c1: 'int' })))[1]).toContain(
      'stripes that lie in each other',
    );
    expect(await batches('orc', stripesAgain(1), { c1: 'int' })).toEqual([3]);
  });
});

describe('an Avro file', () => {
  it('whose records are long lists of nothing counts what they are made to, not only their bytes', async () => {
    const file = nullLists(2, 100_000);
    const units: number[] = [];
    for await (const records of avroWindows(inOnePiece(file))) for (const { end } of records) units.push(end);
    expect(units.map((end) => Math.floor(end / 800_000))).toEqual([1, 2]);
  });

  it('of empty blocks lets others have their turn', async () => {
    const read = batches('avro', emptyBlocks(50_000), { a: 'dynamic' });
    expect(await turnsDuring(read)).toBeGreaterThan(40);
    expect(await read).toEqual([]);
  });

  it('that says hundreds of thousands of things of itself is refused at once', async () => {
    expect((await refusal(batches('avro', manyFacts(200_000), {})))[1]).toContain('more than 10000 things');
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
