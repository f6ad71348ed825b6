import { gzipSync } from 'node:zlib';
import { ContainerClient } from '@azure/storage-blob';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { waitMs } from '../../support/hang.ts';
import type { HostAnswer } from '../../support/server-fixture.ts';
import { clusterHost, databaseName as db } from './kusto-fixture.ts';
import type { Answered, MappedStorage } from './mapped-storage.ts';
import { account, csv, startMappedStorage } from './mapped-storage.ts';
import { describeStorageCallers } from './storage-callers.ts';
import { describeStorageConnections } from './storage-connections.ts';
import { describeStorageIdentities } from './storage-identities.ts';
import { describeStorageTables } from './storage-tables.ts';

const blobHost = `https://${account}.blob.core.windows.net`;

let site: MappedStorage;
let k: MappedStorage['k'];
let azurite: MappedStorage['azurite'];
let container: string;
let sas: string;

beforeAll(async () => {
  site = await startMappedStorage();
  ({ k, azurite, container, sas } = site);
  await mgmt('.create table T (a: long, b: string)');
});
afterAll(() => site.stop());

const blob = (name: string): string => `${blobHost}/${container}/${name}`;
const signed = (name: string): string => `${blob(name)}?${sas}`;

interface AnsweredTable extends Answered {
  readonly columns: readonly string[];
}

async function asked(path: string, csl: string, more: object = {}): Promise<AnsweredTable> {
  const answer = await k.post(path, { db, csl, ...more });
  const { Tables: [table] = [] } = answer.body as {
    Tables?: readonly { Columns: readonly { ColumnName: string }[]; Rows: readonly unknown[][] }[];
  };
  const columns = table?.Columns.map(({ ColumnName }) => ColumnName) ?? [];
  return { status: answer.status, text: answer.text, rows: table?.Rows ?? [], columns };
}
const mgmt = (csl: string): Promise<AnsweredTable> => asked('/v1/rest/mgmt', csl);
const query = (csl: string, more?: object): Promise<AnsweredTable> => asked('/v1/rest/query', csl, more);
const rowsOf = async (table: string): Promise<unknown> => (await query(`${table} | sort by a asc`)).rows;

describe('a mapped account under its host name', () => {
  const data = 'line of text\n'.repeat(70_000);
  const done = {
    value: {
      ...{ contentLength: data.length, whole: true, part: true },
      codes: {
        ...{ again: '409 BlobAlreadyExists', list: 'done', deleted: 'done', gone: '404 BlobNotFound' },
        ...{ forged: expect.stringMatching(/^403 /) as string, download: expect.stringMatching(/^404 /) as string },
      },
    },
  };

  it('is the one that it is mapped to, for the client of storage', async () => {
    const uri = `${blobHost}/${container}?${sas}`;
    expect(await k.call({ call: 'storage', database: db, uri, data })).toEqual(done);
  });

  it('takes requests that are signed with its key, where both have one name', async () => {
    const uri = `https://devstoreaccount1.blob.core.windows.net/${container}`;
    const { accountKey } = azurite;
    expect(await k.call({ call: 'storage', database: db, uri, data, accountKey })).toEqual(done);
  });

  it.each(['/../other/blob', '/c/../../b', '/c/%2e%2E/b', '/c/.%2e?x=1', '/..'])(
    'leads nowhere but below the address that it is mapped to: %s',
    async (path) => {
      const { status, headers } = await k.send({ host: 'strange.blob.core.windows.net', method: 'GET', path });
      expect([status, headers['x-ms-error-code']]).toEqual([400, 'InvalidUri']);
    },
  );

  it('says what cannot be reached, and is there for no other account', async () => {
    const { status, headers } = await k.send({ host: 'closed.blob.core.windows.net', method: 'GET', path: '/c/b' });
    expect([status, headers['x-ms-error-code']]).toEqual([503, 'ServerBusy']);
    await expect(k.send({ host: 'other.blob.core.windows.net', method: 'GET', path: '/c/b' })).rejects.toThrow();
  });
});

describe('.ingest into from a mapped account', () => {
  it('reads files however they are packed, into one extent', async () => {
    await mgmt('.create table Packed (a: long, b: string)');
    const sources = ['plain.csv', 'packed.csv.gz'].map((name) => `h'${signed(name)}'`).join(',\n');
    const answer = await mgmt(`.ingest into table Packed (${sources}) with (format='csv', ignoreFirstRecord=true)`);
    expect(answer.columns).toEqual(['ExtentId', 'ItemLoaded', 'Duration', 'HasErrors', 'OperationId']);
    expect(answer.rows[0]?.[1]).toBe(`${blob('plain.csv')}, ${blob('packed.csv.gz')}`);
    expect(await rowsOf('Packed')).toEqual([
      [1, 'one'],
      [1, 'one'],
      [2, 'two, twice'],
      [2, 'two, twice'],
    ]);
    const extents = await mgmt('.show table Packed extents | project OriginalSize, RowCount');
    expect(extents.rows).toEqual([[csv.length + gzipSync(csv).byteLength, 4]]);
  });

  it('reads archives by a pattern, JSON by its name, and names with other characters', async () => {
    await mgmt('.create table Kinds (a: long, b: string)');
    await mgmt(`.ingest into Kinds h@"${signed('more.zip')}" with (format='csv', zipPattern='^x/')`);
    await mgmt(`.ingest into table Kinds (h'${signed('rows.json')}')`);
    await mgmt(`.ingest into table Kinds (h'${signed(encodeURI('sub folder/ä.csv'))}') with (tags='["t"]')`);
    expect(await rowsOf('Kinds')).toEqual([
      [3, 'three'],
      [4, 'four'],
      [5, 'five'],
      [6, 'six'],
      [8, 'eight'],
    ]);
  });

  it.each([
    ['an account key', () => `${blob('plain.csv')};${azurite.accountKey}`],
    ['an ADLS address', () => `https://${account}.dfs.core.windows.net/${container}/plain.csv;${azurite.accountKey}`],
    ['abfss', () => `abfss://${container}@${account}.dfs.core.windows.net/plain.csv;${azurite.accountKey}`],
    ['the address of the Azurite itself', () => `${azurite.endpoint}/${container}/plain.csv?${sas}`],
  ])('is let in by %s', async (_what, source) => {
    expect(
      (await query(`externaldata(a: long, b: string)[h'${source()}'] with (ignoreFirstRecord=true)`)).rows,
    ).toEqual([
      [1, 'one'],
      [2, 'two, twice'],
    ]);
  });

  it('goes on behind an async answer, and tells how it ended', async () => {
    await mgmt('.create table Later (a: long, b: string)');
    const { rows } = await mgmt(`.ingest async into table Later (h'${signed('rows.json')}') with (format='json')`);
    const id = String(rows[0]?.[0]);
    const ended = async (): Promise<string> => {
      for (;;) {
        const state = String((await mgmt(`.show operations ${id} | project State`)).rows[0]?.[0]);
        if (state !== 'InProgress') return state;
      }
    };
    expect(await ended()).toBe('Completed');
    expect(await rowsOf('Later')).toEqual([
      [5, 'five'],
      [6, 'six'],
    ]);
    const again = await mgmt(`.ingest async into table Later (h'${signed('nosuch.json')}')`);
    const failed = `.show operations ${String(again.rows[0]?.[0])} | where State == 'Failed' | project Status`;
    for (;;) {
      const [row] = (await mgmt(failed)).rows;
      if (row === undefined) continue;
      expect(row[0]).toBe(
        `Failed to download the source '${blob('nosuch.json')}': there is no such source (status 404, BlobNotFound).`,
      );
      break;
    }
  });

  it('ingests once by tag', async () => {
    await mgmt('.create table Once (a: long, b: string)');
    const once = `.ingest into table Once (h'${signed('rows.json')}') with (tags='["ingest-by:p"]', ingestIfNotExists='["p"]')`;
    await mgmt(once);
    expect((await mgmt(once)).rows[0]?.[0]).toBe('00000000-0000-0000-0000-000000000000');
    expect(await rowsOf('Once')).toHaveLength(2);
  });

  it('takes no row of what is broken, and keeps why', async () => {
    const answer = await mgmt(`.ingest into table T (h'${signed('plain.csv')}', h'${signed('broken.csv')}')`);
    expect(answer.status).toBe(400);
    expect(await rowsOf('T')).toEqual([]);
    const failures = await mgmt('.show ingestion failures | where Table == "T" | project ErrorCode, FailureKind');
    expect(failures.rows).toContainEqual(['Stream_ClosingQuoteMissing', 'Permanent']);
  });
});

describe('queued ingestion', () => {
  it('reads blobs of accounts that were mapped, and reports others', async () => {
    await mgmt('.create table Queued (a: long, b: string)');
    const queue = (text: string) =>
      k.call({
        ...{ call: 'queuedBlob', database: db, table: 'Queued', text, data: 'as much' },
        properties: { format: 'json', flushImmediately: true, reportMethod: 0 },
      });
    await queue('https://unmapped.blob.core.windows.net/box/rows.json?sig=canary-in-report');
    expect(await queue(signed('rows.json'))).toEqual({ value: 'Queued' });
    await vi.waitFor(
      async () => {
        expect(await rowsOf('Queued')).toHaveLength(2);
        const { value } = await k.call({ call: 'reports', database: db, text: 'failure' });
        expect(JSON.stringify(value)).not.toContain('canary');
        expect(value).toContainEqual(
          expect.objectContaining({
            ...{ Table: 'Queued', ErrorCode: 'Download_Forbidden' },
            IngestionSourcePath: 'https://unmapped.blob.core.windows.net/box/rows.json',
          }),
        );
      },
      { timeout: waitMs, interval: 50 },
    );
  });
});

describe('sourceKind=uri', () => {
  it('ingests from the address in the body', async () => {
    await mgmt('.create table Uri (a: long, b: string)');
    await mgmt('.alter table Uri policy streamingingestion enable');
    const path = `/v1/rest/ingest/${db}/Uri?streamFormat=json&sourceKind=uri`;
    const answer = await k.post(path, { SourceUri: signed('rows.json') });
    expect(answer.status, answer.text).toBe(200);
    expect(await rowsOf('Uri')).toHaveLength(2);
    expect((await k.post(path, { Source: 'x' })).status).toBe(400);
    expect((await k.post(path, { SourceUri: 'https://elsewhere.example/x.json' })).text).toContain(
      '--allow elsewhere.example',
    );
  });
});

describe('externaldata', () => {
  const data = (names: readonly string[], more = ''): string =>
    `externaldata(a: long, b: string)[${names.map((name) => `h'${signed(name)}'`).join(', ')}]${more}`;

  it('is a table like any other in a query', async () => {
    expect((await query(`${data(['rows.json'])} | where a > 5 | project b`)).rows).toEqual([['six']]);
    expect((await query(`${data(['rows.json', 'rows.json'])} | count`)).rows).toEqual([[4]]);
    const joined = `let X = ${data(['packed.csv.gz'], " with (format='csv', ignoreFirstRecord=true)")};
      X | join kind=inner (X) on a | summarize n = count(), s = sum(a1)`;
    expect((await query(joined)).rows).toEqual([[2, 3]]);
    const unpacked = `${data(['rows.json'])} | extend d = dynamic({"k": 1}) | evaluate bag_unpack(d) | project a, k`;
    expect((await query(unpacked)).rows).toEqual([
      [5, 1],
      [6, 1],
    ]);
  });

  it('can have a mapping, and go into a table', async () => {
    const mapping = `[{"Column":"a","Properties":{"Path":"$.a"}},{"Column":"place","Properties":{"Transform":"SourceLocation"}}]`;
    const mapped = `externaldata(a: long, place: string)[h'${signed('rows.json')}'] with (format='json', ingestionMapping='${mapping}')`;
    expect((await query(`${mapped} | take 1`)).rows).toEqual([[5, blob('rows.json')]]);
    expect((await mgmt(`.set-or-append Taken <| ${mapped}`)).status).toBe(200);
    expect(await rowsOf('Taken')).toHaveLength(2);
  });

  it('works in a function, and within one that walks rows in a thread', async () => {
    await mgmt(`.create-or-alter function Out() { ${data(['rows.json'])} }`);
    expect((await query('Out() | count')).rows).toEqual([[2]]);
    const walked = `range i from 1 to 30000 step 1 | extend a = 5 + i % 2 | lookup (${data(['rows.json'])}) on a
      | serialize | scan declare (n: long = 0) with (step s: true => n = s.n + a;) | summarize max(n)`;
    expect((await query(walked)).rows).toEqual([[165_000]]);
  });

  it('ends with the query', async () => {
    const slow = "externaldata(a: long, b: string)['https://strange.blob.core.windows.net/c/slow.csv']";
    const properties = { Options: { servertimeout: '00:00:02' } };
    expect((await query(slow, { properties })).status).toBe(504);
  });
});

// Before more lies in the container.
describeStorageTables(() => site, { mgmt, query });

describe('blobs that commands put into the queue', () => {
  const atIngestion = async (csl: string) =>
    k.send({
      ...{ host: `ingest-${clusterHost}`, method: 'POST', path: '/v1/rest/mgmt', token: k.token },
      body: { db, csl },
    });
  const rowsOf = (answer: HostAnswer): unknown[][] =>
    (answer.body as { Tables: readonly { Rows: unknown[][] }[] }).Tables[0]?.Rows ?? [];
  const listing = (): string => `.list blobs (h'${blobHost}/${container}/queue/p?${sas}')`;
  beforeAll(async () => {
    const client = new ContainerClient(`${azurite.endpoint}/${container}?${sas}`);
    for (const [name, content] of [['plain.csv', csv] as const, ['packed.csv.gz', gzipSync(csv)] as const])
      await client.getBlockBlobClient(`queue/${name}`).uploadData(Buffer.from(content));
  });

  it('are listed without their signature, by the endpoint of ingestion alone', async () => {
    const listed = rowsOf(await atIngestion(`${listing()} Suffix='.csv'`));
    expect(listed).toEqual([[`${blobHost}/${container}/queue/plain.csv`, csv.length, {}]]);
    const { status, text } = await mgmt(listing());
    expect([status, text]).toEqual([400, expect.stringContaining(`https://ingest-${clusterHost}`)]);
  });

  it('become rows of their table, and the operation says so', async () => {
    await mgmt('.create table FromFolder (a: long, b: string)');
    const command = `.ingest-from-storage-queued into table FromFolder EnableTracking=true SkipBatching=true with (format='csv', ignoreFirstRecord=true) <| ${listing()}`;
    const [row] = rowsOf(await atIngestion(command));
    const show = String(row?.[2]);
    await vi.waitFor(
      async () => expect(rowsOf(await atIngestion(`${show} | project State, Ingested`))).toEqual([['Completed', 2]]),
      { timeout: waitMs, interval: 50 },
    );
    expect((await query('FromFolder | summarize count() by a, b | sort by a asc')).rows).toEqual([
      [1, 'one', 2],
      [2, 'two, twice', 2],
    ]);
  });
});

describeStorageIdentities(() => site, { mgmt, query });
describeStorageCallers(() => site, { mgmt, query });
describeStorageConnections(() => site, { mgmt, query });

describe('what is not read', () => {
  it.each([
    [
      'an account that nobody mapped',
      () => "h'https://other.blob.core.windows.net/c/x.csv?sig=canary'",
      /--allow other\.blob\.core\.windows\.net, or map the account with --storage-account other=URL/,
    ],
    ['a host that is not let through', () => "'https://files.example/x.csv'", /--allow files\.example/],
    ['a loopback address', () => `'https://127.0.0.1:${site.inside}/x.csv'`, /not let through|not read/],
    ['http', () => `'http://127.0.0.1:${site.inside}/x.csv'`, /only https addresses/],
    ['a file', () => "'file:///etc/passwd'", /only https addresses|no https address/],
    ['a redirect', () => "'https://strange.blob.core.windows.net/c/redirect.csv'", /somewhere else|could not be read/],
    ['what is too large', () => "'https://strange.blob.core.windows.net/c/huge.csv'", /more than 6 GiB/],
    [
      'a bad signature',
      () => `h'${signed('plain.csv').replace(/sig=[^&]+/, 'sig=canaryAAAA')}'`,
      /access is forbidden \(status 403/,
    ],
    [
      'a wrong key',
      () => `h'${blob('plain.csv')};${Buffer.from('canary-key-of-nobody-32-bytes-long').toString('base64')}'`,
      /access is forbidden/,
    ],
    [
      'a storage that fails',
      () => "h'https://strange.blob.core.windows.net/c/x.csv?sig=canary'",
      /answers with an error \(status 500/,
    ],
  ])('%s', async (_what, source, message) => {
    const answers = [
      await mgmt(`.ingest into table T (${source()})`),
      await query(`externaldata(a: long, b: string)[${source()}]`),
    ];
    for (const { status, text } of answers) {
      expect([status, text]).toEqual([expect.any(Number), expect.stringMatching(message)]);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(text).not.toContain('canary');
    }
    expect(site.reached).toEqual([]);
  });
});

describe('secrets', () => {
  it('are in no log and in no answer of .show', async () => {
    const signature = /sig=([^&]+)/.exec(sas)?.[1] ?? '';
    expect(signature).not.toBe('');
    await query(`externaldata(a: long, b: string)['${signed('rows.json')}']`);
    const shown = [
      await mgmt('.show queries'),
      await mgmt('.show running queries'),
      await mgmt('.show operations'),
      await mgmt('.show ingestion failures'),
    ].map(({ text }) => text);
    expect(shown[0]).toContain("h'***'");
    expect(shown[0]).toContain(`${blob('rows.json')}?***`);
    for (const secret of [signature, decodeURIComponent(signature), azurite.accountKey, 'canary'])
      for (const text of [...shown, site.log.join('')]) expect(text).not.toContain(secret);
  });
});
