import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { fuzz } from '../../../tests/support/fuzz.ts';
import type { BlobName } from '../../storage/blob-store.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';
import type { ExtentFiles } from './extent-files.ts';
import { openTable } from './table-sources.ts';

class CountingStore extends MemoryBlobStore {
  readonly opened = new Set<BlobName>();
  override readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    this.opened.add(name);
    return super.readInto(name, offset, target);
  }
}

const day = 86_400_000;
let cluster: CommandFixture;
const blobs = new CountingStore();

beforeAll(async () => {
  cluster = await openCommandFixture({ blobs });
  await create('S', 'n: long, i: int, w: datetime, t: timespan, s: string, r: real');
  await add('S', '1,10,2026-01-01,1d,a,1.5\n2,20,2026-01-02,2d,b,nan');
  await add('S', '3,,2026-01-03,3d,c,-inf\n4,-5,2026-01-04,,d,');
  await add('S', '5,7,,,e,\n6,8,,,f,');
});
afterAll(() => cluster.close());

const data = () => cluster.data.data();
const run = async (text: string) => cluster.run(text, { data: await data() });

async function create(table: string, columns: string): Promise<void> {
  await run(`.create table ${table} (${columns})`);
  await run(`.alter table ${table} policy merge '{"AllowMerge": false}'`);
}

/** One extent, or rows in the log. */
async function add(table: string, rows: string, kind: 'inline' | 'streaming' = 'inline'): Promise<void> {
  if (kind === 'streaming') await (await data()).setPolicy('db', table, 'streamingingestion', streaming);
  await cluster.data.ingest(table, 'csv', rows, { kind });
}
const streaming = { IsEnabled: true, HintAllocatedRate: null };

async function answer(text: string) {
  const execution = await cluster.engine.execute(queryRequest({ ...cluster.context, data: await data() }, text));
  const { scanned } = execution;
  return { scanned, rows: (await readResult(execution)).rows.map((row) => row.map(String).join()) };
}
/** @returns the rows, and how many extents were read for them, from the store and by the account that is given to clients */
async function found(text: string) {
  await cluster.data.crash(); // nothing is open any more
  blobs.opened.clear();
  const { rows, scanned } = await answer(text);
  expect(scanned.extentsScanned).toBe(blobs.opened.size);
  return [rows.join(' '), blobs.opened.size];
}
const rowsOf = async (text: string): Promise<string> => (await answer(text)).rows.join(' ');
/** What reading gives: the catalog does not see through `serialize`. */
const agrees = async (text: string): Promise<void> => {
  expect([text, await rowsOf(text)]).toEqual([
    text,
    await rowsOf(text.replaceAll(/\b(?:[ST]|Large)\b(?= *[|);])/g, '$& | serialize')),
  ]);
};

const ticks = (day: string): string => String(621_355_968_000_000_000n + BigInt(Date.parse(day)) * 10_000n);

describe('what the catalog knows of extents', () => {
  it.each([
    ['S | count', '6'],
    ['S | summarize count()', '6'],
    ['S | summarize min(n)', '1'],
    ['S | summarize max(n), c = count(), min(i), max(i)', '6,6,-5,20'],
    ['S | summarize min(w), max(w)', `${ticks('2026-01-01')},${ticks('2026-01-04')}`],
    ['S | summarize m = max(t) | project m / 1d', '3'],
    ['S | project-rename z = n | extend y = z, q = strlen(s) | project y | summarize max(y), count()', '6,6'],
    ['S | sort by n asc | count', '6'],
    ['let A = S | where n > 2; A | count', '4'],
    ['print toscalar(S | count) + toscalar(S | summarize max(n))', '12'],
    ['union (S | count), (S | where n >= 5 | count) | summarize sum(Count)', '8'],
    ['S | where n >= 3 | count', '4'],
    ['S | where n >= 3 and n < 5 | where n <= 100 | count', '2'],
    ['S | where w between (datetime(2026-01-01) .. 1d) | count', '2'],
    ['S | where n > 100 | summarize count(), max(n)', '0,null'],
    ['S | where w < ago(-30d) and w >= datetime(2026-01-03) | summarize max(n)', '4'],
    ['declare query_parameters(p: long = 3); S | where n >= p | count', '4'],
    ['S | where isnotnull(ingestion_time()) or n > 5 | count', '6', 3],
    ['S | summarize m = max(ingestion_time()) | project isnotnull(m)', 'true'],
    ['S | where ingestion_time() > datetime(2025-12-31) | count', '6'],
  ])('answers %s', async (text, expected, extents = 0) => {
    expect(await found(text)).toEqual([expected, extents]);
  });

  it.each([
    ['a condition that holds for a part of an extent', 'S | where n >= 4 | count', '3', 1],
    ['a column with nulls in a condition', 'S | where i > -100 | count', '5', 1],
    ['strings', 'S | summarize min(s), count()', 'a,6', 3],
    ['reals, NaN among them', 'S | summarize min(r)', 'NaN', 3],
    ['other aggregates beside', 'S | summarize count(), sum(n)', '6,21', 3],
    ['groups', 'S | summarize count() by n > 3 | count', '2', 3],
    ['a condition that it cannot follow', 'S | where s contains "zz" and n > 2 | count', '0', 2],
    ['rows that are needed themselves', 'S | where n > toscalar(S | summarize max(n)) - 1 | project n', '6', 3],
    ['rows that were chosen', 'S | take 3 | count', '3', 3],
    ['a computed column', 'S | extend n = n * 2 | summarize max(n)', '12', 3],
    ['a computed column in a condition', 'S | extend n = n * 2 | where n > 1 | count', '6', 3],
    ['rows of which each is looked at with others', 'S | sort by n asc | where prev(n) > 0 | count', '5', 3],
    ['what is kept once', 'let A = materialize(S | where n > 0); A | count', '6', 3],
  ])('does not do for %s', async (_what, text, expected, extents) => {
    expect(await found(text)).toEqual([expected, extents]);
  });

  it('counts the rows of an extent with several groups of rows', async () => {
    await run('.set Large <| range n from 1 to 130000 step 1 | extend m = iff(n == 70000, long(null), -n)');
    const counted = 'Large | summarize count(), min(n), max(n), min(m), max(m)';
    expect(await found(counted)).toEqual(['130000,1,130000,-130000,-1', 0]);
    await agrees(counted);
    expect(await found('Large | where isnull(m) or n > 129999 | count')).toEqual(['2', 1]);
  });

  it('counts rows that are not in an extent yet', async () => {
    await create('L', 'n: long');
    await add('L', '1\n2');
    await add('L', '7\n8', 'streaming');
    expect(await found('L | summarize count(), min(n), max(n)')).toEqual(['4,1,8', 0]);
    expect(await found('L | where n > 7 | count')).toEqual(['1', 0]);
  });

  it('leaves out rows that were deleted, and extents past their retention', async () => {
    await create('D', 'n: long');
    for (const rows of ['1\n2\n3', '4\n5', '6\n7']) await add('D', rows);
    await run('.purge table D records in database db with (noregrets=true) <| where n in (3, 7)');
    expect(await found('D | summarize count(), max(n)')).toEqual(['5,6', 0]);
    await run('.purge table D records in database db with (noregrets=true) <| where n == 6');
    expect(await found('D | summarize count(), max(n)')).toEqual(['4,5', 0]);
    await run(`.alter-merge table D policy retention softdelete = 10d`);
    cluster.data.advance(11 * day);
    await add('D', '9');
    expect(await found('D | summarize count(), min(n)')).toEqual(['1,9', 0]);
    await run('.clear table D data');
    expect(await found('D | summarize count(), min(n)')).toEqual(['0,null', 0]);
  });

  it('takes columns that were added for null, and knows nothing of dropped ones', async () => {
    await create('C', 'n: long, m: long');
    await add('C', '1,1\n2,2');
    await run('.alter-merge table C (k: long)');
    expect(await found('C | summarize max(k), count()')).toEqual(['null,2', 0]);
    expect(await found('C | where k > 0 | count')).toEqual(['0', 0]);
    await run('.drop column C.m');
    await run('.alter-merge table C (m: long)');
    await add('C', '3,,30');
    expect(await found('C | summarize max(m), min(m), count()')).toEqual(['30,30,3', 0]);
  });

  it('follows another name, and stays with the extent that is merged', async () => {
    await run('.create table M (n: long)');
    for (const n of ['1', '2', '3', '4', '5']) for (const rows of [n, '""', `${n}\n""`]) await add('M', rows);
    await run('.rename column M.n to q');
    expect(await found('M | summarize min(q), max(q)')).toEqual(['1,5', 0]);
    for (let times = 0; times < 2; times += 1) await (await data()).maintain();
    expect((await data()).extents('db', 'M')).toHaveLength(1);
    expect(await found('M | summarize min(q), max(q), count()')).toEqual(['1,5,20', 0]);
    expect(await found('M | where q > 0 | count')).toEqual(['10', 1]);
  });

  it('does without what extents of an earlier version do not tell: how many nulls they have', async () => {
    const old = await openCommandFixture();
    await old.data.table('E', { n: 'long' });
    await old.data.ingest('E', 'csv', '1\n2', { kind: 'inline' });
    await old.data.manyExtents(2, (copy) => {
      const { nulls, ...older } = copy;
      expect(nulls).toEqual({ 0: 0, 1: 0 });
      return older;
    });
    const ask = async (text: string): Promise<unknown[]> => {
      const context = { ...old.context, data: await old.data.data() };
      const execution = await old.engine.execute(queryRequest(context, text));
      const { rows } = await readResult(execution);
      return [rows.map(String).join(' '), execution.scanned.extentsScanned];
    };
    expect(await ask('E | summarize count(), min(n), max(n)')).toEqual(['6,1,2', 0]);
    expect(await ask('E | where n > 0 | count')).toEqual(['6', 2]);
    await old.close();
  });

  it('is told only while the key is there', async () => {
    const source = (requireKey: () => void) =>
      openTable(
        {
          files: { requireKey, fits: () => true } as unknown as ExtentFiles,
          connect: () => Promise.reject(new Error('nothing is read')),
          keys: () => ({ generation: 1 }) as never,
          snapshot: () => ({
            table: { columns: [] } as never,
            extents: [{ rowCount: 5, columnIds: [], ranges: {} }] as never,
            segments: [],
          }),
        },
        { rows: undefined, summaries: [{ ranges: [], columns: [] }] },
      );
    expect((await source(() => undefined)).known).toEqual([{ rowCount: 5n, ranges: [] }]);
    const gone = new Error('the key is gone');
    await expect(
      source(() => {
        throw gone;
      }),
    ).rejects.toBe(gone);
  });

  it('is one with the rows that are read, whatever is in the table', { timeout: 300_000 }, async () => {
    const whole = fc.constantFrom('', '-9223372036854775807', '-3', '0', '1', '2', '9', '9223372036854775807');
    const row = fc
      .tuple(
        whole,
        fc.constantFrom('', '-2147483648', '0', '1', '5'),
        fc.constantFrom('', '2026-01-01', '2026-01-02', '0001-01-01', '9999-12-31'),
        fc.constantFrom('', 'nan', '-1', 'inf'),
        fc.constantFrom('', 'a', 'b'.repeat(5_000)),
      )
      .map((cells) => cells.join());
    const part = fc.tuple(
      fc.array(row, { minLength: 1, maxLength: 3 }),
      fc.constantFrom<'inline' | 'streaming'>('inline', 'inline', 'inline', 'streaming'),
    );
    const condition = fc.constantFrom(
      ...['n > 0', 'n >= 0', 'n <= 2', '1 >= n', 'n == 1', 'n between (0 .. 9)', 'n in (2)', 'n in (0, 2)', 'n != 2'],
      ...['i > 0', 'i >= int(-2147483648)', 'i < 6', 'n > 0.5', 'n >= 1.0', 'n < real(nan)', 'n > long(null)'],
      ...['w > datetime(2025-06-01)', 'w between (datetime(2026-01-01) .. 1d)', 'w >= datetime(0001-01-01) - 1d'],
      ...['w <= datetime(9999-12-31) + 1d', 'isnull(n)', 'not(n > 1)', 'n > 0 or i > 0', 's has "a"', 'r > 0', 'n > i'],
      ...['n > -9223372036854775807', 'n <= 9223372036854775807', 'n > 9223372036854775807'],
    );
    const step = fc.oneof(
      condition.map((text) => `where ${text}`),
      fc.tuple(condition, condition).map(([left, right]) => `where ${left} and ${right}`),
      fc.constantFrom('extend x = i', 'extend i = n', 'project-rename', 'project n, i, w, r, s', 'sort by n asc'),
    );
    const steps = fc.array(step, { maxLength: 3 }).map((list) =>
      list
        .filter((text) => text !== 'project-rename')
        .map((text) => ` | ${text}`)
        .join(''),
    );
    const summary = fc.constantFrom(
      ...['count', 'summarize count()', 'summarize min(n), max(n)', 'summarize min(i), count(), max(w), min(w)'],
      ...['summarize max(r), min(s)', 'summarize count(), dcount(n)', 'summarize max(i), max(s)'],
    );
    const query = fc.tuple(steps, summary).map(([before, last]) => `T${before} | ${last}`);
    const whole2 = fc.oneof(
      query,
      query,
      fc.tuple(query, query).map(([left, right]) => `union (${left}), (${right})`),
      fc.tuple(steps, query).map(([before, inner]) => `let A = T${before}; union (A | count), (${inner})`),
      query.map((inner) => `T | where n >= toscalar(${inner}) | summarize max(n), count()`),
    );
    let made = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(part, { maxLength: 4 }),
        fc.array(whole2, { minLength: 6, maxLength: 6 }),
        async (parts, queries) => {
          if ((made += 1) > 1) await run('.drop table T');
          await create('T', 'n: long, i: int, w: datetime, r: real, s: string');
          for (const [rows, kind] of parts) await add('T', rows.join('\n'), kind);
          for (const text of queries) await agrees(text);
        },
      ),
      fuzz(25, 8),
    );
  });
});
