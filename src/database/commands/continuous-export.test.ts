import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, CommandFixture } from '../../../tests/support/command-fixture.ts';
import { clusterIdentities, openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { MemoryStorage } from '../../../tests/support/memory-storage.ts';
import { memoryStorage } from '../../../tests/support/memory-storage.ts';
import type { DatabaseRole } from '../../authz/kusto-roles.ts';
import { instant } from '../../clock/clock.ts';
import type { CommandAccess } from './command-context.ts';
import { runContinuousExports } from './continuous-export-run.ts';

let cluster: CommandFixture;
let storage: MemoryStorage;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());
beforeEach(async () => {
  storage = memoryStorage();
  await run('.drop tables (T, D) ifexists');
  await run('.drop external table E ifexists');
  await run('.drop continuous-export C').catch(() => undefined); // of the test before
  await run('.create table T (a: long, b: string)');
  await run('.create table D (b: string, text: string)');
  await run(`.create external table E (a: long, b: string) kind=storage dataformat=csv (h@'${box}/f;canary')`);
});

const box = 'https://acc.blob.core.windows.net/box';
const minute = 60_000;
class Refusal extends Error {}

let now = 0;
/** What the managed identity may do. */
let identityAccess: Pick<CommandAccess, 'caller' | 'clusterRoles' | 'databases'>;
const run = async (text: string): Promise<Answer> =>
  cluster.run(text, {
    ...{ data: await cluster.data.data(), exports: storage.exports, sourceOf: storage.sourceOf },
    clock: { ...cluster.context.clock, now: () => instant(cluster.context.clock.now() + now) },
  });
const ingest = (rows: string, table = 'T'): Promise<unknown> => run(`.ingest inline into table ${table} <| ${rows}`);
async function exportDue(): Promise<void> {
  const { engine, clock, randomBytes, cluster: facts } = cluster.context;
  const data = await cluster.data.data();
  await runContinuousExports({
    ...{ data, engine, clock, randomBytes, cluster: facts, sourceOf: storage.sourceOf },
    placesOf: () => storage.exports,
    isRefusal: (error) => error instanceof Refusal,
    managed: { identities: () => Promise.resolve(clusterIdentities), accessOf: () => Promise.resolve(identityAccess) },
  });
}
async function pass(milliseconds: number): Promise<void> {
  cluster.data.advance(milliseconds);
  now += milliseconds;
  await exportDue();
}
const texts = (): string[] => [...storage.blobs.values()].map((blob) => String(blob).replaceAll('\r\n', ';'));
const define = (more = '', query = 'T', with_ = 'intervalBetweenRuns=5m'): Promise<Answer> =>
  run(`.create-or-alter continuous-export C ${more} to table E with (${with_}) <| ${query}`);
const shown = (columns: string): Promise<Answer> => run(`.show continuous-export C | project ${columns}`);

describe('a continuous export', () => {
  it('stands in the journal as it is asked for, without hidden texts, and not for what runs do', async () => {
    const told = async (): Promise<Answer> =>
      run('.show database db journal | where Event has "CONTINUOUS" | project Event, EntityName, UpdatedEntityState');
    const before = (await told()).length;
    await define('', `T | where b != h'CANARY' and b != 'https://acc.blob.core.windows.net/box?sig=CANARY'`);
    await ingest('1,new');
    await pass(5 * minute);
    expect(await shown('LastRunResult')).toEqual([{ LastRunResult: 'Completed' }]);
    await run('.disable continuous-export C');
    await run('.disable continuous-export C');
    await define('', 'T', 'intervalBetweenRuns=1h');
    await run('.drop continuous-export C');
    const events = (await told()).slice(before);
    expect(events.map(({ Event, EntityName }) => [Event, EntityName])).toEqual(
      ['CREATE', 'ALTER', 'ALTER', 'DROP'].map((verb) => [`${verb}-CONTINUOUS-EXPORT`, 'C']),
    );
    const [made, disabled, altered, dropped] = events.map(({ UpdatedEntityState: state }) => String(state));
    expect(made).toContain(`"query":"T | where b != h'***' and`);
    expect(made).toContain('"isDisabled":false');
    expect(disabled).toContain('"isDisabled":true');
    expect(altered).toContain('"intervalMs":3600000');
    expect(dropped).toBe('.');
    expect(JSON.stringify((await cluster.data.data()).journal())).not.toMatch(/canary/i);
  });

  it('is of tables that keep the times of their rows, and says so where one does no more', async () => {
    await run('.alter table T policy ingestiontime false');
    await expect(define()).rejects.toThrow("IngestionTime policy is enabled; that of 'T' is not");
    await run('.alter table T policy ingestiontime true');
    await define();
    await run('.alter table T policy ingestiontime false');
    await ingest('1,untimed');
    await pass(5 * minute);
    expect(await shown('LastRunResult')).toEqual([{ LastRunResult: 'Failed' }]);
    expect(texts()).toEqual([]);
  });

  it('exports each new row once, at its intervals', async () => {
    await ingest('0,before');
    const [made] = await define('over (T)', 'T | where a < 100', 'intervalBetweenRuns=5m, sizeLimit=104857600');
    expect(made).toMatchObject({
      ...{ Name: 'C', ExternalTableName: 'E', Query: 'T | where a < 100', IntervalBetweenRuns: 3_000_000_000n },
      ...{ CursorScopedTables: `["['db'].['T']"]`, ExportProperties: '{"SizeLimit":104857600}', IsDisabled: false },
    });
    await ingest('1,one');
    await pass(minute);
    expect(texts()).toEqual([]);
    await pass(4 * minute);
    expect(texts()).toEqual(['1,one;']);
    expect(await shown('LastRunResult, IsRunning')).toEqual([{ LastRunResult: 'Completed', IsRunning: false }]);
    await pass(6 * minute);
    expect(texts()).toHaveLength(1);
    await ingest('2,two\n3,three');
    await ingest('400,left out');
    await pass(6 * minute);
    expect(texts()).toEqual(['1,one;', '2,two;3,three;']);
    expect(
      await run('.show continuous-export C exported-artifacts | project ExternalTableName, Path, NumRecords'),
    ).toEqual(
      [...storage.blobs.keys()]
        .reverse()
        .map((Path, at) => ({ ExternalTableName: 'E', Path, NumRecords: at === 0 ? 2n : 1n })),
    );
    expect(storage.notes.map(({ step }) => step)).toEqual(Array(2).fill(['begun', 'written', 'completed']).flat());
  });

  it('begins where the table was when it was made, and says so by a cursor that queries take', async () => {
    await ingest('1,one');
    await define();
    await ingest('2,two');
    const [{ StartCursor = '' } = {}] = await shown('StartCursor');
    await run(`.export to table E <| T | where cursor_before_or_at("${String(StartCursor)}")`);
    await pass(6 * minute);
    expect(texts()).toEqual(['1,one;', '2,two;']);
  });

  it('has all rows of tables that are no facts in every run', async () => {
    await ingest('x,from before', 'D');
    await define('over (T)', 'T | join kind=inner D on b | project a, text');
    await ingest('1,x');
    await pass(6 * minute);
    await ingest('2,x');
    await pass(6 * minute);
    expect(texts()).toEqual(['1,from before;', '2,from before;']);
  });

  it('leaves rows that are younger than its latency', async () => {
    await define('', 'T', 'intervalBetweenRuns=1m, forcedLatency=10m');
    await ingest('1,one');
    await pass(9 * minute);
    await ingest('2,two');
    await pass(2 * minute);
    expect(texts()).toEqual(['1,one;']);
    await pass(9 * minute);
    expect(texts()).toEqual(['1,one;', '2,two;']);
  });

  it('keeps why a run failed, lists nothing of it, and does it again', async () => {
    await define();
    await ingest('1,one');
    await run('.drop external table E');
    await pass(6 * minute);
    expect(await run('.show continuous-export C failures | project Name, FailureKind, Details')).toEqual([
      { Name: 'C', FailureKind: 'Failure', Details: "Entity ID 'E' of kind 'ExternalTable' was not found." },
    ]);
    expect(await shown('LastRunResult')).toEqual([{ LastRunResult: 'Failed' }]);
    for (let day = 0; day < 8; day += 1) await pass(24 * 60 * minute);
    expect(await shown('IsDisabled')).toEqual([{ IsDisabled: true }]);
    await run(`.create external table E (a: long, b: string) kind=storage dataformat=csv (h@'${box}/f;canary')`);
    await run('.enable continuous-export C');
    await pass(6 * minute);
    expect(texts()).toEqual(['1,one;']);
  });

  it('rests while the cluster may not use its key, and fails for nothing then', async () => {
    await define();
    await ingest('1,one');
    storage.onNote = () => {
      throw new Refusal('The key is away.');
    };
    await expect(pass(6 * minute)).rejects.toThrow('the cluster is suspended');
    expect(await run('.show continuous-export C failures')).toEqual([]);
    storage.onNote = () => undefined;
    await exportDue();
    expect(texts()).toEqual(['1,one;']);
  });

  it('is disabled, enabled, begun anew by its cursor, and dropped', async () => {
    await define();
    await ingest('1,one');
    await run('.disable continuous-export C');
    await pass(6 * minute);
    expect([texts(), await run('.show cluster pending continuous-exports')]).toEqual([[], []]);
    await run('.enable continuous-export C');
    expect(await run('.show cluster pending continuous-exports | project Name')).toEqual([{ Name: 'C' }]);
    await exportDue();
    const [{ StartCursor = '' } = {}] = await shown('StartCursor');
    await run(`.set continuous-export C cursor to '${String(StartCursor)}'`);
    await pass(6 * minute);
    expect(texts()).toEqual(['1,one;', '1,one;']);
    await run('.drop continuous-export C');
    expect(await run('.show continuous-exports')).toEqual([]);
    await ingest('2,two');
    await pass(6 * minute);
    expect(texts()).toHaveLength(2);
  });

  it('keeps its cursor when it is altered, and is there after a crash', async () => {
    await define();
    await ingest('1,one');
    await pass(6 * minute);
    await define('', 'T | extend b = toupper(b)');
    await ingest('2,two');
    await cluster.data.crash();
    await pass(6 * minute);
    expect(texts()).toEqual(['1,one;', '2,TWO;']);
  });
});

it.each([
  [
    'with a short interval',
    '',
    'T',
    'intervalBetweenRuns=10s',
    /'intervalBetweenRuns' is a timespan of at least 00:01:00/,
  ],
  ['without an interval', '', 'T', 'sizeLimit=104857600', /needs the property 'intervalBetweenRuns'/],
  ['with a managed identity', '', 'T', 'intervalBetweenRuns=5m, managedIdentity="system"', /usage AutomatedFlows/],
  [
    'of other columns',
    '',
    'T | project b, a',
    'intervalBetweenRuns=5m',
    /does not match the schema of the external table/,
  ],
  ['of no table', '', 'print 1, "b"', 'intervalBetweenRuns=5m', /at least one fact table/],
  ['of a fact that it does not read', 'over (D)', 'T', 'intervalBetweenRuns=5m', /does not read the table 'D'/],
  ['of what is elsewhere', '', 'external_table("E")', 'intervalBetweenRuns=5m', /outside of the cluster is not built/],
])('a continuous export %s is refused', async (_what, over, query, with_, why) => {
  await expect(define(over, query, with_)).rejects.toThrow(why);
});

it('a continuous export of a table with row level security is refused', async () => {
  await run('.alter table T policy row_level_security enable "T | where a > 1"');
  await expect(define()).rejects.toThrow(/row level security policy/);
});

it('a continuous export keeps row level security from a table that it reads with nobody’s rights', async () => {
  await define();
  const enable = '.alter table T policy row_level_security enable "T | where a > 1"';
  await expect(run(enable)).rejects.toThrow("on 'T': the continuous export 'C' reads it without a managed identity");
  await run('.drop continuous-export C');
  await run(enable);
});

it('a continuous export of a materialized view over a table with row level security is refused', async () => {
  await run('.create materialized-view V on table D { D | summarize n = count() by b }');
  await run(`.alter table D policy row_level_security enable "D | where b != 'x'"`);
  await expect(define('over (T)', 'T | where b in ((V | project b))')).rejects.toThrow(
    "cannot read the table 'D', which has a row level security policy",
  );
});

describe('a continuous export with a managed identity', () => {
  const [system] = clusterIdentities;
  const fqn = `aadapp=${system?.clientId ?? ''};tenant`;
  const with_ = 'intervalBetweenRuns=5m, managedIdentity="system"';
  const allow = (usages: string): Promise<Answer> =>
    run(`.alter cluster policy managed_identity '[{"ObjectId": "system", "AllowedUsages": "${usages}"}]'`);
  const roles = (...given: readonly DatabaseRole[]): void => {
    const { databaseId, name } = cluster.data.database;
    const caller = { ...cluster.context.caller, displayName: 'contoso', fqn, memberOf: [] };
    identityAccess = { caller, clusterRoles: [], databases: [{ databaseId, name, roles: given }] };
  };
  const failures = async (): Promise<unknown[]> =>
    (await run('.show continuous-export C failures')).map(({ Details }) => Details);

  it('needs an identity of the cluster, and a policy that lets it be used for AutomatedFlows', async () => {
    const undone = /no managed identity policy of the cluster or of database 'db' allows .* AutomatedFlows/i;
    await expect(define('over (T)', 'T', with_)).rejects.toThrow(undone);
    await allow('NativeIngestion');
    await expect(define('over (T)', 'T', with_)).rejects.toThrow(undone);
    await allow('AutomatedFlows');
    const other = '88888888-0000-0000-0000-000000000000';
    await expect(define('over (T)', 'T', `intervalBetweenRuns=5m, managedIdentity=${other}`)).rejects.toThrow(
      `The managed identity '${other}' is not assigned to the cluster.`,
    );
    await define('over (T)', 'T', with_);
    expect(await shown('ExportProperties')).toEqual([
      { ExportProperties: JSON.stringify({ ManagedIdentity: system?.objectId }) },
    ]);
  });

  it('reads what the identity may read, as row level security shows it to that, and tells what it may not', async () => {
    await allow('AutomatedFlows');
    roles('Viewer');
    await run(
      `.alter table T policy row_level_security enable "T | where b == 'all' or current_principal() == '${fqn}'"`,
    );
    await expect(define('over (T)', 'T')).rejects.toThrow('row level security');
    await define('over (T)', 'T', with_);
    await ingest('1,all\n2,some');
    await pass(5 * minute);
    expect(texts()).toEqual(['1,all;2,some;']);
    roles('Ingestor');
    await ingest('3,all');
    await pass(5 * minute);
    expect(texts()).toHaveLength(1);
    expect(await failures()).toEqual([expect.stringContaining(`'${fqn}' is not authorized`)]);
    roles('Viewer');
    await allow('NativeIngestion');
    await pass(5 * minute);
    expect((await failures())[0]).toMatch(/usage AutomatedFlows/);
    expect(texts()).toHaveLength(1);
    await allow('AutomatedFlows');
    await pass(5 * minute);
    expect(texts()).toEqual(['1,all;2,some;', '3,all;']);
    await run('.delete table T policy row_level_security');
    await run('.alter table T policy restricted_view_access true');
    await ingest('4,all');
    await pass(5 * minute);
    expect(texts()).toHaveLength(2);
    roles('Viewer', 'UnrestrictedViewer');
    await pass(5 * minute);
    expect(texts()).toEqual(['1,all;2,some;', '3,all;', '4,all;']);
    await run('.delete table T policy restricted_view_access');
  });
});
