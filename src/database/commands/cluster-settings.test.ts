import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { CommandContext } from './command-context.ts';
import { ForbiddenError } from './forbidden-error.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table T (a:long)');
});
afterAll(() => cluster.close());

/** Somebody who administers the database, and nothing else. */
const databaseAdmin = (): Partial<CommandContext> => {
  const { databaseId, name } = cluster.data.database;
  return { clusterRoles: [], databases: [{ databaseId, name, roles: ['Admin'] }] };
};
const policyOf = async (text: string, change?: Partial<CommandContext>) => {
  const [row] = await cluster.run(text, change);
  return JSON.parse(String(row?.['Policy'])) as unknown;
};

describe('stored entity groups', () => {
  const all = async (text: string) =>
    (await cluster.run(text)).map(({ Name, Entities }) => [Name, JSON.parse(String(Entities)) as unknown]);
  const [one, two] = ["cluster('c1').database('d1')", "cluster('c2').database('d2')"];

  it('are made, merged, altered, shown and dropped', async () => {
    expect(await all(`.create entity_group G (cluster("c1").database('d1'))`)).toEqual([['G', [one]]]);
    await expect(cluster.run(`.create entity_group G (${two})`)).rejects.toMatchObject({ code: 'EntityExists' });
    expect(await all(`.create entity_group G ifnotexists (${two})`)).toEqual([['G', [one]]]);
    expect(await all(`.alter-merge entity_group G (${one}, ${two})`)).toEqual([['G', [one, two]]]);
    expect(await all(`.alter entity_group G (${two})`)).toEqual([['G', [two]]]);
    expect(await all(`.create-or-alter entity_group A (database('db'), ${one})`)).toEqual([
      ['A', ["database('db')", one]],
    ]);
    expect(await all('.show entity_groups')).toEqual([
      ['A', ["database('db')", one]],
      ['G', [two]],
    ]);
    expect(await all('.show entity_group G')).toEqual([['G', [two]]]);
    expect(await all('.drop entity_group G')).toEqual([['A', ["database('db')", one]]]);
    for (const text of ['.drop entity_group G', '.show entity_group G', `.alter entity_group G (${one})`])
      await expect(cluster.run(text)).rejects.toMatchObject({ code: 'EntityGroupNotFound' });
  });

  it.each(['()', '(T)', "(cluster('c'))", "(database(''))", "(database('a'), T)", "(database('a')) with (x=1)"])(
    'of %s are refused',
    async (entities) => {
      await expect(cluster.run(`.create entity_group Bad ${entities}`)).rejects.toMatchObject({ code: 'syntax' });
    },
  );

  it('are for administrators of the database', async () => {
    expect(await cluster.run('.show entity_groups', databaseAdmin())).toHaveLength(1);
    const { databaseId, name } = cluster.data.database;
    const user: Partial<CommandContext> = { clusterRoles: [], databases: [{ databaseId, name, roles: ['User'] }] };
    await expect(cluster.run('.show entity_groups', user)).rejects.toBeInstanceOf(ForbiddenError);
  });
});

describe('the pretty name of a database', () => {
  it('is shown wherever the database is', async () => {
    expect(await cluster.run(".alter database db prettyname 'What people say'")).toEqual([
      { DatabaseName: 'db', PrettyName: 'What people say', Status: 'Complete' },
    ]);
    expect(await cluster.run('.show databases')).toMatchObject([{ PrettyName: 'What people say' }]);
    expect(await cluster.run('.show databases datastats')).toMatchObject([
      { PrettyName: 'What people say', RowCount: 0n },
    ]);
    await cluster.run('.drop database db prettyname');
    expect(await cluster.run('.show database')).toMatchObject([{ PrettyName: '' }]);
  });
});

describe('plugins', () => {
  it('that are disabled are refused in queries and commands until they are enabled', async () => {
    const used = '.set-or-append T <| T | evaluate narrow() | project a = long(1)';
    await cluster.run(used);
    expect(await cluster.run('.disable plugin narrow')).toEqual([{ PluginName: 'narrow', IsEnabled: false }]);
    await expect(cluster.run(used)).rejects.toMatchObject({
      code: 'semantic',
      message: expect.stringContaining("The plugin 'narrow' is disabled") as string,
    });
    await expect(cluster.run('.show tables | evaluate narrow()')).rejects.toMatchObject({ code: 'semantic' });
    const shown = await cluster.run('.show plugins | where not(IsEnabled)');
    expect(shown).toEqual([{ PluginName: 'narrow', IsEnabled: false }]);
    await expect(cluster.run('.enable plugin narrow', databaseAdmin())).rejects.toBeInstanceOf(ForbiddenError);
    await cluster.run('.enable plugin narrow');
    await cluster.run(used);
    await expect(cluster.run('.disable plugin nonsense')).rejects.toMatchObject({ code: 'notSupported' });
  });
});

describe('policies of the cluster', () => {
  it('caching holds in databases that have none of their own', async () => {
    expect(await policyOf('.show cluster policy caching')).toBeNull();
    await cluster.run(
      '.alter cluster policy caching hot = 30d, hot_window = datetime(2021-01-01) .. datetime(2021-02-01)',
    );
    const policy = {
      ...{ DataHotSpan: '30.00:00:00', IndexHotSpan: '30.00:00:00' },
      HotWindows: [{ MinValue: '2021-01-01T00:00:00.0000000Z', MaxValue: '2021-02-01T00:00:00.0000000Z' }],
    };
    expect(await policyOf('.show cluster policy caching')).toEqual(policy);
    expect(await policyOf('.show database db policy caching')).toEqual(policy);
    await cluster.run('.alter database db policy caching hot = 1d');
    expect(await policyOf('.show database db policy caching')).toMatchObject({ DataHotSpan: '1.00:00:00' });
    await cluster.run('.delete database db policy caching');
    await cluster.run('.delete cluster policy caching');
    expect(await policyOf('.show database db policy caching')).toBeNull();
  });

  it('capacity says how many ingestions go on, and what is not said has its default', async () => {
    const ingestion = () => {
      const capacity = cluster.context.data.clusterSettings().policies['capacity'];
      return (capacity as { IngestionCapacity: unknown } | undefined)?.IngestionCapacity;
    };
    expect(ingestion()).toBeUndefined();
    await cluster.run(
      `.alter-merge cluster policy capacity '{"IngestionCapacity":{"ClusterMaximumConcurrentOperations":2}}'`,
    );
    expect(ingestion()).toEqual({
      ClusterMaximumConcurrentOperations: 2,
      CoreUtilizationCoefficient: 0.75,
    });
    expect(await policyOf('.show cluster policy capacity')).toMatchObject({
      IngestionCapacity: { ClusterMaximumConcurrentOperations: 2 },
      ExportCapacity: { ClusterMaximumConcurrentOperations: 100 },
    });
    await cluster.run(`.alter cluster policy capacity '{"ExportCapacity":{"CoreUtilizationCoefficient":0.5}}'`);
    expect(ingestion()).toMatchObject({ ClusterMaximumConcurrentOperations: 512 });
  });

  it('query_weak_consistency and sandbox are kept and shown', async () => {
    await cluster.run(`.alter cluster policy query_weak_consistency '{"PercentageOfNodes": 20}'`);
    await cluster.run(`.alter-merge cluster policy query_weak_consistency '{"MaximumLagAllowedInMinutes": 15}'`);
    expect(await policyOf('.show cluster policy query_weak_consistency')).toMatchObject({
      ...{ PercentageOfNodes: 20, MaximumLagAllowedInMinutes: 15, RefreshPeriodInSeconds: -1 },
    });
    await cluster.run(`.alter cluster policy sandbox '[{"SandboxKind": "PythonExecution", "IsEnabled": true}]'`);
    expect(await policyOf('.show cluster policy sandbox')).toEqual([
      { SandboxKind: 'PythonExecution', IsEnabled: true },
    ]);
    expect(await policyOf('.delete cluster policy sandbox')).toBeNull();
  });

  it.each([
    [`.alter cluster policy capacity '{"IngestionCapacity":{"ClusterMaximumConcurrentOperations":0}}'`],
    [`.alter cluster policy capacity '{"IngestionCapacity":{"Nonsense":1}}'`],
    [`.alter cluster policy capacity '{"__proto__":{"a":1},"Nonsense":{}}'`],
    [`.alter cluster policy capacity '[]'`],
    [`.alter cluster policy query_weak_consistency '{"PercentageOfNodes":"all"}'`],
    [`.alter cluster policy sandbox '{}'`],
    [`.alter cluster policy sandbox 'x'`],
  ])('%s is refused', async (text) => {
    await expect(cluster.run(text)).rejects.toMatchObject({ code: 'InvalidPolicy' });
  });

  it('of batching, sharding and streaming hold for databases and tables that have none of their own', async () => {
    await cluster.run(`.alter cluster policy ingestionbatching '{"MaximumNumberOfItems": 3}'`);
    await cluster.run(`.alter-merge cluster policy ingestionbatching '{"MaximumBatchingTimeSpan": "00:00:30"}'`);
    const batching = { MaximumNumberOfItems: 3, MaximumBatchingTimeSpan: '00:00:30' };
    expect(await policyOf('.show cluster policy ingestionbatching')).toEqual(batching);
    expect(await policyOf('.show database db policy ingestionbatching')).toEqual(batching);
    const [details] = await cluster.run('.show table T details');
    expect(JSON.parse(String(details?.['IngestionBatchingPolicy']))).toEqual(batching);

    await cluster.run(`.alter cluster policy sharding '{"MaxRowCount": 5000}'`);
    expect(await policyOf('.show database db policy sharding')).toEqual({ MaxRowCount: 5000 });
    await cluster.run(`.alter database db policy sharding '{"MaxRowCount": 6000}'`);
    expect(await policyOf('.show database db policy sharding')).toEqual({ MaxRowCount: 6000 });
    await cluster.run('.delete database db policy sharding');
    await cluster.run('.delete cluster policy sharding');
    expect(await policyOf('.show database db policy sharding')).toBeNull();

    const stream = () => cluster.data.ingest('T', 'csv', '1', { kind: 'streaming' });
    await expect(stream()).rejects.toMatchObject({ code: 'StreamingDisabled' });
    await cluster.run(`.alter cluster policy streamingingestion '{"IsEnabled": true}'`);
    expect(await policyOf('.alter-merge cluster policy streamingingestion \'{"HintAllocatedRate": 2.5}\'')).toEqual({
      ...{ IsEnabled: true, HintAllocatedRate: 2.5 },
    });
    await stream();
    await cluster.run('.alter table T policy streamingingestion disable');
    await expect(stream()).rejects.toMatchObject({ code: 'StreamingDisabled' });
    await cluster.run('.delete cluster policy streamingingestion');
  });

  it('are for administrators of the cluster, and monitors see them', async () => {
    const monitor: Partial<CommandContext> = { clusterRoles: ['AllDatabasesMonitor'] };
    expect(await cluster.run('.show cluster policy sandbox', monitor)).toHaveLength(1);
    for (const access of [monitor, databaseAdmin()])
      await expect(cluster.run('.alter cluster policy caching hot = 1d', access)).rejects.toBeInstanceOf(
        ForbiddenError,
      );
    await expect(cluster.run('.show cluster policy sandbox', databaseAdmin())).rejects.toBeInstanceOf(ForbiddenError);
  });
});
