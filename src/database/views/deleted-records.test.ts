import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table T (k: string, t: datetime, n: long)');
  for (const [name, aggregate] of [
    ['Mean', 'avg(n), count()'],
    ['Last', 'arg_max(t, *)'],
    ['Any', 'take_any(*)'],
  ] as const)
    await cluster.run(`.create materialized-view ${name} on table T { T | summarize ${aggregate} by k }`);
});
afterAll(() => cluster.close());

const rows = async (text: string): Promise<readonly (readonly unknown[])[]> =>
  (await readResult(await cluster.engine.execute(queryRequest(cluster.context, text)))).rows;
const remove = (view: string, predicate: string, how = '') =>
  cluster.run(`.delete materialized-view ${view} records ${how} <| ${predicate}`);

describe('.delete materialized-view records', () => {
  it('takes groups out of the view, those of rows that it had not taken in yet included', async () => {
    await cluster.run('.ingest inline into table T <| a,2026-01-01,1\nb,2026-01-01,2');
    await cluster.context.data.maintain();
    await cluster.run('.ingest inline into table T <| a,2026-01-02,3\nc,2026-01-02,4');
    for (const [view, predicate, left] of [
      ['Mean', 'Mean | where avg_n == 2 and k == "a"', ['b', 'c']],
      ['Last', 'Last | extend late = t > datetime(2026-01-01) | where late', ['b']],
      ['Any', 'Any | where k in (toscalar(Any | summarize max(k)))', ['a', 'b']],
    ] as const) {
      const known = (await rows(`${view} | count`))[0]?.[0];
      expect(known).toBe(3n);
      const foretold = await remove(view, predicate, 'with (whatif=true)');
      const count = (found: typeof foretold) =>
        found.reduce((sum, { RecordsMatchPredicate }) => sum + Number(RecordsMatchPredicate), 0);
      expect([view, count(foretold)]).toEqual([view, 3 - left.length]);
      expect(await rows(`${view} | count`)).toEqual([[3n]]);
      expect([view, count(await remove(view, predicate))]).toEqual([view, 3 - left.length]);
      expect([view, await rows(`${view} | project k | order by k asc`)]).toEqual([view, left.map((k) => [k])]);
      if (view !== 'Any') expect(await remove(view, predicate)).toEqual([]);
    }
    // The source keeps its rows, and what comes later is a new group.
    expect(await rows('T | count')).toEqual([[4n]]);
    await cluster.run('.ingest inline into table T <| c,2026-01-03,9');
    for (const view of ['Last', 'Any']) expect(await rows(`${view} | where k == "c" | project n`)).toEqual([[9n]]);
    await cluster.context.data.maintain();
    expect(await rows("materialized_view('Any') | where k == 'c' | project n")).toEqual([[9n]]);
  });

  it('reaches rows of before an alteration', async () => {
    await cluster.run('.alter materialized-view Mean on table T { T | summarize avg(n), count(), max(t) by k }');
    await cluster.run('.ingest inline into table T <| d,2026-01-04,9');
    await remove('Mean', 'Mean | where isnull(max_t)');
    expect(await rows('Mean | project k')).toEqual([['d']]);
  });

  it('is done behind the answer, too', async () => {
    const [started] = await cluster.run('.delete async materialized-view Last records <| Last | where true');
    await cluster.settle();
    expect(await cluster.run(`.show operations ${String(started?.['OperationId'])} | project State`)).toEqual([
      { State: 'Completed' },
    ]);
    expect(await rows('Last | count')).toEqual([[0n]]);
  });

  it.each([
    ['Any | where k == "a" | summarize count()', "it has 'summarize'"],
    ['Any', "at least one 'where'"],
    ['T | where k == "a"', "reads the table 'Any' alone"],
    ['materialized_view("Any") | where k == "a"', 'materialized_view() cannot be used'],
  ])('refuses %s', async (predicate, why) => {
    await expect(remove('Any', predicate)).rejects.toThrow(why);
  });

  it('refuses what is no view', async () => {
    await expect(remove('T', 'T | where k == "a"')).rejects.toMatchObject({ code: 'ViewNotFound' });
  });
});
