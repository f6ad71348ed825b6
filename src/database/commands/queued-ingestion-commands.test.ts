import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { MemoryStorage } from '../../../tests/support/memory-storage.ts';
import { memoryStorage } from '../../../tests/support/memory-storage.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { IngestPorts } from '../queued/ingest-queue.ts';
import { queuedBlobsMax, QueuedOperations } from '../queued/queued-operations.ts';
import type { CommandContext, IngestionEndpoint } from './command-context.ts';

const box = 'https://mybox.blob.core.windows.net/data';
const asked: string[] = [];
let cluster: CommandFixture;
let storage: MemoryStorage;
let endpoint: IngestionEndpoint;
let table: string;
let tables = 0;

beforeAll(async () => {
  cluster = await openCommandFixture();
  const { queued } = cluster.context.data;
  await queued.ensureKeys();
  endpoint = {
    ...{ resources: () => Promise.resolve([]), exportContainers: () => Promise.resolve([]) },
    identityToken: () => Promise.resolve('me'),
    enqueue: (blobs) => queued.operations.begin(blobs, { identity: 'me', sentOn: 0 }),
  };
});
afterAll(() => cluster.close());
beforeEach(async () => {
  storage = memoryStorage();
  asked.length = 0;
  table = `T${(tables += 1)}`;
  await cluster.data.table(table, { n: 'long', s: 'string' });
});

const run = (text: string, change: Partial<CommandContext> = {}) =>
  cluster.run(text, { ingestion: endpoint, sourceOf: storage.sourceOf, ...change });
const put = (path: string, text: string): void => void storage.blobs.set(`${box}/${path}`, Buffer.from(text));
const ports: IngestPorts = {
  signal: new AbortController().signal,
  uploader: (identity) =>
    Promise.resolve({ fqn: `aadapp=${identity ?? ''}`, displayName: '', requireDatabase: (name) => name }),
  source: (address, _sentOn, database) => {
    asked.push(address);
    return { blob: undefined, source: storage.sourceOf(decodeURI(address), { usage: 'NativeIngestion', database }) };
  },
  failed: (error) => {
    throw error;
  },
};
const ingest = (): Promise<void> => cluster.context.data.queued.ingestDue(ports);
const rows = (): Promise<unknown> => cluster.data.rows(table, 'n');
const begin = async (settings: string, sources: string): Promise<string> => {
  const [row] = await run(`.ingest-from-storage-queued into table database('db').${table} ${settings} <| ${sources}`);
  const id = String(row?.['IngestionOperationId']);
  expect(row).toEqual({
    ...{ IngestionOperationId: id, ClientRequestId: 'test' },
    OperationInfo: `.show queued ingestion operations "${id}"`,
  });
  return id;
};
const shown = async (id: string): Promise<unknown> => (await run(`.show queued ingestion operations "${id}"`))[0];
const counts = (State: string, Discovered: bigint, more: Record<string, unknown> = {}) =>
  expect.objectContaining({ State, Discovered, Database: 'db', Table: table, ...more }) as unknown;

describe('.list blobs', () => {
  beforeEach(() => {
    put('logs/year=2025/month=03/day=20/a.csv', '1,one\n');
    put('logs/year=2025/month=13/b.csv', '22,two\n');
    put('logs2/c.parquet', '');
    put('other.csv', '3');
  });

  it.each([
    [
      `'${box}'`,
      ['logs/year=2025/month=03/day=20/a.csv', 'logs/year=2025/month=13/b.csv', 'logs2/c.parquet', 'other.csv'],
    ],
    [
      `h'${box}/logs?sig=x;managed_identity=system'`,
      ['logs/year=2025/month=03/day=20/a.csv', 'logs/year=2025/month=13/b.csv', 'logs2/c.parquet'],
    ],
    [`"${box}/logs/"`, ['logs/year=2025/month=03/day=20/a.csv', 'logs/year=2025/month=13/b.csv']],
  ])('lists what is in a container, or begins as %s', async (locator, expected) => {
    const found = await run(`.list blobs (${locator})`);
    expect(found.map(({ BlobUri }) => BlobUri)).toEqual(expected.map((path) => `${box}/${path}`));
  });

  it('keeps to endings and to so many, and captures when data was made', async () => {
    const format = `PathFormat=("logs/year=" datetime_pattern("yyyy'/month='MM'/day='dd", creationTime) "/")`;
    expect(
      await run(`.list blobs ('${box}') Suffix='.csv' MaxFiles=2 ${format} | project-rename Size = SizeInBytes`),
    ).toEqual([
      {
        ...{ BlobUri: `${box}/logs/year=2025/month=03/day=20/a.csv`, Size: 6n },
        CapturedVariables: '{"creationTime":"03/20/2025 00:00:00"}',
      },
      { BlobUri: `${box}/logs/year=2025/month=13/b.csv`, Size: 7n, CapturedVariables: '{}' },
    ]);
  });

  it.each([
    [`('${box}', '${box}')`, 'takes one storage connection string'],
    [`('${box}') MaxFiles=0`, 'MaxFiles'],
    [`('${box}') MaxFiles=1.5`, 'MaxFiles'],
    [`('${box}') Prefix='a'`, "'prefix' is not supported"],
    [`('${box}') PathFormat=("a" datetime_pattern("yyyy", other))`, 'creationTime alone'],
    [`('${box}') PathFormat=("a")`, 'PathFormat'],
    [`('${box}') PathFormat=(creationTime)`, 'PathFormat'],
  ])('refuses %s', async (text, message) => {
    await expect(run(`.list blobs ${text}`)).rejects.toThrow(message);
  });

  it('is for those who may ingest somewhere', async () => {
    const reader: Partial<CommandContext> = { clusterRoles: ['AllDatabasesViewer'] };
    await expect(run(`.list blobs ('${box}')`, reader)).rejects.toThrow('not authorized to ingest');
  });
});

describe('.ingest-from-storage-queued', () => {
  it('puts the blobs of a list into the queue, which become one extent, each with what it is read with', async () => {
    put('logs/a b.csv', 'n,s\n1,one\n');
    put('logs/c.csv', 'n,s\n2,two\n');
    const id = await begin(
      `EnableTracking=true with (format='csv', ignoreFirstRecord=true, tags='["drop-by:x"]')`,
      `\n .list blobs (\n h'${box}/logs/?sv=1&sig=s' \n) Suffix='.csv'`,
    );
    expect(await shown(id)).toEqual(counts('InProgress', 2n, { Pending: 2n, Ingested: 0n }));
    await ingest();
    expect(await rows()).toEqual([]);
    cluster.data.advance(300_000);
    await ingest();
    expect(await rows()).toEqual([
      [1n, 'one'],
      [2n, 'two'],
    ]);
    expect(cluster.context.data.extents('db', table)).toMatchObject([{ rowCount: 2, tags: ['drop-by:x'] }]);
    expect(await shown(id)).toEqual(counts('Completed', 2n, { Pending: 0n, Ingested: 2n }));
    expect(asked.filter((address, at) => asked.indexOf(address) === at).sort()).toEqual([
      `${box}/logs/a%20b.csv?sv=1&sig=s`,
      `${box}/logs/c.csv?sv=1&sig=s`,
    ]);
  });

  it('tells of each blob what came of it, and of all together', async () => {
    put('a.csv', '1,one\n');
    put('b.csv', '2,"two\n');
    const id = await begin('with (format="csv", enableTracking=true)', `'${box}/a.csv?sig=x', h'${box}/b.csv'`);
    await ingest();
    expect(await rows()).toEqual([[1n, 'one']]);
    const why = expect.stringMatching(/quote/i) as unknown;
    expect(await shown(id)).toEqual(
      counts('Failed', 2n, { Pending: 0n, Canceled: 0n, Ingested: 1n, Failed: 1n, SampleFailedReasons: why }),
    );
    const details = await run(`.show queued ingestion operations '${id}' details`);
    expect(details).toMatchObject([
      { IngestionOperationId: id, BlobURL: `${box}/a.csv`, IngestionStatus: 'Succeeded', FailedReasons: '' },
      { BlobURL: `${box}/b.csv`, IngestionStatus: 'Failed', FailedReasons: why },
    ]);
    const other = await begin('EnableTracking=true', `'${box}/a.csv'`);
    await ingest();
    expect(await run(`.show queued ingestion operations ("${id}", "${other}")`)).toEqual([
      counts('Failed', 2n),
      counts('Completed', 1n, { Ingested: 1n }),
    ]);
  });

  it('gives extents the times of their paths, and each blob its own where they are not batched', async () => {
    for (const day of ['01', '02']) put(`in/2025-03-${day}/a.csv`, `${day},x\n`);
    const list = `.list blobs ('${box}/in/') PathFormat=(datetime_pattern("yyyy-MM-dd", creationTime))`;
    await begin('SkipBatching=true CompressionFactor=2.5', list);
    await ingest();
    const made = cluster.context.data.extents('db', table).map(({ minCreatedOn }) => minCreatedOn);
    expect(made.sort()).toEqual([Date.UTC(2025, 2, 1), Date.UTC(2025, 2, 2)]);
  });

  it('follows nothing unless it is asked to', async () => {
    put('a.csv', '1,one\n');
    const id = await begin('', `'${box}/a.csv'`);
    expect(await shown(id)).toBeUndefined();
    await ingest();
    expect(await rows()).toEqual([[1n, 'one']]);
  });

  it('has nothing to do where nothing is listed', async () => {
    const id = await begin('EnableTracking=true', `.list blobs ('${box}/nothing')`);
    expect(await shown(id)).toEqual(counts('Completed', 0n, { Pending: 0n }));
  });

  it('is cancelled for what still waits', async () => {
    put('logs/a.csv', '1,one\n');
    put('logs/b.csv', '2,two\n');
    const id = await begin('EnableTracking=true', `.list blobs ('${box}/logs')`);
    expect(await run(`.cancel queued ingestion operation '${id}'`)).toEqual([
      counts('Canceled', 2n, { Canceled: 2n, Pending: 0n }),
    ]);
    cluster.data.advance(300_000);
    await ingest();
    expect(await rows()).toEqual([]);
    expect(asked).toEqual([]);
    expect(await shown(id)).toEqual(counts('Canceled', 2n, { Ingested: 0n }));
  });

  it('leaves what has become rows when it is cancelled', async () => {
    put('a.csv', '1,one\n');
    const id = await begin('EnableTracking=true', `'${box}/a.csv'`);
    await ingest();
    expect(await run(`.cancel queued ingestion operation '${id}'`)).toEqual([
      counts('Completed', 1n, { Ingested: 1n }),
    ]);
  });

  it('makes no rows of a batch that is cancelled while it is read', async () => {
    put('a.csv', '1,one\n');
    const id = await begin('EnableTracking=true', `'${box}/a.csv'`);
    const { queued } = cluster.context.data;
    await queued.ingestDue({
      ...ports,
      source: (address) => {
        const source = storage.sourceOf(address, { usage: 'NativeIngestion', database: 'db' });
        const cancelled = async (signal?: AbortSignal) => {
          await run(`.cancel queued ingestion operation '${id}'`);
          return source.open(signal);
        };
        return { blob: undefined, source: { name: source.name, open: cancelled } };
      },
    });
    expect(await rows()).toEqual([]);
    expect(await shown(id)).toEqual(counts('Canceled', 1n, { Canceled: 1n }));
  });

  it('goes after a week, with what is known of its blobs', async () => {
    put('a.csv', '1,one\n');
    const id = await begin('EnableTracking=true', `'${box}/a.csv'`);
    await ingest();
    cluster.data.advance(7 * 86_400_000);
    await cluster.context.data.queued.expire();
    expect(await shown(id)).toBeUndefined();
    await expect(run(`.cancel queued ingestion operation '${id}'`)).rejects.toMatchObject({
      code: 'OperationNotFound',
    });
  });

  it('is shown to those alone who may ingest into its table, and by its own id', async () => {
    put('a.csv', '1,one\n');
    const id = await begin('EnableTracking=true', `'${box}/a.csv'`);
    const [first = '', , last = ''] = id.split(';');
    expect(await shown(`${first};00000000;${last}`)).toBeUndefined();
    const reader: Partial<CommandContext> = { clusterRoles: ['AllDatabasesViewer'] };
    expect(await run(`.show queued ingestion operations '${id}'`, reader)).toEqual([]);
    expect(await run(`.show queued ingestion operations '${id}' details`, reader)).toEqual([]);
    await expect(run(`.cancel queued ingestion operation '${id}'`, reader)).rejects.toMatchObject({
      code: 'OperationNotFound',
    });
    await ingest();
  });

  it.each([
    ['', '', 'string literals'],
    ['', '.show tables', "'.list blobs"],
    ['', 'a.csv', 'string literals'],
    ['EnableTracking=perhaps', `'${box}/a.csv'`, 'true or false'],
    ['CompressionFactor=0', `'${box}/a.csv'`, 'CompressionFactor'],
    ['with (ignoreFirstRecord=perhaps)', `'${box}/a.csv'`, 'neither true nor false'],
    ['with (extend_schema=true)', `'${box}/a.csv'`, "'extend_schema' is not supported"],
  ])('refuses %s with %s', async (settings, sources, message) => {
    const text = `.ingest-from-storage-queued into table ${table} ${settings} <| ${sources}`;
    await expect(run(text)).rejects.toThrow(message);
    expect(cluster.context.data.queued.dueOn()).toBeUndefined();
  });

  it('needs the right on its table, and the table', async () => {
    const text = `.ingest-from-storage-queued into table ${table} <| '${box}/a.csv'`;
    const reader: Partial<CommandContext> = { clusterRoles: ['AllDatabasesViewer'] };
    await expect(run(text, reader)).rejects.toThrow('not authorized');
    await expect(run(text.replace(table, 'Nowhere'))).rejects.toMatchObject({ code: 'TableNotFound' });
  });

  it('takes no more blobs than one commit can have, and none where the queue has no room', async () => {
    for (let n = 0; n <= queuedBlobsMax; n += 1) put(`many/${n}.csv`, '');
    await expect(begin('', `.list blobs ('${box}/many/')`)).rejects.toThrow(`${queuedBlobsMax} blobs at most`);
    const full = { now: () => 0, randomBytes: systemRandomBytes, messages: { hasRoom: () => false } };
    const operations = new QueuedOperations(full as unknown as ConstructorParameters<typeof QueuedOperations>[0]);
    const blobs = { ...{ database: 'db', table, blobs: [], properties: {} }, isTracked: false, isAlone: false };
    await expect(operations.begin(blobs, { identity: '', sentOn: 0 })).rejects.toMatchObject({
      code: 'PayloadTooLarge',
    });
  });
});

it('.dup-next-ingest is refused by its name', async () => {
  const text = `.dup-next-ingest into ${table} to h@'https://other.blob.core.windows.net/box;key'`;
  await expect(run(text)).rejects.toMatchObject({ code: 'notSupported', message: /dup-next-ingest/ as unknown });
});
