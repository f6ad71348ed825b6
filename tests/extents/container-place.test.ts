import { readdirSync } from 'node:fs';
import { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireInstance } from '../../src/cli/control-client.ts';
import { actions, countRows } from '../../src/cli/drill/actions.ts';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import { arm, armVersions, keysVersion, kusto, makeScene, operationAt, table } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { needlesOf } from '../../src/server/canary-scan.ts';
import { createContainerAccess } from '../../src/server/container/container-access.ts';
import { parseConnectionString } from '../../src/server/container/connection-string.ts';
import type { Azurite, WayToAzurite } from '../support/azurite.ts';
import { startAzurite, startWayTo } from '../support/azurite.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { until } from '../support/until.ts';

// What holds blobs is one value: with another one, a whole server with real processes keeps its extents elsewhere.

const canary = 'canary-in-the-container';
const canaries = `range A from 1 to 1000 step 1 | extend Text = '${canary}'`;

describe('a server whose extents lie in a container', () => {
  let azurite: Azurite;
  let container: string;
  let way: WayToAzurite;
  let fixture: Awaited<ReturnType<typeof startServerFixture>>;
  let scene: Scene;
  beforeAll(async () => {
    azurite = await startAzurite();
    container = await azurite.newContainer();
    way = await startWayTo(azurite);
    const address = container.replace(azurite.endpoint, way.endpoint).replace(/\?.*/, '');
    const credential = parseConnectionString(way.connectionString, address);
    fixture = await startServerFixture({
      blobs: { container: address },
      containerAccess: createContainerAccess(address, credential, () => Date.now()),
    });
    scene = await makeScene(await drillInstance(fixture.server));
  });
  afterAll(async () => {
    await fixture[Symbol.asyncDispose]();
    way.close();
    await azurite.stop();
  });

  /** But the mark that says whose the container is. */
  const held = async (): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name } of new ContainerClient(container).listBlobsFlat())
      if (name !== 'kustody-instance') names.push(name);
    return names;
  };

  const done = async (action: 'start' | 'stop'): Promise<void> => {
    const answer = await arm(scene, 'POST', `${scene.clusterPath}/${action}`, armVersions.kusto);
    const { value } = await operationAt(scene, String(answer.headers['azure-asyncoperation']));
    expect(value).toMatchObject({ status: 'Succeeded' });
  };

  it('answers from there, when its process has opened nothing yet, too', async () => {
    expect((await countRows(scene)).rows).toBe(1000);
    expect((await held()).length).toBeGreaterThan(0);
    await done('stop');
    await done('start');
    expect((await countRows(scene)).rows).toBe(1000);
    expect(readdirSync(fixture.directory)).not.toContain('extents');
  });

  it('exports the bytes that lie there', async () => {
    const { value } = await kusto(scene, 'mgmt', `.show table ${table} extents`);
    const id = (value as { Tables: { Rows: [string][] }[] }).Tables[0]?.Rows[0]?.[0] ?? '';
    const client = await requireInstance(fixture.directory);
    const { body } = await client.download(`/clusters/drill/extents/${id}`);
    const stored = await Promise.all(
      (await held()).map((name) => new ContainerClient(container).getBlobClient(name).downloadToBuffer()),
    );
    expect(stored.some((bytes) => bytes.equals(body))).toBe(true);
  });

  it('lets nothing lie there in the clear', async () => {
    const clients = () =>
      held().then((names) => names.map((name) => new ContainerClient(container).getBlobClient(name)));
    const leaks = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const client of await clients()) {
        const bytes = await client.downloadToBuffer();
        if (needlesOf(canary).some((needle) => bytes.includes(needle.bytes))) found.push(client.name);
      }
      return found;
    };
    const before = (await held()).length;
    await kusto(scene, 'mgmt', `.set Canaries <| ${canaries}`);
    expect((await held()).length).toBeGreaterThan(before);
    expect(await leaks()).toEqual([]);
    const leak = new ContainerClient(container).getBlockBlobClient('leak');
    await leak.upload(Buffer.from(`x${canary}`).toString('base64'), 33);
    expect(await leaks()).toEqual(['leak']);
    await leak.delete();
  });

  it('is as closed as ever without its key, and open again with it', async () => {
    const { vaultHost, keyName, versions, send } = scene;
    const enable = async (enabled: boolean): Promise<void> => {
      const path = `/keys/${keyName}/${versions[0]}?${keysVersion}`;
      await send({ host: vaultHost, method: 'PATCH', path, body: { attributes: { enabled } } });
      await fixture.server.controls.checkKeys();
    };
    await enable(false);
    expect((await countRows(scene)).outcome.kind).toBe('refused');
    await enable(true);
    expect((await countRows(scene)).rows).toBe(1000);
  });

  it('says by name that the account is away, acknowledges nothing, and comes back by itself', async () => {
    await done('stop');
    await done('start');
    way.isOpen = false;
    try {
      const asked = await kusto(scene, 'query', `${table} | take 1`);
      expect([asked.status, String(asked.body)]).toEqual([503, saying('of sealed extents is not available')]);
      const added = await kusto(scene, 'mgmt', `.append Canaries <| ${canaries}`);
      expect([added.status, String(added.body)]).toEqual([503, saying('of sealed extents is not available')]);
      const answer = await fixture.send({ host: 'localhost', method: 'GET', path: '/readyz' });
      expect([answer.status, answer.text]).toEqual([503, saying('The store of sealed extents is not available')]);
      // Few rows are durable without it, as records of the state.
      expect((await actions.ingestion(scene)).kind).toBe('served');
    } finally {
      way.isOpen = true;
    }
    expect((await kusto(scene, 'query', `${table} | take 1`)).status).toBe(200);
    expect((await countRows(scene)).rows).toBe(1001);
    const counted = await kusto(scene, 'query', 'Canaries | summarize dcount(A), count()');
    expect(JSON.stringify(counted.value)).toContain('[1000,1000]');
  });

  it('refuses snapshots, which would be put back without their extents', async () => {
    await expect(fixture.server.controls.snapshots.take()).rejects.toThrow(
      'The sealed extents of this instance lie where they cannot be put back.',
    );
  });

  it('removes the blobs of a cluster that was deleted', async () => {
    expect((await arm(scene, 'DELETE', scene.clusterPath, armVersions.kusto)).status).toBeLessThan(300);
    await scene.instance.pass(60);
    await until(async () => (await held()).length === 0);
    expect(await held()).toEqual([]);
  });
});

const saying = (text: string): string => expect.stringContaining(text) as string;
