import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { waitMs } from '../../support/hang.ts';
import type { ClientOutcome, KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName, startKustoData } from './kusto-fixture.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
  await mgmt('.create table T (n:long, s:string)');
});
afterAll(() => kusto[Symbol.asyncDispose]());

const mgmt = async (text: string): Promise<ClientOutcome> => {
  const outcome = await kusto.call({ call: 'mgmt', database: databaseName, text });
  if (outcome.failed !== undefined) throw new Error(JSON.stringify(outcome.failed));
  return outcome;
};

const rows = async (text: string): Promise<unknown> => {
  const { tables, failed } = await kusto.call({ call: 'queryV1', database: databaseName, text });
  return failed ?? tables?.[0]?.rows;
};

const countOf = (n: number): Promise<unknown> => rows(`T | where n == ${n} | count`);

/** To report to a queue costs no retries of the client, which it makes for a row of the table of statuses. */
const toQueue = { reportLevel: 2, reportMethod: 0 };

const soon = { timeout: waitMs, interval: 50 };

describe('queued ingestion', () => {
  it('makes rows of a stream, at once when it is to be flushed', async () => {
    const outcome = await kusto.call({
      ...{ call: 'queued', database: databaseName, table: 'T', data: '1,one\n2,two\n' },
      properties: { format: 'csv', flushImmediately: true, ...toQueue },
    });
    expect(outcome).toEqual({ value: { status: 'Queued' } });
    await vi.waitFor(
      async () =>
        expect(await rows('T | sort by n asc')).toEqual([
          [1, 'one'],
          [2, 'two'],
        ]),
      soon,
    );
  });

  const send = async (data: string, properties: Record<string, unknown>): Promise<void> => {
    const outcome = await kusto.call({
      ...{ call: 'queued', database: databaseName, table: 'T', data },
      properties: { format: 'csv', ...toQueue, ...properties },
    });
    expect(outcome.failed).toBeUndefined();
  };
  it('waits for as many blobs as the batching policy says, and makes one extent of them', async () => {
    await mgmt(
      `.alter table T policy ingestionbatching '{"MaximumBatchingTimeSpan":"00:10:00","MaximumNumberOfItems":3}'`,
    );
    await send('10,a\n', { additionalTags: ['together'] });
    await send('10,b\n', { additionalTags: ['together'] });
    expect(await countOf(10)).toEqual([[0]]);
    await send('10,c\n', { additionalTags: ['together'] });
    await vi.waitFor(async () => expect(await countOf(10)).toEqual([[3]]), soon);
    const { tables } = await mgmt('.show table T extents | where Tags has "together" | project RowCount');
    expect(tables?.[0]?.rows).toEqual([[3]]);
  });

  it('takes what has a tag that is there already no second time', async () => {
    const once = { ingestByTags: ['once'], ingestIfNotExists: '["once"]', flushImmediately: true };
    await send('20,a\n', once);
    await vi.waitFor(async () => expect(await countOf(20)).toEqual([[1]]), soon);
    await send('20,a\n', once);
    await send('21,a\n', { flushImmediately: true });
    await vi.waitFor(async () => expect(await countOf(21)).toEqual([[1]]), soon);
    expect(await countOf(20)).toEqual([[1]]);
  });

  it('says in the queue of failures, and among the failures of the cluster, what it could not take', async () => {
    await send('30,a\n', { flushImmediately: true, ingestionMappingReference: 'none' });
    const reports: unknown[] = [];
    await vi.waitFor(async () => {
      const { value } = await kusto.call({ call: 'reports', database: databaseName, text: 'failure' });
      reports.push(...(value as unknown[]));
      expect(reports).toContainEqual(
        expect.objectContaining({ Table: 'T', ErrorCode: 'BadRequest_MappingReferenceWasNotFound' }),
      );
    }, soon);
    const { tables } = await mgmt('.show ingestion failures | project Table, ErrorCode, OperationKind');
    expect(tables?.[0]?.rows).toContainEqual(['T', 'BadRequest_MappingReferenceWasNotFound', 'DataIngestPull']);
    expect(await countOf(30)).toEqual([[0]]);
  });
});

describe('the table of statuses', () => {
  it('tells who asked for both ways of reports what came of their blob', async () => {
    const status = (properties: Record<string, unknown>): Promise<ClientOutcome> =>
      kusto.call({
        ...{ call: 'status', database: databaseName, table: 'T', data: '40,a\n' },
        properties: { format: 'csv', flushImmediately: true, reportLevel: 2, reportMethod: 2, ...properties },
      });
    const [good, bad] = await Promise.all([status({}), status({ ingestionMappingReference: 'none' })]);
    const kind = 'TableReportIngestionResult';
    expect(good).toEqual({ value: { kind, status: 'Succeeded' } });
    expect(bad).toEqual({ value: { kind, status: 'Failed', code: 'BadRequest_MappingReferenceWasNotFound' } });
    expect(await countOf(40)).toEqual([[1]]);
    // Both ways: it stands in the queue, too.
    const { value } = await kusto.call({ call: 'reports', database: databaseName, text: 'success' });
    expect(value).toContainEqual(expect.objectContaining({ Table: 'T', Database: databaseName }));
  });
});

describe('managed streaming', () => {
  const managed = (table: string, data: string): Promise<ClientOutcome> =>
    kusto.call({
      ...{ call: 'managed', database: databaseName, table, data },
      properties: { format: 'csv', flushImmediately: true, ...toQueue },
    });
  const countIn = (table: string): Promise<unknown> => rows(`${table} | count`);

  it('streams, and queues what is too large and what may not be streamed', async () => {
    await mgmt('.create tables Streamed (n:long, s:string), Queued (n:long, s:string)');
    await mgmt('.alter table Streamed policy streamingingestion enable');
    expect(await managed('Streamed', '1,one\n')).toEqual({ value: 'streamed' });
    expect(await countIn('Streamed')).toEqual([[1]]);
    expect(await managed('Queued', '1,one\n')).toEqual({ value: 'queued' });
    const line = `2,${'x'.repeat(1_000)}\n`;
    expect(await managed('Streamed', line.repeat(4_500))).toEqual({ value: 'queued' });
    await vi.waitFor(async () => {
      expect(await countIn('Queued')).toEqual([[1]]);
      expect(await countIn('Streamed')).toEqual([[4_501]]);
    }, soon);
  });
});

describe('the storage of queued ingestion', () => {
  /** The address of one of its resources. */
  const resource = async (kind: string): Promise<string> => {
    const { body } = await kusto.send({
      ...{ host: `ingest-${clusterHost}`, method: 'POST', path: '/v1/rest/mgmt', token: kusto.token },
      body: { csl: '.get ingestion resources' },
    });
    const rows = (body as { Tables: { Rows: [string, string][] }[] }).Tables[0]?.Rows ?? [];
    return rows.find(([type]) => type === kind)?.[1] ?? '';
  };

  it('keeps the types of properties, which clients read as they ask for them', async () => {
    const { host, pathname, search } = new URL(await resource('IngestionsStatusTable'));
    const send = (method: string, rest: string, more: object) =>
      kusto.send({ host, method, path: `${pathname}${rest}${search}`, ...more });
    const properties = {
      ...{ 'At@odata.type': 'Edm.DateTime', At: '2026-01-01T00:00:00.123456789Z', Plain: 'text' },
      ...{ 'Id@odata.type': 'Edm.Guid', Id: '2c0f8c3c-3d6b-4b65-8a8b-000000000001' },
    };
    const put = (more: object) =>
      send('POST', '', { body: { PartitionKey: 'p', RowKey: 'r', ...properties, ...more } });
    for (const wrong of [{ At: 'yesterday' }, { 'At@odata.type': 'Edm.Nothing' }, { 'At@odata.type': 1 }])
      expect(await put(wrong)).toMatchObject({ status: 400, body: { 'odata.error': { code: 'InvalidInput' } } });
    expect((await put({})).status).toBe(201);
    const as = async (level: string): Promise<unknown> =>
      (await send('GET', "(PartitionKey='p',RowKey='r')", { headers: { accept: `application/json;odata=${level}` } }))
        .body;
    const text = expect.any(String) as string;
    const bare = { PartitionKey: 'p', RowKey: 'r', Timestamp: text };
    expect(await as('nometadata')).toEqual({ ...bare, At: properties.At, Plain: 'text', Id: properties.Id });
    const typed = { ...bare, ...properties, 'odata.metadata': text, 'odata.etag': text };
    expect(await as('minimalmetadata')).toEqual(typed);
    expect(await as('fullmetadata')).toEqual({ ...typed, 'Timestamp@odata.type': 'Edm.DateTime' });
  });

  it('answers the client for blobs: blocks, parts, what is there already, what is gone', async () => {
    const uri = await resource('TempStorage');
    const data = Array.from({ length: 100_000 }, (_value, n) => `${n},line ${n}\n`).join('');
    expect(await kusto.call({ call: 'storage', database: databaseName, uri, data })).toEqual({
      value: {
        ...{ contentLength: data.length, whole: true, part: true },
        codes: {
          ...{ forged: '403 AuthenticationFailed', again: '409 BlobAlreadyExists' },
          list: expect.stringMatching(/^(403|501) /) as string,
          ...{ deleted: 'done', gone: '404 BlobNotFound', download: '404 BlobNotFound' },
        },
      },
    });
  });

  it('refuses what its signature is not for, and what is no blob of blocks', async () => {
    const { host, pathname, search } = new URL(await resource('TempStorage'));
    const queue = new URL(await resource('SecuredReadyForAggregationQueue'));
    const send = (method: string, path: string, query = search, more: object = {}) =>
      kusto.send({ host, method, path: `${path}${query}`, ...more });
    const codeOf = (text: string): string => /<Code>(\w+)<\/Code>/.exec(text)?.[1] ?? '';
    const list = (ids: readonly string[]): object => ({
      headers: { 'content-type': 'application/xml' },
      body: `<BlockList>${ids.map((id) => `<Latest>${id}</Latest>`).join('')}</BlockList>`,
    });
    const put = (name: string, headers = {}) =>
      send('PUT', `${pathname}/${name}`, search, {
        headers: { 'x-ms-blob-type': 'BlockBlob', ...headers },
        body: 'abcdef',
      });
    const block = `${search}&comp=block&blockid=${encodeURIComponent('YQ==')}`;
    expect((await put('whole')).status).toBe(201);
    expect((await send('PUT', `${pathname}/parts`, block, { body: 'abc' })).status).toBe(201);
    const other = pathname.replace(/[^/]+$/, 'other');
    const fewer = search.replace(/sp=\w+/, 'sp=racwdlmeop');
    const answers: readonly (readonly [
      what: string,
      answer: Promise<{ status: number; text: string }>,
      expected: string,
    ])[] = [
      ['another container', send('GET', `${other}/whole`), '403 AuthenticationFailed'],
      ['the signature of a queue', send('GET', `${pathname}/whole`, queue.search), '403 AuthenticationFailed'],
      ['more permissions than were signed', send('GET', `${pathname}/whole`, fewer), '403 AuthenticationFailed'],
      ['no signature', send('GET', `${pathname}/whole`, ''), '401 NoAuthenticationInformation'],
      [
        'a path out of the container, which is but a name in it',
        send('GET', `${pathname}/../other/whole`),
        '404 BlobNotFound',
      ],
      ['an encoded path out of it', send('GET', `${pathname}/%2e%2e/other/whole`), '404 BlobNotFound'],
      [
        'a range behind the end',
        send('GET', `${pathname}/whole`, search, { headers: { range: 'bytes=6-9' } }),
        '416 InvalidRange',
      ],
      [
        'a range that ends before it begins',
        send('GET', `${pathname}/whole`, search, { headers: { range: 'bytes=4-2' } }),
        '416 InvalidRange',
      ],
      [
        'a block that nobody put',
        send('PUT', `${pathname}/parts`, `${search}&comp=blocklist`, list(['YQ==', 'Yg=='])),
        '400 InvalidBlockList',
      ],
      [
        'a block twice',
        send('PUT', `${pathname}/parts`, `${search}&comp=blocklist`, list(['YQ==', 'YQ=='])),
        '400 InvalidBlockList',
      ],
      [
        'a block of another blob',
        send('PUT', `${pathname}/else`, `${search}&comp=blocklist`, list(['YQ=='])),
        '400 InvalidBlockList',
      ],
      [
        'an id that is no base64',
        send('PUT', `${pathname}/parts`, `${search}&comp=block&blockid=..%2F..`, { body: 'a' }),
        '400 InvalidBlockId',
      ],
      ['a sum of other bytes', put('other', { 'content-md5': 'AAAAAAAAAAAAAAAAAAAAAA==' }), '400 Md5Mismatch'],
      ['another kind of blob', put('other', { 'x-ms-blob-type': 'PageBlob' }), '409 InvalidBlobType'],
    ];
    for (const [what, answer, expected] of answers) {
      const { status, text } = await answer;
      expect([what, `${status} ${codeOf(text)}`]).toEqual([what, expected]);
      expect(text).not.toContain('sig=');
    }
    const part = await send('GET', `${pathname}/whole`, search, { headers: { range: 'bytes=2-3' } });
    expect([part.status, part.text]).toEqual([206, 'cd']);
  });
});
