import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { beginLongAnswer } from '../../src/cli/drill/actions.ts';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import type { DrillAnswer, DrillInstance } from '../../src/cli/drill/drill-instance.ts';
import type { Outcome } from '../../src/cli/drill/outcome.ts';
import { outcomeOf, required } from '../../src/cli/drill/outcome.ts';
import { firstCell, rowsOf } from '../../src/cli/drill/result-cells.ts';
import { arm, armVersions, kusto, makeScene } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { ways } from '../../src/cli/drill/ways.ts';
import { openSearch, searchArchives } from '../support/archive-search.ts';
import type { OpenFile } from '../support/open-files.ts';
import { openFilesOf } from '../support/open-files.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { ingestionPlaces, putBlob, putMessage } from '../support/queued-sending.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { until } from '../support/until.ts';
import type { WatchedStorage } from '../support/watched-storage.ts';
import { startWatchedStorage } from '../support/watched-storage.ts';

// Rows under a key that is taken away, reached by all other ways at once, while each is in the middle: a cluster that follows the database, the
// user's storage, policies that run queries, answers that are kept, queued ingestion. The clock stands still and periodic checks are an hour
// away: what bites is the change itself.

const canary = 'canary-of-a-way-51f0';
let storage: WatchedStorage;
let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let instance: DrillInstance;
let leader: Scene;
let follower: Scene;

const mgmt = (csl: string, at = leader): Promise<DrillAnswer> => kusto(at, 'mgmt', csl);
const done = async (csl: string): Promise<DrillAnswer> => {
  const answer = await mgmt(csl);
  expect(answer.status, `${csl} ${answer.body.toString()}`).toBe(200);
  return answer;
};
const query = (csl: string, at = leader): Promise<DrillAnswer> => kusto(at, 'query', csl);
const cell = async (csl: string, at = leader): Promise<unknown> => firstCell(required(await query(csl, at)).value);

beforeAll(async () => {
  storage = await startWatchedStorage();
  const keys = { keyCacheSeconds: 7200, keyOutageGraceSeconds: 7200, keyRecheckSeconds: 3600, vaultTimeoutMs: 5_000 };
  fixture = await startServerFixture({ keys, storageAccounts: [storage.account] });
  instance = await drillInstance(fixture.server);
  leader = await makeScene(instance);
  const clusterPath = leader.clusterPath.replace(/drill$/, 'follower');
  follower = { ...leader, clusterHost: 'follower.eastus.kusto.windows.net', clusterPath };
  const sku = { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 };
  required(await arm(leader, 'PUT', clusterPath, armVersions.kusto, { location: leader.region, sku }));
  const properties = { clusterResourceId: leader.clusterPath, databaseName: 'db', ...kind };
  const attached = `${clusterPath}/attachedDatabaseConfigurations/adc`;
  required(await arm(leader, 'PUT', attached, armVersions.kusto, { location: leader.region, properties }));
  await storage.put('read/rows.csv', 'out-1,1\nout-2,2\n');
  const external = (name: string, path: string): string =>
    `.create external table ${name} (Device: string, N: long) kind=storage dataformat=csv (${storage.literal(path)})`;
  for (const command of [
    external('Outside', 'read'),
    '.create tables Raw (Device: string, N: long), Parsed (Device: string, N: long), Guarded (Owner: string), Derived (Device: string, N: long)',
    feeding(1),
    `.ingest inline into table Guarded <| all\n${canary}`,
    `.alter table Guarded policy row_level_security enable "Guarded | where Owner == 'all'"`,
    '.create materialized-view Seen on table Readings { Readings | summarize Count = count() by Device }',
    `.ingest inline into table Readings <| ${canary},1`,
  ])
    await done(command);
});
const kind = { defaultPrincipalsModificationKind: 'Union' };
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await storage.close();
});

/** What comes into `Raw` goes into `Parsed` besides, after so long a computation. */
const feeding = (numbers: number): string => {
  const times = `range n from 1 to ${numbers} step 1 | summarize Sum = sum(n % 7) | extend k = 1`;
  const Query = `Raw | extend k = 1 | join kind=inner (${times}) on k | project Device, N = Sum`;
  const policy = [{ IsEnabled: true, Source: 'Raw', Query, IsTransactional: true }];
  return `.alter table Parsed policy update @'${JSON.stringify(policy)}'`;
};

const versionDisabled = () => {
  const way = ways.find(({ name }) => name === 'versionDisabled');
  if (way === undefined) throw new Error('it is one of them');
  return way;
};

const kept = { Options: { query_results_cache_max_age: '1.00:00:00' } };
const keptAt = ({ send, clusterHost }: Scene): Promise<DrillAnswer> =>
  send({
    ...{ host: clusterHost, method: 'POST', path: '/v2/rest/query' },
    body: { db: 'db', csl: 'Readings | where Celsius == 1', properties: kept },
  });

/** What anybody asks for who comes by another way, and what a row of it looks like. */
const asked: readonly (readonly [string, () => Promise<DrillAnswer>])[] = [
  ['the table', () => query('Readings | take 1')],
  ['the table, followed', () => query('Readings | take 1', follower)],
  ['a view', () => query('Seen | take 1')],
  ['what is stored of a view', () => query('materialized_view("Seen") | take 1')],
  ['a view, followed', () => query('Seen | take 1', follower)],
  ['rows that a policy lets through', () => query('Guarded')],
  ['rows that a policy lets through, followed', () => query('Guarded', follower)],
  ['an external table', () => query('external_table("Outside") | take 1')],
  ['an external table with a table', () => query('union (external_table("Outside") | take 1), Readings')],
  ['an answer that is kept', () => keptAt(leader)],
  ['an answer that is kept, followed', () => keptAt(follower)],
  ['an export', () => mgmt(`.export to csv (${storage.literal('asked')}) <| Readings`)],
  ['an export behind the answer', () => mgmt(`.export async to csv (${storage.literal('asked')}) <| Readings`)],
  ['an ingestion from a query', () => mgmt('.set-or-append Derived <| external_table("Outside")')],
  ['rows for an update policy', () => mgmt('.ingest inline into table Raw <| out-1,7')],
];

/** Resolves when the cluster computes over rows of a table, which it does for hours. */
async function beginOver(source: string, at: Scene): Promise<{ readonly ended: Promise<Outcome> }> {
  const csl = `${source} | extend k = 1 | join kind=inner (range n from 1 to 100000000000 step 1 | extend k = 1) on k | summarize sum(n % 7)`;
  const outcome = ended(query(csl, at));
  await until(async () => rowsOf((await mgmt('.show queries', at)).value).some((row) => row.includes(csl)));
  return { ended: outcome };
}

describe('a key that is taken away', () => {
  it('lets all of it through while it is there', async () => {
    await expectServed();
    expect((await storage.blobsBelow('asked')).size).toBeGreaterThan(0);
    expect((await keptAt(leader)).body.toString()).toContain('ServerCache');
    const inMemory = heldByProcesses().filter(({ name }) => name.startsWith('/dev/shm'));
    expect(await canaryIn(inMemory)).not.toEqual([]); // the search finds what is there
  });

  it('breaks off what is on its way to storage or from there, and nothing more is asked of it', async () => {
    for (const path of ['read', 'begun']) storage.hold(path);
    const begun = [
      ended(query('external_table("Outside") | count')),
      ended(mgmt('.set-or-append Derived <| external_table("Outside")')),
      ended(mgmt(`.export to csv (${storage.literal('begun')}) <| Readings`)),
    ];
    const operations: string[] = [];
    for (const command of [
      `.export async to csv (${storage.literal('begun')}) <| Readings`,
      '.set-or-append async Derived <| external_table("Outside")',
    ])
      operations.push(String(firstCell((await done(command)).value)));
    await Promise.all([storage.waits('read', 3), storage.waits('begun', 2)]);
    const before = await storage.blobsBelow('');
    const derived = await cell('Derived | count');

    await versionDisabled().take(leader);
    const seen = storage.seen.length;
    await expectSuspended();
    for (const outcome of await Promise.all(begun)) expectBrokenOff(outcome);
    for (const path of ['read', 'begun']) storage.release(path);
    await instance.pass(600); // runs of policies and batches fall due
    await expectSuspended();
    expect(storage.seen.slice(seen)).toEqual([]);
    expect(await storage.blobsBelow('')).toEqual(before);
    await expectNothingInTheClear();

    await giveBack();
    for (const operation of operations) await until(async () => (await stateOf(operation)) !== 'InProgress');
    // Nothing of them was in storage, nor in a table.
    expect(await Promise.all(operations.map(stateOf))).not.toContain('Completed');
    expect([await cell('Derived | count'), await storage.blobsBelow('begun')]).toEqual([derived, new Map()]);
    await expectServed();
  });

  it('breaks off what computes, what answers and what comes in, and loses no row that was acknowledged', async () => {
    const places = await ingestionPlaces(leader);
    const counted = async (csl: string): Promise<number> => Number(await cell(csl));
    const [raw, rows, seen] = [await counted('Raw | count'), await counted('Readings | count'), await counted(inView)];
    const answer = await beginLongAnswer(follower);
    await done(feeding(100_000_000_000));
    const begun = [ended(mgmt('.ingest inline into table Raw <| out-2,7'))];
    begun.push((await beginOver('Guarded', leader)).ended, (await beginOver('Seen', follower)).ended);
    for (let n = 0; n < queuedRows; n += 1) {
      const blob = await putBlob(fixture, places, `db__Readings__${n}.csv`, `${canary}-queued-${n},1\n`);
      expect(blob.status, blob.text).toBe(201);
      const { status, text } = await putMessage(fixture, places, blob.path, { table: 'Readings', flush: n % 2 === 0 });
      expect(status, text).toBe(201);
    }

    await versionDisabled().take(leader);
    await expectSuspended();
    for (const outcome of await Promise.all(begun)) expectBrokenOff(outcome);
    expect(await answer.finish()).toMatchObject({ kind: 'cutOff' });
    await instance.pass(600);
    await expectSuspended();
    await expectNothingInTheClear();

    await giveBack();
    await done(feeding(1));
    await instance.pass(600);
    const queued = `Readings | where Device startswith '${canary}-queued'`;
    await until(async () => Number(await cell(`${queued} | count`)) >= queuedRows);
    await instance.pass(600); // whoever comes a second time has come now
    expect([await cell('Raw | count'), await cell('Parsed | count')]).toEqual([raw, raw]);
    for (const at of [leader, follower]) {
      expect(await cell('Readings | count', at)).toBe(rows + queuedRows);
      expect(await cell(`${queued} | summarize dcount(Device)`, at)).toBe(queuedRows);
      expect(await cell(inView, at)).toBe(seen + queuedRows);
      expect(await cell('Guarded | summarize strcat_array(make_list(Owner), ",")', at)).toBe('all');
    }
    await expectServed();
  });
});

const queuedRows = 6;
/** Of rows that came since it was made. */
const inView = 'Seen | summarize sum(Count)';
const suspended = { kind: 'refused', status: 503, error: 'ClusterSuspended' };

const ended = (answer: Promise<DrillAnswer>): Promise<Outcome> =>
  answer.then(outcomeOf, (): Outcome => ({ kind: 'cutOff', error: 'connection closed' }));

/** In the middle of an answer, or of the process that gives it, there is nobody to say why. */
function expectBrokenOff(outcome: Outcome): void {
  if (outcome.kind !== 'cutOff') expect(outcome).toMatchObject(suspended);
}

async function expectServed(): Promise<void> {
  for (const [what, ask] of asked) {
    const { status, body } = await ask();
    expect([what, status], body.toString().slice(0, 500)).toEqual([what, 200]);
  }
}

async function expectSuspended(): Promise<void> {
  for (const [what, ask] of asked) {
    const answer = await ask();
    expect([what, outcomeOf(answer)]).toEqual([what, expect.objectContaining(suspended)]);
    expect(answer.body.toString()).not.toContain(canary);
  }
}

/** While no process may hold the key. */
async function expectNothingInTheClear(): Promise<void> {
  expect(await searchArchives(fixture.directory, [canary])).toMatchObject({ matches: [] });
  expect(await canaryIn(heldByProcesses())).toEqual([]);
}

/** A follower goes on when it is started: `tests/wire/kusto-data/followers.test.ts`. */
async function giveBack(): Promise<void> {
  await versionDisabled().giveBack(leader);
  required(await arm(leader, 'POST', `${follower.clusterPath}/start`, armVersions.kusto));
}

const heldByProcesses = (): readonly OpenFile[] => openFilesOf(descendantsOf(process.pid));

async function canaryIn(files: readonly OpenFile[]): Promise<readonly string[]> {
  const search = await openSearch([canary]);
  const found: string[] = [];
  for (const { name, bytes } of files) for (const { way } of await search.within(bytes)) found.push(`${name}: ${way}`);
  search.close();
  return found;
}

const stateOf = async (operation: string): Promise<unknown> =>
  firstCell((await done(`.show operations ${operation} | project State`)).value);
