import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scanForCanaries } from '../../src/server/canary-scan.ts';
import { drillInstance } from '../../src/cli/drill/drill-instance.ts';
import type { DrillInstance } from '../../src/cli/drill/drill-instance.ts';
import { database, kusto, makeScene } from '../../src/cli/drill/scene.ts';
import type { Scene } from '../../src/cli/drill/scene.ts';
import { ways } from '../../src/cli/drill/ways.ts';
import type { HostAnswer } from '../support/server-fixture.ts';
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

interface Places {
  readonly container: URL;
  readonly queue: URL;
  readonly identity: string;
}

/** As clients begin: where blobs and messages go, and who sends them. */
async function placesOf(): Promise<Places> {
  const ask = async (csl: string): Promise<[string, string][]> => {
    const host = `ingest-${scene.clusterHost}`;
    const { status, value } = await scene.send({ host, method: 'POST', path: '/v1/rest/mgmt', body: { db: '', csl } });
    expect(status, JSON.stringify(value)).toBe(200);
    return (value as { Tables: { Rows: [string, string][] }[] }).Tables[0]?.Rows ?? [];
  };
  const resources = await ask('.get ingestion resources');
  const place = (type: string): URL => new URL(resources.find(([name]) => name === type)?.[1] ?? '');
  const [[identity] = ['']] = await ask('.get kusto identity token');
  return { container: place('TempStorage'), queue: place('SecuredReadyForAggregationQueue'), identity };
}

async function putBlob({ container }: Places, name: string, content: string): Promise<HostAnswer & { path: string }> {
  const path = `${container.pathname}/${name}${container.search}`;
  const headers = { 'x-ms-version': '2022-11-02', 'x-ms-blob-type': 'BlockBlob', 'content-type': 'text/csv' };
  const answer = await fixture.send({ host: container.hostname, method: 'PUT', path, headers, body: content });
  return { ...answer, path: `https://${container.hostname}${path}` };
}

async function putMessage({ queue, identity }: Places, blobPath: string, flush: boolean): Promise<HostAnswer> {
  const message = {
    ...{ Id: crypto.randomUUID(), BlobPath: blobPath, DatabaseName: database, TableName: 'Readings' },
    ...{ FlushImmediately: flush, ReportLevel: 2, ReportMethod: 0, RetainBlobOnSuccess: false },
    AdditionalProperties: { format: 'csv', tags: JSON.stringify([canaries[1]]), authorizationContext: identity },
  };
  const text = Buffer.from(JSON.stringify(message)).toString('base64');
  return fixture.send({
    ...{ host: queue.hostname, method: 'POST', path: `${queue.pathname}/messages${queue.search}` },
    headers: { 'x-ms-version': '2022-11-02', 'content-type': 'application/xml' },
    body: `<QueueMessage><MessageText>${text}</MessageText></QueueMessage>`,
  });
}

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
    const places = await placesOf();
    const blob = await putBlob(places, 'db__Readings__one.csv', `${canaries[0]},1.5\n`);
    expect(blob.status, blob.text).toBe(201);
    expect((await putMessage(places, blob.path, false)).status).toBe(201);
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
    for (const refused of [await putBlob(places, 'db__Readings__two.csv', 'x,1\n'), await putMessage(places, '', true)])
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
    const next = await putBlob(places, 'db__Readings__next.csv', 'next,2.5\n');
    expect((await putMessage(places, next.path, true)).status).toBe(201);
    expect(await untilThere('next')).toBe(1);
    expect(await countOf(canaries[0])).toBe(1);
    expect(await scanForCanaries(fixture.directory, canaries)).toMatchObject({ matches: [], unreadable: [] });
  });
});
