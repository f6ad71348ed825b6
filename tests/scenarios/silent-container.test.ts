import { rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drillInstance, senderOf } from '../../src/cli/drill/drill-instance.ts';
import { kusto, makeScene } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import type { SmallContainer } from '../support/small-container.ts';
import { startSmallContainer } from '../support/small-container.ts';
import { until } from '../support/until.ts';

describe('while the container of extents takes connections and answers nothing', () => {
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
    await container.close();
    await fixture[Symbol.asyncDispose]();
    rmSync(fixture.directory, { recursive: true, force: true });
  });

  const append = () => kusto(scene, 'mgmt', '.append Kept <| range A from 1001 to 2000 step 1');
  const underWay = '.show operations | where State == "InProgress" | project Operation';

  it('what needs no blob is answered, and whoever waits for one hears that Kustody stops, when it does', async () => {
    container.hang();
    const waiting = append();
    await until(() => container.waiting > 0);
    expect(JSON.stringify((await kusto(scene, 'mgmt', underWay)).value)).toContain('TableAppend');
    expect((await kusto(scene, 'query', 'print 1')).status).toBe(200);
    await fixture.server.close(); // before anything was given up for lost: the blob still waits
    expect(container.waiting).toBeGreaterThan(0);
    const { status, value } = await waiting;
    expect([status, JSON.stringify(value)]).toEqual([503, expect.stringContaining('out of reach: Kustody stops.')]);
  });

  it('nothing is lost that was acknowledged, and nothing there that was refused', async () => {
    container.answer();
    const dataDirectory = fixture.directory;
    fixture = await startServerFixture({ blobs: { container: container.url }, dataDirectory });
    scene = { ...scene, send: senderOf(await fixture.server.environment()) };
    expect(JSON.stringify((await kusto(scene, 'query', 'Kept | summarize count(), sum(A)')).value)).toContain(
      '[1000,500500]',
    );
    expect((await append()).status).toBe(200);
    expect(JSON.stringify((await kusto(scene, 'query', 'Kept | summarize sum(A)')).value)).toContain('[2001000]');
  });
});
