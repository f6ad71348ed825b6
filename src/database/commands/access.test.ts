import type { ClusterRole, DatabaseRole } from '../../authz/kusto-roles.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { UpkeepProblem } from '../extents/upkeep.ts';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { CommandContext, RequestView } from './command-context.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { hasKustoRight } from '../../authz/kusto-roles.ts';
import { ForbiddenError } from './forbidden-error.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table T (a:long)');
  await cluster.run('.create-or-alter function F() { T }');
  await cluster.run(`.create-or-alter graph_model G '${graphModel}'`);
});
afterAll(() => cluster.close());

function as(roles: readonly DatabaseRole[], clusterRoles: readonly ClusterRole[] = []): Partial<CommandContext> {
  const { databaseId, name } = cluster.data.database;
  return { clusterRoles, databases: [{ databaseId, name, roles }] };
}

async function verdict(text: string, access: Partial<CommandContext>): Promise<'allowed' | 'forbidden'> {
  try {
    await cluster.run(text, access);
    return 'allowed';
  } catch (error) {
    if (error instanceof ForbiddenError) return 'forbidden';
    // Who may not even know of the database learns no more than that a name of it means nothing.
    const isBlind = !hasKustoRight({ ...cluster.context, ...access }, 'list', 'db');
    if (isBlind && error instanceof KqlError && error.code === 'semantic') return 'forbidden';
    throw error;
  }
}

const graphModel = JSON.stringify({
  Definition: { Steps: [{ Kind: 'AddNodes', Query: 'T', NodeIdColumn: 'a' }] },
});
const everyRole: readonly DatabaseRole[] = ['Admin', 'Ingestor', 'Monitor', 'User', 'UnrestrictedViewer', 'Viewer'];

describe('roles on a database', () => {
  it.each<[string, readonly DatabaseRole[]]>([
    ['.show version', everyRole],
    ['.show tables', ['Admin', 'Monitor', 'User', 'Viewer']],
    ['.show table T details', ['Admin', 'Monitor', 'User', 'Viewer']],
    ['.show database schema as json', ['Admin', 'Monitor', 'User', 'Viewer']],
    ['.create table New (a:long)', ['Admin', 'User']],
    ['.create-merge table T (a:long)', ['Admin']],
    ['.create-or-alter function F() { T }', ['Admin']],
    ['.alter table T docstring "x"', ['Admin']],
    ['.drop table Gone ifexists', ['Admin']],
    ['.ingest inline into table T <| 1', ['Admin', 'Ingestor']],
    ['.set-or-append T <| print a = 1', ['Admin', 'Ingestor']],
    ['.set-or-append T <| T | take 0', ['Admin']],
    ['.set-or-replace T <| print a = 1', ['Admin']],
    ['.alter table T policy caching hot = 1d', ['Admin']],
    ['.set-or-replace stored_query_result R <| T | take 0', ['Admin', 'User', 'Viewer']],
    [`.create-or-alter graph_model G '${graphModel}'`, ['Admin', 'User']],
    ['.show graph_model G', ['Admin', 'Monitor', 'User', 'Viewer']],
    ['.show graph_snapshots *', ['Admin', 'Monitor', 'User', 'Viewer']],
    ['.show graph_models', ['Admin', 'Monitor', 'User', 'Viewer']],
    ['.drop graph_snapshots G', ['Admin']],
    ['.show stored_query_results', ['Admin', 'Monitor', 'User', 'Viewer']],
    ['.show stored_query_result R schema', ['Admin', 'User', 'Viewer']],
    [`.drop stored_query_results by user 'aadapp=nobody'`, ['Admin']],
    ['.show database db principals', ['Admin', 'Monitor']],
    ['.show cluster', []],
    ['.clear table T data', ['Admin']],
    [`.purge table T records with (noregrets='true') <| where a == 1`, ['Admin']],
  ])('%s is for %j', async (text, allowed) => {
    const found: string[] = [];
    for (const role of everyRole) if ((await verdict(text, as([role]))) === 'allowed') found.push(role);
    expect(found).toEqual(allowed);
    expect(await verdict(text, as([], ['AllDatabasesAdmin']))).toBe('allowed');
  });

  it.each([
    ['.show continuous-export X failures', ['Admin', 'Monitor']],
    ['.show continuous-export X exported-artifacts', ['Admin', 'Monitor']],
    ['.show external table X artifacts', ['Admin', 'User']],
  ])('%s, of what is not there, is for %j', async (text, allowed) => {
    const found: string[] = [];
    for (const role of everyRole)
      if (await cluster.run(text, as([role])).catch((error: unknown) => !(error instanceof ForbiddenError)))
        found.push(role);
    expect(found).toEqual(allowed);
  });

  it('on a table are not enough for its partitioning, which is for administrators of the database', async () => {
    await cluster.run('.create table Own (a:long)', as(['User']));
    await cluster.run('.alter table Own policy caching hot = 1d', as(['User']));
    const key = { ColumnName: 'a', Kind: 'UniformRange', Properties: { Reference: 0, RangeSize: 1 } };
    for (const verb of ['alter', 'alter-merge'])
      await expect(
        cluster.run(
          `.${verb} table Own policy partitioning '${JSON.stringify({ PartitionKeys: [key] })}'`,
          as(['User']),
        ),
      ).rejects.toThrow(ForbiddenError);
    await cluster.run('.delete table Own policy partitioning', as(['User']));
  });

  it('on a table let its administrators drop its extents, and see who has a role on it', async () => {
    const user = as(['User']);
    await cluster.run('.create table Mine (a:long)', user);
    await cluster.run('.create function Made() { Mine }', user);
    for (const table of ['Mine', 'T']) await cluster.run(`.ingest inline into table ${table} <| 1`);
    const [other] = await cluster.run('.show table T extents | project ExtentId');
    const id = String(other?.['ExtentId']);
    expect(await cluster.run('.show table Mine principals', user)).toMatchObject([{ Role: 'Table Mine Admin' }]);
    expect(await cluster.run('.show function Made principals', user)).toMatchObject([{ Role: 'Function Made Admin' }]);
    for (const text of [
      ...['.drop extents from T', '.drop extents from all tables', '.drop-pretend extents older 0 days from T'],
      ...[`.drop extent ${id}`, `.drop extent ${id} from T`, `.drop extents (${id}) from T`],
      ...['.drop extents <| .show table T extents', '.drop extents <| .show table Mine extents'],
      ...[
        '.drop extents older 0 days from tables (Mine, T)',
        '.show table T principals',
        '.show function F principals',
      ],
    ])
      await expect(cluster.run(text, user), text).rejects.toThrow(ForbiddenError);
    await expect(cluster.run(`.drop extent ${id} from Mine`, user)).rejects.toMatchObject({ code: 'ExtentNotFound' });
    expect(await cluster.run('.drop extents from Mine', user)).toHaveLength(1);
    expect(await cluster.run('.show table T extents | count')).toEqual([{ Count: 1n }]);
  });

  it('together allow what each allows', async () => {
    expect(await verdict('.set-or-append T <| T | take 0', as(['Viewer', 'Ingestor']))).toBe('allowed');
  });

  it('are named when they lack', async () => {
    await expect(cluster.run('.drop table T', as(['User']))).rejects.toThrow(
      `Principal 'aadapp=tester;tenant' is not authorized to perform operation 'DropTable' on database 'db': it needs one of the roles database Admin, table Admin, AllDatabasesAdmin.`,
    );
  });

  it('decide which databases are shown', async () => {
    expect(await cluster.run('.show databases', as([]))).toEqual([]);
    expect(await cluster.run('.show databases schema', as(['Ingestor']))).toEqual([]);
    expect(await cluster.run('.show databases', as(['Viewer']))).toMatchObject([
      { DatabaseName: 'db', IsCurrent: true },
    ]);
  });

  it('decide whose operations are shown', async () => {
    await cluster.run('.set-or-append T <| print a = 1');
    const someone = { caller: { ...cluster.context.caller, fqn: 'aadapp=someone;tenant' } };
    expect(await cluster.run('.show operations', { ...as(['Viewer']), ...someone })).toEqual([]);
    expect(await cluster.run('.show operations', { ...as(['Monitor']), ...someone })).not.toEqual([]);
    expect(await cluster.run('.show operations', as(['Viewer']))).not.toEqual([]);
  });

  it('that lack are told by the operation that needed them', async () => {
    await cluster.run('.create table Restricted (a:long)');
    await cluster.run('.alter table Restricted policy restricted_view_access true');
    await expect(cluster.run('.set Copied <| Restricted', as(['User']))).rejects.toThrow(ForbiddenError);
    const told = await cluster.run('.show operations', as(['User']));
    expect(told).toContainEqual(
      expect.objectContaining({ State: 'Failed', Status: expect.stringContaining("'Restricted'") as unknown }),
    );
  });

  it('of the whole cluster let monitors look', async () => {
    expect(await verdict('.show cluster', as([], ['AllDatabasesMonitor']))).toBe('allowed');
    expect(await verdict('.show cluster', as([], ['AllDatabasesViewer']))).toBe('forbidden');
    expect(await verdict('.show tables', as([], ['AllDatabasesViewer']))).toBe('allowed');
    expect(await verdict('.create table Other (a:long)', as([], ['AllDatabasesViewer']))).toBe('forbidden');
  });
});

describe('.show queries', () => {
  it('lists one own queries under way, and those of all for who monitors the database', async () => {
    const { clock, activityId } = cluster.context;
    const view = (principal: string, text: string): RequestView => ({
      ...{ clientRequestId: 'r', text, database: 'db', startedOn: clock.now(), activityId, principal },
      ...{ user: 'u', application: 'app', kind: 'query' },
    });
    const own = view('aadapp=tester;tenant', 'T | count');
    const requests = {
      cancel: () => Promise.resolve(0),
      capacity: () => [
        { resource: 'ingestions', total: 12, consumed: 0, origin: 'CapacityPolicy/Ingestion' },
        { resource: 'queries', total: 80, consumed: 2, origin: 'RequestRateLimitPolicy/WorkloadGroup/default' },
      ],
      list: (): Promise<readonly RequestView[]> =>
        Promise.resolve([
          own,
          view('aadapp=someone;tenant', 'T'),
          { ...view('aadapp=tester;tenant', '.show queries'), kind: 'command' },
          {
            ...view('aadapp=tester;tenant', 'T | nonsense'),
            ended: { on: clock.now(), milliseconds: 1.5, state: 'Failed', failure: 'why' },
          },
        ]),
    };
    expect(await cluster.run('.show queries', { ...as(['Viewer']), requests })).toMatchObject([
      { Text: 'T | count', State: 'InProgress', Application: 'app', Database: 'db', FailureReason: '' },
      { Text: 'T | nonsense', State: 'Failed', Duration: 15_000n, FailureReason: 'why' },
    ]);
    expect(await cluster.run('.show queries', { ...as(['Monitor']), requests })).toHaveLength(3);
    expect(await cluster.run('.show running queries | count', { ...as(['Monitor']), requests })).toEqual([
      { Count: 2n },
    ]);
    expect(await cluster.run('.show capacity', { requests })).toEqual([
      { Resource: 'ingestions', Total: 12n, Consumed: 0n, Remaining: 12n, Origin: 'CapacityPolicy/Ingestion' },
      {
        ...{ Resource: 'queries', Total: 80n, Consumed: 2n, Remaining: 78n },
        Origin: 'RequestRateLimitPolicy/WorkloadGroup/default',
      },
    ]);
    expect(await cluster.run('.show capacity queries', { requests })).toMatchObject([{ Resource: 'queries' }]);
    const scopes: string[] = [];
    const asked = {
      ...requests,
      capacity: (scope: string) => {
        scopes.push(scope);
        return requests.capacity();
      },
    };
    const inGroup = '.show capacity ingestions with (scope=workloadgroup)';
    expect(await cluster.run(inGroup, { ...as(['User']), requests: asked })).toMatchObject([{ Total: 12n }]);
    await cluster.run('.show capacity with (scope=cluster)', { requests: asked });
    expect(scopes).toEqual(['workloadgroup', 'cluster']);
    await expect(cluster.run(inGroup, { ...as(['Viewer']), requests })).rejects.toThrow(ForbiddenError);
    await expect(cluster.run('.show capacity with (scope=node)', { requests })).rejects.toThrow();
  });
});

describe('.show diagnostics', () => {
  it('tells what upkeep could not do, by the names of tables', async () => {
    const { data } = cluster.context;
    const [database] = data.databases();
    const [table] = [...(database?.tables.values() ?? [])];
    if (database === undefined || table === undefined) throw new Error('there is a table');
    const asked = '.show diagnostics | project IsHealthy, IsAttentionRequired, AttentionRequiredReason';
    expect(await cluster.run(asked)).toEqual([
      { IsHealthy: true, IsAttentionRequired: false, AttentionRequiredReason: '' },
    ]);
    const problem: UpkeepProblem = {
      step: 'merge',
      table: { databaseId: database.databaseId, tableId: table.tableId },
      ...{ error: 'SealedBytesError', since: cluster.context.clock.now(), times: 3, unreadableExtents: 2 },
    };
    const told = { ...cluster.context, data: { ...data, upkeepProblems: () => [problem] } };
    const [row] = await cluster.run('.show diagnostics', told);
    expect(row).toMatchObject({
      IsAttentionRequired: true,
      AttentionRequiredReason: `upkeep step 'merge' of table db.${table.name} failed 3 times: SealedBytesError, 2 extents do not open`,
      FailedMergeOperations: 1,
      NumberOfDatabases: 1,
    });
    await expect(cluster.run('.show diagnostics', as(['Admin']))).rejects.toThrow();
  });
});

describe('.cancel query', () => {
  it('is for one own requests, and all of them for who administers all databases', async () => {
    const asked: [string, string | undefined][] = [];
    const requests = {
      cancel: (id: string, principal?: string) => {
        asked.push([id, principal]);
        return Promise.resolve(1);
      },
    };
    expect(await cluster.run(`.cancel query "KPC.execute;1"`, { ...as(['Viewer']), requests })).toEqual([
      { ClientRequestId: 'KPC.execute;1', Status: 'Cancelled' },
    ]);
    await cluster.run(`.cancel query "x" with (reason="slow")`, { requests });
    expect(asked).toEqual([
      ['KPC.execute;1', 'aadapp=tester;tenant'],
      ['x', undefined],
    ]);
  });
});
