import { readdirSync } from 'node:fs';
import { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireInstance } from '../../src/cli/control-client.ts';
import { countRows } from '../../src/cli/drill/actions.ts';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import { arm, armVersions, kusto, makeScene, operationAt, table } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { until } from '../support/until.ts';

// What holds blobs is one value: with another one, a whole server with real processes keeps its extents elsewhere.

describe('a server whose extents lie in a container', () => {
  let azurite: Azurite;
  let container: string;
  let fixture: Awaited<ReturnType<typeof startServerFixture>>;
  let scene: Scene;
  beforeAll(async () => {
    azurite = await startAzurite();
    container = await azurite.newContainer();
    fixture = await startServerFixture({ blobs: { container } });
    scene = await makeScene(await drillInstance(fixture.server));
  });
  afterAll(async () => {
    await fixture[Symbol.asyncDispose]();
    await azurite.stop();
  });

  const held = async (): Promise<string[]> => {
    const names: string[] = [];
    for await (const { name } of new ContainerClient(container).listBlobsFlat()) names.push(name);
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
