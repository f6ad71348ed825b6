import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import { arm, armVersions, kusto, makeScene, operationAt } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import type { SmallContainer } from '../support/small-container.ts';
import { startSmallContainer } from '../support/small-container.ts';
import { until } from '../support/until.ts';

describe('/metrics of a server that keeps what it read of a container', () => {
  let container: SmallContainer;
  let fixture: Awaited<ReturnType<typeof startServerFixture>>;
  let scene: Scene;
  beforeAll(async () => {
    container = await startSmallContainer();
    fixture = await startServerFixture({ blobs: { container: container.url } });
    scene = await makeScene(await drillInstance(fixture.server));
    await kusto(scene, 'mgmt', '.set Kept <| range A from 1 to 1000 step 1');
  });
  afterAll(async () => {
    await fixture[Symbol.asyncDispose]();
    rmSync(fixture.directory, { recursive: true, force: true });
    await container.close();
  });

  const taken = async () => {
    const { controlToken: token } = fixture.server;
    const { text } = await fixture.send({ host: 'localhost', method: 'GET', path: '/metrics', token });
    const value = (name: string): number =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`kustody_blobs_cache_${name} `))
          ?.split(' ')[1],
      );
    return {
      ...{ hits: value('reads_total{result="hit"}'), misses: value('reads_total{result="miss"}') },
      ...{ read: value('read_bytes_total'), evicted: value('evicted_bytes_total') },
    };
  };
  /** With nothing open in memory any more. */
  const readAgain = async (): Promise<void> => {
    for (const action of ['stop', 'start']) {
      const answer = await arm(scene, 'POST', `${scene.clusterPath}/${action}`, armVersions.kusto);
      const { value } = await operationAt(scene, String(answer.headers['azure-asyncoperation']));
      expect(value).toMatchObject({ status: 'Succeeded' });
    }
    expect(JSON.stringify((await kusto(scene, 'query', 'Kept | summarize sum(A)')).value)).toContain('[500500]');
  };

  it('tells what came from the cache, and what did not, for all clusters together', async () => {
    const before = await taken();
    expect([before.hits, before.read, before.evicted]).toEqual([0, 0, 0]);
    await readAgain();
    await until(async () => (await taken()).misses > before.misses);
    const cold = await taken();
    await readAgain();
    await until(async () => (await taken()).hits > cold.hits);
    const warm = await taken();
    expect(warm.misses).toBe(cold.misses);
    expect(warm.read).toBeGreaterThan(0);
    const sealed = [...container.blobs.values()].reduce((sum, { length }) => sum + length, 0);
    expect(warm.read).toBeLessThanOrEqual(sealed);
  });
});
