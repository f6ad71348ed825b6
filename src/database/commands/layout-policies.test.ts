import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { instant } from '../../clock/clock.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table T (tenant:string, at:datetime, n:long, r:real)');
  await cluster.run('.create table U (tenant:string, at:datetime)');
});
afterAll(() => cluster.close());

const policy = async (text: string): Promise<unknown> => JSON.parse(String((await cluster.run(text))[0]?.['Policy']));
const refused = (text: string): Promise<void> => expect(cluster.run(text)).rejects.toMatchObject({ name: 'DataError' });

describe('row order', () => {
  it('is set on tables, merged, shown and deleted', async () => {
    const column = (ColumnName: string, IsDescending: boolean) => ({ ColumnName, IsDescending });
    const both = { RowOrder: [column('tenant', false), column('at', true)] };
    expect(await policy('.alter table T policy roworder (tenant asc, at desc)')).toEqual(both);
    expect(await cluster.run('.alter tables (T, U) policy roworder (tenant asc, at desc)')).toHaveLength(2);
    expect(await policy('.show table U policy roworder')).toEqual(both);
    expect(await policy('.alter-merge table T policy roworder (n desc, tenant desc)')).toEqual({
      RowOrder: [column('at', true), column('n', true), column('tenant', true)],
    });
    expect(await cluster.run('.show table * policy roworder | project PolicyName, EntityName')).toEqual([
      { PolicyName: 'RowOrderPolicy', EntityName: '[db].[T]' },
      { PolicyName: 'RowOrderPolicy', EntityName: '[db].[U]' },
    ]);
    await cluster.run('.delete table T policy roworder');
    expect(await policy('.show table T policy roworder')).toBeNull();
    await expect(cluster.run('.alter table T policy roworder (nowhere asc)')).rejects.toMatchObject({
      code: 'ColumnNotFound',
    });
  });
});

describe('partitioning', () => {
  const hash = {
    ColumnName: 'tenant',
    Kind: 'Hash',
    Properties: { Function: 'XxHash64', MaxPartitionCount: 128, Seed: 1 },
  };
  const range = {
    ...{ ColumnName: 'at', Kind: 'UniformRange' },
    Properties: { Reference: '2021-01-01T00:00:00', RangeSize: '7.00:00:00', OverrideCreationTime: false },
  };
  const set = (keys: readonly unknown[], more = {}): string =>
    `.alter table T policy partitioning '${JSON.stringify({ PartitionKeys: keys, ...more })}'`;

  it('is set, merged, shown and deleted', async () => {
    expect(await policy(set([hash, range]))).toEqual({ PartitionKeys: [hash, range] });
    expect(await policy(`.alter-merge table T policy partitioning '{"EffectiveDateTime":"2023-01-01"}'`)).toEqual({
      PartitionKeys: [hash, range],
      EffectiveDateTime: '2023-01-01',
    });
    await cluster.run('.delete table T policy partitioning');
    expect(await policy('.show table T policy partitioning')).toBeNull();
  });

  it('is refused with keys that it cannot have', async () => {
    for (const keys of [
      [],
      [hash, hash],
      [hash, range, range],
      [{ ...hash, Kind: 'Other' }],
      [{ ...hash, ColumnName: 'r' }],
    ])
      await refused(set(keys));
    await refused(set([{ ...hash, Properties: { Function: 'Md5', MaxPartitionCount: 128 } }]));
    await refused(set([{ ...hash, Properties: { Function: 'XxHash64', MaxPartitionCount: 1 } }]));
    await refused(set([{ ...range, ColumnName: 'tenant' }]));
    await refused(set([{ ...range, ColumnName: 'nowhere' }]));
    await refused(set([hash], { Other: 1 }));
    await refused(`.alter-merge table U policy partitioning '{"EffectiveDateTime":"2023-01-01"}'`);
  });
});

it('hot windows are kept and shown', async () => {
  expect(
    await policy(
      '.alter table T policy caching hot = 30d, hot_window = datetime(2021-01-01) .. datetime(2021-02-01), hot_window = datetime(2021-04-01) .. datetime(2021-05-01)',
    ),
  ).toEqual({
    ...{ DataHotSpan: '30.00:00:00', IndexHotSpan: '30.00:00:00' },
    HotWindows: [
      { MinValue: '2021-01-01T00:00:00.0000000Z', MaxValue: '2021-02-01T00:00:00.0000000Z' },
      { MinValue: '2021-04-01T00:00:00.0000000Z', MaxValue: '2021-05-01T00:00:00.0000000Z' },
    ],
  });
  await refused('.alter table T policy caching hot = 1d, hot_window = datetime(2021-02-01) .. datetime(2021-01-01)');
});

describe('a table named with its database', () => {
  it('is that one, under the rights of its database', async () => {
    const { databaseId } = cluster.data.database;
    const other = { databaseId: cluster.context.activityId, name: 'other' };
    await cluster.context.data.setDatabases([{ databaseId, name: 'db' }, other]);
    await cluster.run('.create table T (x:long)', { database: 'other' });
    expect(await cluster.run('.alter table other.T policy caching hot = 3d | project EntityName')).toEqual([
      { EntityName: '[other].[T]' },
    ]);
    expect(await policy(`.show table ['other'].["T"] policy caching`)).toMatchObject({ DataHotSpan: '3.00:00:00' });
    const roles = [
      { databaseId, name: 'db', roles: ['Admin'] as const },
      { ...other, roles: ['Viewer'] as const },
    ];
    const change = { clusterRoles: [], databases: roles };
    await cluster.run('.show table other.T policy caching', change);
    await expect(cluster.run('.alter table other.T policy caching hot = 4d', change)).rejects.toMatchObject({
      name: 'ForbiddenError',
    });
    await cluster.run('.alter table db.T policy caching hot = 4d', { ...change, database: 'other' });
    await expect(cluster.run('.show table nowhere.T policy caching')).rejects.toMatchObject({
      code: 'DatabaseNotFound',
    });
  });
});

describe('commands about commands', () => {
  const request = {
    ...{
      clientRequestId: 'c',
      database: 'db',
      startedOn: cluster0(),
      activityId: '74be27de-1e4e-49d9-b579-fe0b331d3642',
    },
    ...{ principal: 'aadapp=tester;tenant', user: 'u', application: 'a' },
  } as const;
  const done = { on: cluster0(), milliseconds: 5, state: 'Failed', failure: 'why' } as const;
  const requests = {
    cancel: () => Promise.resolve(0),
    list: () =>
      [
        { ...request, text: '.create table T (a:long)', kind: 'command', ended: done },
        { ...request, text: 'T', kind: 'query', ended: done },
        { ...request, text: '.set-or-append T <| U', kind: 'command' },
        { ...request, principal: 'aadapp=other;tenant', text: '.drop table T', kind: 'command', ended: done },
      ] as never,
  };

  it('tell those that have ended, of others to those who watch over them', async () => {
    const shown = '| project CommandType, Text, State, FailureReason, Duration, RootActivityId, User';
    const row = {
      State: 'Failed',
      FailureReason: 'why',
      Duration: 50_000n,
      RootActivityId: request.activityId,
      User: 'u',
    };
    const created = { CommandType: 'TableCreate', Text: '.create table T (a:long)', ...row };
    const dropped = { CommandType: 'TableDrop', Text: '.drop table T', ...row };
    expect(await cluster.run(`.show commands ${shown}`, { requests })).toEqual([created, dropped]);
    expect(await cluster.run(`.show commands-and-queries ${shown}`, { requests })).toEqual([
      created,
      { CommandType: 'Query', Text: 'T', ...row },
      dropped,
    ]);
    const viewer = {
      clusterRoles: [],
      databases: [{ ...cluster.data.database, roles: ['Viewer'] as const }],
      requests,
    };
    expect(await cluster.run('.show commands | project Text', viewer)).toEqual([{ Text: '.create table T (a:long)' }]);
  });

  it('list the plugins that there are', async () => {
    expect(await cluster.run('.show plugins | where PluginName == "basket"')).toEqual([
      { PluginName: 'basket', IsEnabled: true },
    ]);
  });
});

function cluster0() {
  return instant(Date.UTC(2026, 0, 1));
}
