import { Writable } from 'node:stream';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import type { DrillInstance } from '../../src/cli/drill/drill-instance.ts';
import { countRows } from '../../src/cli/drill/actions.ts';
import { arm, armVersions, kusto, makeScene, table } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { ways } from '../../src/cli/drill/ways.ts';
import { commandOf, descendantsOf } from '../support/process-tree.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { until } from '../support/until.ts';

// A cluster that nobody uses has no process, with a server and processes that are real. Its clock stands still unless it is moved.

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let instance: DrillInstance;
/** Whether the cluster's process was given back since one was started, as the log tells it: the list of processes alone would be looked at
 * while the one that has rested still ends, or before its line comes. */
let hasRested = false;
const destination = new Writable({
  write: (line: Buffer, _encoding, done) => {
    if (line.includes('cluster-process-started')) hasRested = false;
    if (line.includes('cluster-process-rests')) hasRested = true;
    done();
  },
});
let scene: Scene;
/** Started by tests that this process ran before. */
let others: ReadonlySet<number>;

beforeAll(async () => {
  others = new Set(descendantsOf(process.pid));
  fixture = await startServerFixture({ clusterIdleMs: 2_000, log: { level: 'info', destination } });
  instance = await drillInstance(fixture.server);
  scene = await makeScene(instance);
});
afterAll(() => fixture[Symbol.asyncDispose]());

/** Names of the scripts of all processes that this test has started, and theirs. */
const running = (): readonly string[] =>
  descendantsOf(process.pid).flatMap((pid) =>
    others.has(pid) ? [] : (/(?:cluster|kql)-process/.exec(commandOf(pid))?.[0] ?? []),
  );

/** Waits for the end of the cluster's process and of its parser. */
const rests = (): Promise<void> => until(() => hasRested && running().length === 0);

const databaseSize = async (): Promise<unknown> => {
  const { value } = await arm(scene, 'GET', `${scene.clusterPath}/databases/db`, armVersions.kusto);
  return (value as { properties: { statistics?: { size: number } } }).properties.statistics?.size;
};

describe.skipIf(process.platform !== 'linux')('a cluster that nobody uses', () => {
  it('gives its process and its parser back, and comes back as it was', async () => {
    expect((await countRows(scene)).rows).toBe(1000);
    expect(running()).toEqual(expect.arrayContaining(['cluster-process', 'kql-process']));
    const size = await databaseSize();
    expect(size).toBeGreaterThan(0);
    await rests();
    const { value } = await arm(scene, 'GET', scene.clusterPath, armVersions.kusto);
    expect(value).toMatchObject({ properties: { state: 'Running' } });
    expect(await databaseSize()).toBe(size);
    expect(running()).toEqual([]);
    expect((await countRows(scene)).rows).toBe(1000);
  });

  it('is told that its key was taken away, and that it was given back', async () => {
    const way = ways.find(({ name }) => name === 'versionDisabled');
    if (way === undefined) throw new Error('it is one of them');
    await rests();
    await way.take(scene);
    // Before its first answer, although no check was due.
    expect((await countRows(scene)).outcome).toMatchObject({ status: 503, error: 'ClusterSuspended' });
    await way.giveBack(scene);
    await instance.pass(30);
    expect((await countRows(scene)).rows).toBe(1000);
    await rests();
    await way.take(scene);
    await instance.pass(30);
    const { value } = await arm(scene, 'GET', scene.clusterPath, armVersions.kusto);
    expect(value).toMatchObject({ properties: { state: 'Unavailable' } });
    expect(running()).not.toContain('kql-process');
    await way.giveBack(scene);
    await instance.pass(30);
    expect((await countRows(scene)).rows).toBe(1000);
  });

  it('is woken by its upkeep: what is past its retention goes from the disk', async () => {
    const policy = `.alter table ${table} policy retention '{"SoftDeletePeriod":"10.00:00:00","Recoverability":"Disabled"}'`;
    expect((await kusto(scene, 'mgmt', policy)).status).toBe(200);
    const files = () =>
      readdirSync(join(fixture.directory, 'extents'), { recursive: true, withFileTypes: true }).filter((entry) =>
        entry.isFile(),
      );
    const before = files().length;
    expect(before).toBeGreaterThan(0);
    await rests();
    await instance.pass(11 * 86_400);
    await until(() => files().length === 0);
    await rests();
    expect(files()).toEqual([]);
    expect((await countRows(scene)).rows).toBe(0);
  });
});
