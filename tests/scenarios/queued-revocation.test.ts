import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scanForCanaries } from '../../src/server/canary-scan.ts';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import type { DrillInstance } from '../../src/cli/drill/drill-instance.ts';
import { kusto, makeScene } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { ways } from '../../src/cli/drill/ways.ts';
import { ingestionPlaces, putBlob, putMessage } from '../support/queued-sending.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { until } from '../support/until.ts';

// What waits in the accounts of a cluster while its key is away, with a server and processes that are real.

let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let instance: DrillInstance;
let scene: Scene;

beforeAll(async () => {
  fixture = await startServerFixture();
  instance = await drillInstance(fixture.server);
  scene = await makeScene(instance);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const canaries = ['canary-of-a-row-in-a-blob', 'canary-of-a-tag-in-a-message'] as const;

const sent = (flush: boolean) => ({ table: 'Readings', flush, tags: [canaries[1]] });

async function countOf(device: string): Promise<number | undefined> {
  const { status, value } = await kusto(scene, 'query', `Readings | where Device == '${device}' | count`);
  return status === 200 ? (value as { Tables: { Rows: [number][] }[] }).Tables[0]?.Rows[0]?.[0] : undefined;
}

/** Asks again and again, as long as the test may take. */
async function untilThere(device: string): Promise<number> {
  let count: number | undefined;
  await until(async () => ((count = await countOf(device)) ?? 0) > 0);
  return count ?? 0;
}

describe('queued ingestion under a key', () => {
  it('waits sealed while the key is away, is refused then, and becomes rows once when it is back', async () => {
    const places = await ingestionPlaces(scene);
    const blob = await putBlob(fixture, places, 'db__Readings__one.csv', `${canaries[0]},1.5\n`);
    expect(blob.status, blob.text).toBe(201);
    expect((await putMessage(fixture, places, blob.path, sent(false))).status).toBe(201);
    expect(await countOf(canaries[0])).toBe(0);
    const staged = await scanForCanaries(fixture.directory, canaries);
    expect(staged).toMatchObject({ matches: [], unreadable: [] });

    const way = ways.find(({ name }) => name === 'versionDisabled');
    if (way === undefined) throw new Error('it is one of them');
    await way.take(scene);
    await instance.pass(30);
    expect(await countOf(canaries[0])).toBeUndefined();
    // Longer than any batch waits: nobody can make rows of it now.
    await instance.pass(600);
    for (const refused of [
      await putBlob(fixture, places, 'db__Readings__two.csv', 'x,1\n'),
      await putMessage(fixture, places, '', sent(true)),
    ])
      expect(refused.status, refused.text).toBe(503);
    const read = await fixture.send({
      host: places.container.hostname,
      method: 'GET',
      path: new URL(blob.path).pathname + places.container.search,
    });
    expect(read.status, read.text).toBe(503);

    await way.giveBack(scene);
    await instance.pass(30);
    expect(await untilThere(canaries[0])).toBe(1);
    const next = await putBlob(fixture, places, 'db__Readings__next.csv', 'next,2.5\n');
    expect((await putMessage(fixture, places, next.path, sent(true))).status).toBe(201);
    expect(await untilThere('next')).toBe(1);
    expect(await countOf(canaries[0])).toBe(1);
    expect(await scanForCanaries(fixture.directory, canaries)).toMatchObject({ matches: [], unreadable: [] });
  });
});
