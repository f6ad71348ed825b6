import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countRows } from '../../src/cli/drill/actions.ts';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import { arm, armVersions, keysVersion, kusto, makeScene, operationAt } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { scanForCanaries } from '../../src/server/canary-scan.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { until } from '../support/until.ts';
import type { WatchedStorage } from '../support/watched-storage.ts';
import { startWatchedStorage } from '../support/watched-storage.ts';

const canary = 'canary-beside-the-container';

describe('a server that keeps what it read of a container', () => {
  let storage: WatchedStorage;
  let fixture: Awaited<ReturnType<typeof startServerFixture>>;
  let scene: Scene;
  beforeAll(async () => {
    storage = await startWatchedStorage();
    fixture = await startServerFixture({ blobs: { container: storage.container } });
    scene = await makeScene(await drillInstance(fixture.server));
    await kusto(scene, 'mgmt', `.set Canaries <| range A from 1 to 1000 step 1 | extend Text = '${canary}'`);
  });
  afterAll(async () => {
    await fixture[Symbol.asyncDispose]();
    rmSync(fixture.directory, { recursive: true, force: true });
    await storage.close();
  });

  const directory = (): string => join(fixture.directory, 'blobs-cache');
  const files = (): string[] =>
    readdirSync(directory(), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name));
  /** Of what was read there, by blob, from now on. */
  const counted = (): (() => number) => {
    const before = storage.seen.length;
    return () => storage.seen.slice(before).filter((one) => /^GET [^?]*[0-9a-f-]{36}[?]/.test(one)).length;
  };

  const sum = async (): Promise<string> =>
    JSON.stringify((await kusto(scene, 'query', 'Canaries | summarize sum(A)')).value);
  /** Nothing is open in memory any more. */
  const restarted = async (): Promise<void> => {
    for (const action of ['stop', 'start']) {
      const answer = await arm(scene, 'POST', `${scene.clusterPath}/${action}`, armVersions.kusto);
      const { value } = await operationAt(scene, String(answer.headers['azure-asyncoperation']));
      expect(value).toMatchObject({ status: 'Succeeded' });
    }
  };
  const enable = async (enabled: boolean): Promise<void> => {
    const { vaultHost, keyName, versions, send } = scene;
    const path = `/keys/${keyName}/${versions[0]}?${keysVersion}`;
    await send({ host: vaultHost, method: 'PATCH', path, body: { attributes: { enabled } } });
    await fixture.server.controls.checkKeys();
  };

  it('reads from there once, and then from its disk', async () => {
    await restarted();
    const first = counted();
    expect(await sum()).toContain('[500500]');
    expect(first()).toBeGreaterThan(0);
    await restarted();
    const second = counted();
    expect(await sum()).toContain('[500500]');
    expect(second()).toBe(0);
  });

  it('has on its disk what lies there, sealed, which is scanned like all else', async () => {
    expect(files().length).toBeGreaterThan(0);
    const stored = [...(await storage.blobsBelow('')).values()];
    for (const file of files()) {
      const kept = readFileSync(file).subarray(32);
      expect(stored.some((bytes) => bytes.includes(kept))).toBe(true);
      if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
    }
    expect((await scanForCanaries(fixture.directory, [canary])).matches).toEqual([]);
    const leak = join(directory(), 'leak');
    writeFileSync(leak, canary);
    expect((await scanForCanaries(fixture.directory, [canary])).matches).toMatchObject([
      { file: join('blobs-cache', 'leak') },
    ]);
    writeFileSync(leak, '');
  });

  it('opens nothing of it without the key', async () => {
    await enable(false);
    expect((await countRows(scene)).outcome.kind).toBe('refused');
    expect((await kusto(scene, 'query', 'Canaries | take 1')).status).toBeGreaterThanOrEqual(400);
    expect(files().length).toBeGreaterThan(0);
    await enable(true);
    const read = counted();
    expect(await sum()).toContain('[500500]');
    expect(read()).toBe(0);
  });

  it('reads again from there what is damaged on its disk', async () => {
    await restarted();
    for (const file of files()) writeFileSync(file, Buffer.alloc(statSync(file).size, 7));
    const read = counted();
    expect(await sum()).toContain('[500500]');
    expect(read()).toBeGreaterThan(0);
  });

  it('removes what it kept of a cluster that was deleted', async () => {
    expect(readdirSync(directory())).toHaveLength(2);
    expect((await arm(scene, 'DELETE', scene.clusterPath, armVersions.kusto)).status).toBeLessThan(300);
    await scene.instance.pass(60);
    await until(() => readdirSync(directory()).length === 1);
    expect(readdirSync(directory())).toEqual(['leak']);
  });

  it('begins with nothing', async () => {
    await fixture.server.close();
    const dataDirectory = fixture.directory;
    fixture = await startServerFixture({ blobs: { container: storage.container }, dataDirectory });
    expect(readdirSync(fixture.directory)).not.toContain('blobs-cache');
  });
});
