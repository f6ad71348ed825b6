import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { CursorOptions } from '../../kql/plan/cursor-options.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table T (n: long)');
  await cluster.run('.alter table T policy streamingingestion enable');
});
afterAll(() => cluster.close());

const rows = async (text: string): Promise<readonly (readonly unknown[])[]> => {
  const { rows: found } = await readResult(await cluster.engine.execute(queryRequest(cluster.context, text)));
  return found;
};

it('cursors give every row once, through merges and flushes, though the clock stands still', async () => {
  const seen: unknown[] = [];
  let cursor = '';
  let next = 0;
  for (let round = 0; round < 12; round += 1) {
    for (let count = 0; count < round % 3; count += 1) {
      const value = (next += 1);
      if (value % 2 === 0) await cluster.run(`.ingest inline into table T <| ${value}`);
      else await cluster.data.ingest('T', 'csv', `${value}\n`, { kind: 'streaming' });
    }
    if (round % 4 === 3) await cluster.context.data.maintain();
    const found = await rows(`T | where cursor_after('${cursor}') | project n, c = cursor_current() | sort by n asc`);
    seen.push(...found.map(([n]) => n));
    const [[current]] = (await rows('print cursor_current()')) as [[string]];
    // Nothing came between: what was seen is what there is up to now.
    for (const [, at] of found) expect(at).toBe(current);
    expect(await rows(`T | where cursor_before_or_at('${current}') | count`)).toEqual([[BigInt(next)]]);
    cursor = current;
  }
  expect(seen).toEqual(Array.from({ length: next }, (_, index) => BigInt(index + 1)));
  expect(await rows("T | where not(cursor_before_or_at('')) | count")).toEqual([[BigInt(next)]]);
});

it('what comes while a query runs is left to the next one', async () => {
  const request = queryRequest(cluster.context, "T | where cursor_after('') | count");
  const before = await readResult(await cluster.engine.execute(request));
  await cluster.run('.ingest inline into table T <| 1000');
  expect((await readResult(await cluster.engine.execute(request))).rows).toEqual(before.rows);
});

describe('what a request says of cursors', () => {
  const marks: string[] = [];
  beforeAll(async () => {
    await cluster.run('.create tables A (n: long), B (n: long)');
    for (const n of [1, 2, 3]) {
      for (const table of ['A', 'B']) await cluster.run(`.ingest inline into table ${table} <| ${n}`);
      marks.push(String((await rows('print cursor_current()'))[0]?.[0]));
    }
  });
  const asked = async (text: string, cursors: CursorOptions): Promise<readonly (readonly unknown[])[]> =>
    (await readResult(await cluster.engine.execute({ ...queryRequest(cluster.context, text), cursors }))).rows;
  const one = 'A | where cursor_after() | summarize sum(n)';
  const both = 'union A, B | summarize a = sum(n)';

  it('are the defaults of functions that are called without a cursor', async () => {
    const [first = '', second = ''] = marks;
    expect(await asked(one, { after: first })).toEqual([[5n]]);
    expect(await asked('A | where cursor_before_or_at() | count', { upTo: second })).toEqual([[2n]]);
    // The text goes before.
    expect(await asked(`set query_cursor_after_default="${second}"; ${one}`, { after: first })).toEqual([[3n]]);
    expect(await asked(`A | where cursor_after("${second}") | count`, { after: first })).toEqual([[1n]]);
    await expect(rows(one)).rejects.toThrow(
      "cursor_after() without a cursor needs the request property 'query_cursor_after_default'",
    );
    await expect(asked('A | where cursor_before_or_at() | count', { after: first })).rejects.toThrow('_default');
  });

  it('is what cursor_current() gives, and no more', async () => {
    expect(await asked('print cursor_current(), current_cursor()', { current: '17' })).toEqual([['17', '17']]);
    expect(await asked("A | where cursor_after('') | count", { current: '17' })).toEqual([[3n]]);
  });

  it('are tables that have rows between two cursors alone', async () => {
    const [first = '', second = ''] = marks;
    expect(await asked(both, { after: first, scopedTables: ['A'] })).toEqual([[5n + 6n]]);
    expect(await asked(both, { after: first, upTo: second, scopedTables: ['A', 'B'] })).toEqual([[4n]]);
    expect(
      await rows(`set query_cursor_after_default="${second}"; set query_cursor_scoped_tables=dynamic(["B"]); ${both}`),
    ).toEqual([[6n + 3n]]);
    expect(
      await asked('A | extend t = ingestion_time() | where isnotnull(t) | count', {
        after: first,
        scopedTables: ['A'],
      }),
    ).toEqual([[2n]]);
    await expect(asked(both, { scopedTables: ['A'] })).rejects.toThrow("needs 'query_cursor_after_default'");
  });

  it('is that there are none', async () => {
    for (const text of [one, 'print cursor_current()', "A | where cursor_before_or_at('')"])
      await expect(asked(text, { after: '0', disabled: true })).rejects.toThrow('query_cursor_disabled');
    await expect(rows("set query_cursor_disabled; A | where cursor_after('')")).rejects.toThrow(
      'query_cursor_disabled',
    );
    expect(await rows("set query_cursor_disabled=false; A | where cursor_after('') | count")).toEqual([[3n]]);
  });
});
