import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { waitMs } from '../../support/hang.ts';
import { drillInstance } from '../../../src/cli/drill/drill-instance.ts';
import type { DrillInstance } from '../../../src/cli/drill/drill-instance.ts';
import { database, makeScene } from '../../../src/cli/drill/scene.ts';
import type { Scene } from '../../../src/cli/drill/scene.ts';
import { ways } from '../../../src/cli/drill/ways.ts';
import { scanForCanaries } from '../../../src/server/canary-scan.ts';
import type { Azurite } from '../../support/azurite.ts';
import { startAzurite } from '../../support/azurite.ts';
import { startServerFixture } from '../../support/server-fixture.ts';
import { until } from '../../support/until.ts';

// What leaves a cluster under a key of its own for the user's storage: an unmodified client of Azure Storage finds it there.

let azurite: Azurite;
let fixture: Awaited<ReturnType<typeof startServerFixture>>;
let instance: DrillInstance;
let scene: Scene;
let client: ContainerClient;
let container: string;
let token: string;
let sas: string;
/** A storage that answers nothing before it is told to. */
let slow: Server;
let arrived: { readonly url: string; readonly response: ServerResponse }[] = [];
const log: string[] = [];

const host = 'https://mybox.blob.core.windows.net';

beforeAll(async () => {
  azurite = await startAzurite();
  slow = createServer((request, response) => {
    request.resume().on('end', () => arrived.push({ url: String(request.url), response }));
  }).listen(0, '127.0.0.1');
  await once(slow, 'listening');
  fixture = await startServerFixture({
    storageAccounts: [
      { name: 'mybox', endpoint: azurite.endpoint },
      { name: 'slow', endpoint: `http://127.0.0.1:${(slow.address() as AddressInfo).port}` },
    ],
    log: { level: 'debug', destination: { write: (line: string) => void log.push(line) } },
  });
  instance = await drillInstance(fixture.server);
  scene = await makeScene(instance);
  token = await fixture.tokenFor('https://kusto.kusto.windows.net');
  const url = new URL(await azurite.newContainer());
  sas = url.search.slice(1);
  container = url.pathname.split('/').at(-1) ?? '';
  client = new ContainerClient(url.href);
});
afterAll(async () => {
  await fixture[Symbol.asyncDispose]();
  await azurite.stop();
  slow.closeAllConnections();
  slow.close();
});

const target = (folder = ''): string => `h@"${host}/${container}${folder}?${sas}"`;

interface Answered {
  readonly status: number;
  readonly text: string;
  readonly rows: readonly (readonly unknown[])[];
}

async function asked(kind: 'mgmt' | 'query', csl: string, db = database): Promise<Answered> {
  const { status, text, body } = await fixture.send({
    ...{ host: scene.clusterHost, method: 'POST', path: `/v1/rest/${kind}`, token, body: { db, csl } },
    headers: { accept: 'application/json' },
  });
  const { Tables: [table] = [] } = (body ?? {}) as { Tables?: readonly { Rows: readonly unknown[][] }[] };
  return { status, text, rows: table?.Rows ?? [] };
}
const mgmt = (csl: string): Promise<Answered> => asked('mgmt', csl);

async function contentOf(path: unknown): Promise<Buffer> {
  const name = decodeURIComponent(String(path).slice(`${host}/${container}/`.length));
  return client.getBlobClient(name).downloadToBuffer();
}

interface Described {
  readonly exports?: readonly { readonly container: string; readonly rows: number; readonly notEnded: number }[];
}

/** What `lineage` and `proof` list. */
async function described(): Promise<Described> {
  const answer = await fixture.send({
    ...{ host: 'localhost', method: 'GET', path: '/clusters', token: fixture.server.controlToken },
  });
  return (answer.body as { clusters: readonly Described[] }).clusters[0] ?? {};
}

const auditOf = async (): Promise<string> => {
  const path = '/audit/events?operation=DataExport';
  return (await fixture.send({ host: 'localhost', method: 'GET', path, token: fixture.server.controlToken })).text;
};

describe('.export to a mapped account', () => {
  it('leaves blobs that the official client reads', async () => {
    const { status, rows, text } = await mgmt(
      `.export compressed to csv (${target('/folder of mine')}) with (namePrefix="r", includeHeaders="all") <| Readings | top 2 by Celsius asc`,
    );
    expect(status, text).toBe(200);
    const [[path, count, bytes] = []] = rows;
    expect(path).toMatch(new RegExp(`^${host}/${container}/folder of mine/r_1_[0-9a-f]{32}\\.csv\\.gz$`));
    const content = await contentOf(path);
    expect([count, bytes]).toEqual([2, content.byteLength]);
    expect(String(gunzipSync(content))).toBe('Device,Celsius\r\npump-1,0.1\r\npump-2,0.2\r\n');
  });

  it('is read again with an account key, as Parquet, behind the answer', async () => {
    const started = await mgmt(
      `.export async to parquet (h@"https://mybox.dfs.core.windows.net/${container};${azurite.accountKey}") <| Readings`,
    );
    const id = String(started.rows[0]?.[0]);
    for (;;) {
      const { rows } = await mgmt(`.show operations ${id} | project State, Status`);
      if (rows[0]?.[0] !== 'InProgress') {
        expect(rows).toEqual([['Completed', '']]);
        break;
      }
    }
    const [[path, count] = []] = (await mgmt(`.show operation ${id} details`)).rows;
    expect(count).toBe(1000);
    await mgmt('.create table Back (Device: string, Celsius: real)');
    const back = await mgmt(
      `.ingest into table Back (h@"${String(path)};${azurite.accountKey}") with (format="parquet")`,
    );
    expect(back.status, back.text).toBe(200);
    expect((await asked('query', 'Back | summarize count(), sum(Celsius)')).rows).toEqual([[1000, 50050]]);
  });

  it('is listed with the key, audited, and in no file of ours', async () => {
    expect((await described()).exports).toEqual([
      expect.objectContaining({ container: `${host}/${container}`, rows: 2, blobs: 1, notEnded: 0 }),
      expect.objectContaining({
        container: `https://mybox.dfs.core.windows.net/${container}`,
        rows: 1000,
        notEnded: 0,
      }),
    ]);
    const audit = await auditOf();
    expect(audit).toContain('"resultType":"Started"');
    expect(audit).toContain('"rows":1000');
    expect(await scanForCanaries(fixture.directory, ['pump-1'])).toMatchObject({ matches: [], unreadable: [] });
  });

  it.each([
    [
      'an account that nobody mapped',
      'https://other.blob.core.windows.net/c?sig=canary',
      /--storage-account other=URL/,
    ],
    ['a host that is no storage', 'https://files.example/c?sig=canary', /is not Azure Storage/],
    ['a loopback address', 'http://127.0.0.1:1/c?sig=canary', /only https addresses/],
    ['no proof', `${host}/c`, /neither a shared access signature nor an account key/],
    ['no container', `${host}?sig=canary`, /names no container/],
    ['a bad signature', `${host}/box?sv=2022-11-02&sig=canary`, /Failed to write .*\(status 403/],
  ])('%s is refused', async (_what, address, why) => {
    const { status, text } = await mgmt(`.export to csv (h@"${address}") <| print 1`);
    expect([status, text]).toEqual([expect.any(Number), expect.stringMatching(why)]);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain('canary');
  });

  it('tells its secrets to nobody', async () => {
    const signature = /sig=([^&]+)/.exec(sas)?.[1] ?? '';
    expect(signature).not.toBe('');
    const shown = [await mgmt('.show commands'), await mgmt('.show operations'), await mgmt('.show queries')];
    expect(shown[0]?.text).toContain('h@\\"***\\"');
    for (const text of [
      ...shown.map((one) => one.text),
      log.join(''),
      await auditOf(),
      JSON.stringify(await described()),
    ])
      for (const secret of [signature, decodeURIComponent(signature), azurite.accountKey, 'canary'])
        expect(text).not.toContain(secret);
  });
});

describe('an export under a key that is taken away', () => {
  it('goes no further, and none begins; what is there is listed', async () => {
    arrived = [];
    const exporting = mgmt(
      `.export to csv (h@"https://slow.blob.core.windows.net/c;${azurite.accountKey}") <| Readings`,
    );
    while (arrived.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(arrived[0]?.url).toContain('comp=block&');
    const way = ways.find(({ name }) => name === 'versionDisabled');
    if (way === undefined) throw new Error('it is one of them');
    await way.take(scene);
    await instance.pass(30);
    expect((await exporting).status).toBe(503);
    // The storage takes the piece that is on its way. No other comes: the blob is never there.
    for (const { response } of arrived) response.writeHead(201).end();
    expect((await mgmt(`.export to csv (${target()}) <| print 1`)).status).toBe(503);
    expect(arrived.map(({ url }) => url.includes('blocklist'))).toEqual([false]);
    const left = (await described()).exports?.filter(({ rows }) => rows > 0) ?? [];
    expect(left.map(({ container: name, rows }) => [new URL(name).host, rows])).toEqual([
      ['mybox.blob.core.windows.net', 2],
      ['mybox.dfs.core.windows.net', 1000],
    ]);
    await way.giveBack(scene);
    await instance.pass(30);
    expect((await mgmt(`.export to csv (${target()}) <| print 1`)).status).toBe(200);
  });

  it('writes each row once while it is continuous, into the folder of its partition', async () => {
    await mgmt(
      `.create external table Out (Device: string, Celsius: real) kind=storage partition by (Pump: string = Device) dataformat=csv (${target('/out')})`,
    );
    const made = await mgmt(
      '.create-or-alter continuous-export Go over (Readings) to table Out with (intervalBetweenRuns=1m) <| Readings',
    );
    expect(made.status, made.text).toBe(200);
    const isListed = (rows: readonly (readonly unknown[])[]): Promise<void> =>
      vi.waitFor(
        async () => {
          const listed = await mgmt('.show continuous-export Go exported-artifacts | project Path, NumRecords');
          expect(
            listed.rows.map(([path, count]) => [/\/out\/([^/]+)\//.exec(String(path))?.[1], count]),
            listed.text,
          ).toEqual(rows);
        },
        { timeout: waitMs, interval: 100 },
      );
    await mgmt('.ingest inline into table Readings <| pump-7,1');
    await instance.pass(90);
    await isListed([['pump-7', 1]]);
    await mgmt('.ingest inline into table Readings <| pump-8,2');
    await instance.pass(90);
    await isListed([
      ['pump-8', 1],
      ['pump-7', 1],
    ]);
    const read = 'external_table("Out") | where Device == "pump-8" | project Celsius';
    expect((await asked('query', read)).rows).toEqual([[2]]);
    expect((await mgmt('.show continuous-export Go failures')).rows).toEqual([]);
    expect((await described()).exports?.[0]).toMatchObject({ container: `${host}/${container}`, notEnded: 0 });
  });

  it('is cut off in the middle of a run, and goes on once; so does a view', async () => {
    await mgmt('.create materialized-view Seen on table Readings { Readings | summarize Count = count() by Device }');
    const slowly = `h@"https://slow.blob.core.windows.net/c/rest;${azurite.accountKey}"`;
    await mgmt(`.create external table Slow (Device: string, Celsius: real) kind=storage dataformat=csv (${slowly})`);
    const made = await mgmt(
      '.create-or-alter continuous-export Slowly over (Readings) to table Slow with (intervalBetweenRuns=1m) <| Readings',
    );
    expect(made.status, made.text).toBe(200);
    const canary = 'canary-of-a-group';
    await mgmt(`.ingest inline into table Readings <| ${canary},4`);
    arrived = [];
    await instance.pass(90);
    await until(() => Promise.resolve(arrived.length > 0));
    await mgmt(`.ingest inline into table Readings <| ${canary},5`);
    const way = ways.find(({ name }) => name === 'versionDisabled');
    if (way === undefined) throw new Error('it is one of them');
    await way.take(scene);
    const before = arrived.length;
    for (const { response } of arrived) response.writeHead(201).end();
    for (const text of [
      'Seen',
      'materialized_view("Seen")',
      'external_table("Slow")',
      '.show materialized-view Seen',
      '.show continuous-export Slowly',
    ])
      expect((await asked(text.startsWith('.') ? 'mgmt' : 'query', text)).status, text).toBe(503);
    await instance.pass(300);
    expect(arrived.slice(before).map(({ url }) => url)).toEqual([]);
    expect(arrived.some(({ url }) => url.includes('blocklist'))).toBe(false);
    expect(await scanForCanaries(fixture.directory, [canary])).toMatchObject({ matches: [], unreadable: [] });

    await way.giveBack(scene);
    slow.on('request', (request, response: ServerResponse) => request.on('end', () => response.writeHead(201).end()));
    await instance.pass(90);
    const group = `where Device == "${canary}" | project Count`;
    await until(async () => {
      const [stored, listed] = [
        await asked('query', `materialized_view("Seen") | ${group}`),
        await mgmt('.show continuous-export Slowly exported-artifacts | summarize sum(NumRecords)'),
      ];
      return stored.rows[0]?.[0] === 2 && listed.rows[0]?.[0] === 2;
    });
    expect((await asked('query', `Seen | ${group}`)).rows).toEqual([[2]]);
    expect((await mgmt('.show continuous-export Slowly failures')).rows).toEqual([]);
    // Of the run that was cut off nobody says that it wrote something.
    const left = (await described()).exports?.filter(({ container: name }) => name.includes('/slow.'));
    expect(left).toMatchObject([{ rows: 2, blobs: 1 }]);
    await mgmt('.drop continuous-export Slowly');
  });

  it('reads another database as a managed identity, once that may', async () => {
    const arm = async (method: string, path: string, body?: object) => {
      const armToken = await fixture.tokenFor('https://management.azure.com');
      const answer = await fixture.send({ host: 'management.azure.com', method, path, token: armToken, body });
      expect(answer.status, answer.text).toBeLessThan(300);
      return answer.body as { properties: { principalId: string } };
    };
    const { properties } = await arm('GET', `${scene.identityPath}?api-version=2023-01-31`);
    await arm('PUT', `${scene.clusterPath}/databases/names?api-version=2024-04-13`, {
      ...{ location: scene.region, kind: 'ReadWrite' },
    });
    const named = (csl: string): Promise<Answered> => asked('mgmt', csl, 'names');
    expect((await named('.set Names <| print Device = "pump-9", Name = "The ninth"')).status).toBe(200);
    await mgmt(
      `.create external table Named (Name: string, Celsius: real) kind=storage dataformat=csv (${target('/named')})`,
    );
    const define = (): Promise<Answered> =>
      mgmt(
        `.create-or-alter continuous-export Named over (Readings) to table Named with (intervalBetweenRuns=1m, managedIdentity=${properties.principalId}) <| Readings | lookup database('names').Names on Device | project Name, Celsius`,
      );
    expect((await define()).text).toContain('usage AutomatedFlows');
    const policy = JSON.stringify([{ ObjectId: properties.principalId, AllowedUsages: 'AutomatedFlows' }]);
    await mgmt(`.alter-merge cluster policy managed_identity '${policy}'`);
    const made = await define();
    expect(made.status, made.text).toBe(200);
    await mgmt('.ingest inline into table Readings <| pump-9,3');
    await instance.pass(90);
    const told = (what: string) => mgmt(`.show continuous-export Named ${what}`);
    await vi.waitFor(async () => expect((await told('failures')).text).toContain("named 'Readings'"), waitMs);
    for (const name of [database, 'names'])
      expect((await mgmt(`.add database ${name} viewers ('aadapp=${properties.principalId}')`)).status).toBe(200);
    await instance.pass(90);
    await vi.waitFor(async () => expect((await told('exported-artifacts')).rows).toHaveLength(1), waitMs);
    expect((await asked('query', 'external_table("Named")')).rows).toEqual([['The ninth', 3]]);
  });
});
