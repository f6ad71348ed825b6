import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import { readResult } from '../../database/commands/command-pipe.ts';
import { queryRequest } from '../../database/commands/query-request.ts';
import type { SharedDatabase } from '../messages/data-plane-calls.ts';
import { followerView } from './follower-view.ts';

let leader: CommandFixture;
beforeAll(async () => {
  leader = await openCommandFixture();
  for (const text of [
    '.create table T (n: long)',
    '.create table D (n: long, name: string)',
    '.ingest inline into table D <| 1,one',
    '.create materialized-view V on table T { T | summarize count() by n }',
    '.create materialized-view with (dimensionTables = dynamic(["D"])) Named on table T { T | lookup D on n | summarize max(n) by name }',
    '.create materialized-view Each on table T { T | summarize take_any(*) by n }',
    '.create materialized-view Over on materialized-view Each { Each | summarize count() by n }',
    '.ingest inline into table T <| 1',
  ])
    await leader.run(text);
  await leader.context.data.materialize('db', 'V');
  await leader.run('.ingest inline into table T <| 1\n2');
});
afterAll(() => leader.close());

const nothing = { include: [], exclude: [] };
const all: SharedDatabase['sharing'] = { tables: nothing, views: nothing, functions: nothing };
const shared = (change: Partial<SharedDatabase> = {}): ClusterData =>
  followerView(leader.context.data, {
    ...{ cluster: 'follower', others: [], known: [] },
    databases: [
      {
        ...{ name: 'renamed', databaseId: leader.context.data.database('db').databaseId, sharing: all },
        caching: { kind: 'Union', tables: {} },
        ...change,
      },
    ],
  });
async function read(text: string, data = shared()): Promise<unknown> {
  const context = { ...leader.context, data, database: 'renamed' };
  const table = await readResult(await leader.engine.execute(queryRequest(context, text)));
  return 'rows' in table ? table.rows : table;
}

describe('what a follower has of materialized views', () => {
  it('is what the leader has, rows that are in none yet included', async () => {
    expect(await read('V | order by n asc')).toEqual([
      [1n, 2n],
      [2n, 1n],
    ]);
    expect(await read("materialized_view('V')")).toEqual([[1n, 1n]]);
    expect(await read("materialized_view('V', 0s) | count")).toEqual([[2n]]);
    expect(await read("database('renamed').V | count")).toEqual([[2n]]);
    expect(await read('Named | order by name asc')).toEqual([
      ['', 2n],
      ['one', 1n],
    ]);
    expect(await read('Over | summarize sum(count_)')).toEqual([[2n]]);
  });

  it('leaves out what is not shared, and what is made of that', async () => {
    const without = (sharing: Partial<SharedDatabase['sharing']>) => shared({ sharing: { ...all, ...sharing } });
    const views = async (data: ClusterData): Promise<readonly string[]> => {
      const names = ['Each', 'Named', 'Over', 'V'];
      const answers = await Promise.all(
        names.map((name) =>
          read(`${name} | count`, data).then(
            () => [name],
            () => [],
          ),
        ),
      );
      expect([...data.database('renamed').views.keys()].sort()).toEqual(answers.flat());
      expect(data.materializedViews('renamed').map(({ name }) => name)).toEqual(answers.flat());
      return answers.flat();
    };
    expect(await views(shared())).toEqual(['Each', 'Named', 'Over', 'V']);
    expect(await views(without({ views: { include: [], exclude: ['Ea*'] } }))).toEqual(['Named', 'V']);
    expect(await views(without({ views: { include: ['V'], exclude: [] } }))).toEqual(['V']);
    expect(await views(without({ tables: { include: [], exclude: ['D'] } }))).toEqual(['Each', 'Over', 'V']);
    expect(await views(without({ tables: { include: [], exclude: ['T'] } }))).toEqual([]);
    const data = without({ views: { include: ['Named'], exclude: [] } });
    await expect(data.sources().open('renamed', 'materialized_view/V/materialized')).rejects.toMatchObject({
      code: 'ViewNotFound',
    });
    await expect(data.sources().open('renamed', 'materialized_view/V/delta')).rejects.toMatchObject({
      code: 'ViewNotFound',
    });
  });

  it('has the caching policies that the follower has set', () => {
    const hot = (data: ClusterData) => data.materializedView('renamed', 'V').policies.caching?.DataHotSpan;
    expect(hot(shared())).toBeUndefined();
    const tables = { V: { rows: '2.00:00:00', index: '2.00:00:00' } };
    expect(hot(shared({ caching: { kind: 'Union', tables } }))).toBe('2.00:00:00');
    expect(hot(shared({ caching: { kind: 'None', tables } }))).toBeUndefined();
  });
});
