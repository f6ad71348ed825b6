import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import type { Json } from '../../base/json.ts';
import { zipOf } from '../../../tests/support/zip-writer.ts';
import { bytesSource } from '../ingest/data-source.ts';
import { sourceFailed } from '../catalog/data-error.ts';
import type { OpenedClusterData } from '../open-cluster-data.ts';
import type { IngestPorts } from './ingest-queue.ts';
import { accountNames, blobAddressOf, containerNames, storageHost } from './storage-accounts.ts';

let fixture: DataFixture;
let data: OpenedClusterData;
let table: string;
let tables = 0;
/** What blobs in accounts of others hold. */
const elsewhere = new Map<string, string>();

beforeAll(async () => {
  fixture = await openDataFixture();
  data = await fixture.data();
  await data.queued.ensureKeys();
});
afterAll(() => fixture.close());
beforeEach(async () => {
  table = `T${(tables += 1)}`;
  await fixture.table(table, { n: 'long', s: 'string' });
});

// eslint-disable-next-line @typescript-eslint/require-await -- a stream of one piece
async function* inOnePiece(bytes: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield Buffer.from(bytes);
}

/** Puts a message into the queue as it is. */
const put = (message: unknown): Promise<unknown> =>
  data.queued.messages.put(
    { account: 0, queue: 'ready' },
    Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)).toString('base64'),
    { sentOn: 0 },
  );

/** As a client does: the blob, then the message. @returns the id of the source */
async function send(
  name: string,
  bytes: string | Uint8Array,
  properties: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): Promise<string> {
  const path = `https://${storageHost(accountNames(fixture.clusterId)[0] ?? '', 'blob')}/${containerNames.ingest}/db__${crypto.randomUUID()}__${name}`;
  const at = blobAddressOf(fixture.clusterId, path);
  if (at === undefined) throw new Error('no address');
  await data.queued.blobs.put(at, inOnePiece(bytes), { contentType: 'text/csv' });
  return sendPath(path, properties, more);
}

async function sendPath(path: string, properties: Record<string, unknown>, more: Record<string, unknown>) {
  const id = crypto.randomUUID();
  await put({
    ...{ Id: id, BlobPath: path, DatabaseName: 'db', TableName: table, FlushImmediately: true },
    ...{ RetainBlobOnSuccess: false, ReportLevel: 2, AdditionalProperties: properties, ...more },
  });
  return id;
}

const failures: unknown[] = [];
const ports: IngestPorts = {
  signal: new AbortController().signal,
  uploader: (identity) =>
    Promise.resolve({ fqn: `aadapp=${identity ?? ''}`, displayName: '', requireDatabase: (name) => name }),
  source: (path) => {
    const at = blobAddressOf(fixture.clusterId, path);
    const blob = at && data.queued.blobs.find(at);
    if (blob !== undefined)
      return {
        blob,
        source: { name: path, open: () => Promise.resolve({ bytes: 1, stream: data.queued.blobs.read(blob) }) },
      };
    const other = elsewhere.get(path);
    if (other === undefined) throw sourceFailed('Download_SourceNotFound', 'The blob is not there.');
    return { blob: undefined, source: bytesSource(path, Buffer.from(other)) };
  },
  failed: (error) => failures.push(error),
};

const ingest = (): Promise<void> => data.queued.ingestDue(ports);
const rows = (): Promise<unknown> => fixture.rows(table, 'n');
const one = [1n, 'one'];

/** Error codes of the failures that were reported, by the id of the source, and removed from the queue. */
async function reports(queue: 'failed' | 'successful'): Promise<Record<string, unknown>> {
  const at = { account: 0, queue } as const;
  const found: Record<string, unknown> = {};
  for (const { message, popReceipt } of data.queued.messages.take(at, 32, 1_000)) {
    const body = JSON.parse(Buffer.from(message.text, 'base64').toString()) as Record<string, unknown>;
    found[String(body['IngestionSourceId'])] = body['ErrorCode'] ?? 'Succeeded';
    await data.queued.messages.delete(at, message.messageId, popReceipt);
  }
  return found;
}

it('waits as the policy of the cluster says where database and table have none', async () => {
  const batchBy = (policies: Record<string, Json>) => data.changeClusterSettings((held) => ({ ...held, policies }));
  await send('a.csv', '1,one', {}, { FlushImmediately: false, ReportLevel: 0 });
  await ingest();
  expect(await rows()).toEqual([]);
  await batchBy({ ingestionbatching: { MaximumNumberOfItems: 1 } });
  await ingest();
  expect(await rows()).toEqual([one]);
  await batchBy({});
});

describe('a message for a table that is not there', () => {
  it.each([
    ['says so', {}, 'BadRequest_TableNotExist'],
    [
      'says first that its mapping is not there',
      { ingestionMappingReference: 'none' },
      'BadRequest_MappingReferenceWasNotFound',
    ],
    ['says so where the database has the mapping', { ingestionMappingReference: 'ofAll' }, 'BadRequest_TableNotExist'],
  ])('%s', async (_title, properties, code) => {
    await data.putMapping(
      'db',
      undefined,
      { kind: 'csv', name: 'ofAll', mapping: '[{"column":"n","Properties":{"Ordinal":"0"}}]' },
      'createOrAlter',
    );
    const id = await send('x.csv', '1,one\n', properties, { TableName: 'Nowhere' });
    await ingest();
    expect(await reports('failed')).toEqual({ [id]: code });
  });
});

describe('a batch with a blob without records', () => {
  it('says so of that blob, and takes the others in', async () => {
    const sent = [];
    for (const bytes of ['1,one\n', '', '2,two\n']) sent.push(await send('x.csv', bytes, {}, { ReportLevel: 2 }));
    await ingest();
    expect(await reports('failed')).toEqual({ [String(sent[1])]: 'BadRequest_NoRecordsOrWrongFormat' });
    expect(Object.keys(await reports('successful')).sort()).toEqual([String(sent[0]), String(sent[2])].sort());
    expect(await rows()).toEqual([
      [1n, 'one'],
      [2n, 'two'],
    ]);
  });
});

describe('properties of a queued message', () => {
  const mapping = JSON.stringify([
    { column: 'n', Properties: { Path: '$.a' } },
    { column: 's', Properties: { Path: '$.b' } },
  ]);
  const inline = JSON.stringify([{ column: 's', Properties: { Ordinal: '0' } }]);

  it.each([
    ['nothing', 'x.csv', '1,one\n', {}],
    ['format', 'x', '1\tone\n', { format: 'tsv' }],
    ['a format of any case', 'x', '1|one\n', { format: 'PSV' }],
    ['ingestionMappingType without a format', 'x', '{"n": 1, "s": "one"}', { ingestionMappingType: 'Json' }],
    ['ignoreFirstRecord as text', 'x.csv', 'n,s\n1,one\n', { ignoreFirstRecord: 'True' }],
    ['ignoreFirstRecord as a value', 'x.csv', 'n,s\n1,one\n', { ignoreFirstRecord: true }],
    ['ignoreFirstRecord that is false', 'x.csv', '1,one\n', { ignoreFirstRecord: 'false' }],
    ['ingestionMapping', 'x', '{"a": 1, "b": "one"}', { format: 'json', ingestionMapping: mapping }],
    ['jsonMapping, its older name', 'x', '{"a": 1, "b": "one"}', { format: 'json', jsonMapping: mapping }],
    ['ingestionMappingReference', 'x', '{"a": 1, "b": "one"}', { format: 'json', ingestionMappingReference: 'm' }],
    ['names of any case', 'x', '1;one\n', { FORMAT: 'scsv' }],
    ['a creationTime that nobody set', 'x.csv', '1,one\n', { creationTime: '0001-01-01T00:00:00Z' }],
    ['zipPattern', 'x.zip', zipOf({ 'a.csv': '1,one\n', 'b.txt': 'no' }), { format: 'csv', zipPattern: '*.csv' }],
    ['gzip by its name', 'x.csv.gz', gzipSync('1,one\n'), {}],
    ['treatGzAsUncompressed', 'x.csv.gz', '1,one\n', { treatGzAsUncompressed: 'true' }],
    [
      'a check of fields that counts',
      'x.csv',
      '1,one\n',
      { validationPolicy: '{"ValidationOptions":1,"ValidationImplications":0}' },
    ],
    [
      'a check of fields for a remark',
      'x.csv',
      '1,one\n2\n',
      { validationPolicy: '{"ValidationOptions":1,"ValidationImplications":1}' },
    ],
    [
      'a check of fields of JSON',
      'x.json',
      '{"n": 1, "s": "one"}',
      { validationPolicy: { validationOptions: 1, validationImplications: 0 } },
    ],
    [
      'no check of anything',
      'x.csv',
      '1,one\n2\n',
      { validationPolicy: '{"ValidationOptions":0,"ValidationImplications":0}' },
    ],
  ] as const)('%s', async (_name, file, bytes, properties) => {
    await data.putMapping('db', table, { name: 'm', kind: 'json', mapping }, 'create');
    const id = await send(file, bytes, properties);
    await ingest();
    expect((await rows()) as unknown[]).toContainEqual(one);
    expect(await reports('successful')).toEqual({ [id]: 'Succeeded' });
  });

  it.each([
    [
      'two mappings',
      '1,one\n',
      { ingestionMapping: inline, ingestionMappingReference: 'm' },
      'BadRequest_DuplicateMapping',
    ],
    [
      'a mapping that is not there',
      '1,one\n',
      { ingestionMappingReference: 'none' },
      'BadRequest_MappingReferenceWasNotFound',
    ],
    ['a format that is not there', '1,one\n', { format: 'nothing' }, 'BadRequest_FormatNotSupported'],
    ['tags that are no list', '1,one\n', { tags: '"a"' }, 'BadRequest_MalformedIngestionProperty'],
    ['a list that is none', '1,one\n', { ingestIfNotExists: '["a"' }, 'BadRequest_MalformedIngestionProperty'],
    ['a creationTime that is none', '1,one\n', { creationTime: 'soon' }, 'BadRequest_MalformedIngestionProperty'],
    ['a flag that is none', '1,one\n', { ignoreFirstRecord: 'perhaps' }, 'BadRequest_MalformedIngestionProperty'],
    [
      'a policy that is none',
      '1,one\n',
      { validationPolicy: '{"ValidationOptions":9}' },
      'BadRequest_MalformedIngestionProperty',
    ],
    [
      'a check that is not built',
      '1,one\n',
      { validationPolicy: '{"ValidationOptions":2,"ValidationImplications":0}' },
      'BadRequest_MalformedIngestionProperty',
    ],
    [
      'records of other lengths',
      '1,one\n2\n',
      { validationPolicy: '{"ValidationOptions":1,"ValidationImplications":0}' },
      'Stream_WrongNumberOfFields',
    ],
    ['an open quote', '1,"one\n', {}, 'Stream_ClosingQuoteMissing'],
    ['no records', '\n\n', {}, 'BadRequest_NoRecordsOrWrongFormat'],
  ] as const)('refuse %s', async (_name, text, properties, code) => {
    const id = await send('x.csv', text, { format: 'csv', ...properties });
    await ingest();
    expect(await rows()).toEqual([]);
    expect(await reports('failed')).toEqual({ [id]: code });
  });

  it('give the extent its tags and its time, and of ingestIfNotExists nothing', async () => {
    await send('x.csv', '1,one\n', {
      ...{ tags: '["ingest-by:a","drop-by:b"]', creationTime: '2025-12-24T00:00:00Z' },
      ingestIfNotExists: '["other"]',
    });
    await ingest();
    const [extent] = data.extents('db', table);
    expect(extent?.tags).toEqual(['ingest-by:a', 'drop-by:b']);
    expect(extent?.minCreatedOn).toBe(Date.UTC(2025, 11, 24));
  });

  it.each(['["a"]', 'a'])('keep out what has a tag that is there already, asked by %s', async (ingestIfNotExists) => {
    const once = { tags: '["ingest-by:a"]', ingestIfNotExists };
    const ids = [await send('x.csv', '1,one\n', once), await send('y.csv', '2,two\n', once)];
    await reports('successful');
    await ingest();
    expect(await rows()).toEqual([one]);
    expect([await reports('successful'), await reports('failed')]).toEqual([
      { [ids[0] ?? '']: 'Succeeded' },
      { [ids[1] ?? '']: 'Skipped_IngestByTagAlreadyExists' },
    ]);
  });
});

describe('the queue', () => {
  it('reads blobs that are elsewhere, and does not wait for those whose size nobody told', async () => {
    elsewhere.set('https://other/box/x.csv', '1,one\n');
    const unhurried = { FlushImmediately: false };
    const ids = [
      await sendPath('https://other/box/x.csv', {}, unhurried),
      await sendPath('https://other/box/none.csv', {}, unhurried),
    ];
    await ingest();
    expect(await rows()).toEqual([one]);
    expect(await reports('failed')).toEqual({ [ids[1] ?? '']: 'Download_SourceNotFound' });
    await reports('successful');
  });

  it('waits with those whose size is known, by their order, as the policy says', async () => {
    elsewhere.set('https://other/box/x.csv', '2,two\n');
    await send('y.csv', '1,one\n', {}, { FlushImmediately: false });
    await sendPath('https://other/box/x.csv', {}, { FlushImmediately: false, RawDataSize: 6 });
    await ingest();
    expect(await rows()).toEqual([]);
    fixture.advance(300_000);
    await ingest();
    expect(await rows()).toEqual([one, [2n, 'two']]);
    expect(data.extents('db', table)).toHaveLength(1);
    await reports('successful');
  });

  it('is not held up by messages that nobody can read', async () => {
    const before = data.ingestionFailures().length;
    await put('no JSON');
    await put({ Id: 'x' });
    await send('y.csv', '1,one\n');
    await ingest();
    expect(await rows()).toEqual([one]);
    expect(data.queued.messages.of('ready')).toEqual([]);
    const told = data.ingestionFailures().slice(0, -before);
    expect(told.map(({ errorCode }) => errorCode)).toEqual([
      'BadRequest_CorruptedMessage',
      'BadRequest_CorruptedMessage',
    ]);
    await reports('successful');
  });

  it('gives up after three tries of what fails for no fault of its sender', async () => {
    const id = await send('y.csv', '1,one\n');
    const broken: IngestPorts = { ...ports, uploader: () => Promise.reject(new Error('not there')) };
    for (let tries = 0; tries < 3; tries += 1) await data.queued.ingestDue(broken);
    expect(failures).toHaveLength(3);
    expect(await reports('failed')).toEqual({});
    await data.queued.ingestDue(broken);
    expect(await reports('failed')).toEqual({ [id]: 'General_RetryAttemptsExceeded' });
    expect(await rows()).toEqual([]);
  });
});
