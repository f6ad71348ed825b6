import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { MemoryFile } from '../../encryption/extent-files/memory-file.ts';
import type { EngineConnection, EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import type { DataSource } from '../ingest/data-source.ts';
import { bytesSource } from '../ingest/data-source.ts';
import type { OpenedClusterData } from '../open-cluster-data.ts';
import type { IngestPorts } from './ingest-queue.ts';

// What is read of a queued blob when nobody wants its rows any more: the command that queued it is canceled, its message is taken away, or the
// cluster stops to serve.

let fixture: DataFixture;
let data: OpenedClusterData;
let engine: EngineDatabase;
let table: string;
let tables = 0;
let source: DataSource;
let stop: AbortController;
/** Told when a statement that writes an extent has begun. */
let onWrite: () => void = () => undefined;
/** Told when rows were read. */
let onRows: () => void = () => undefined;

const watched = (connection: EngineConnection): EngineConnection => ({
  ...bound(connection),
  budget: connection.budget,
  run: (sql, values) => {
    const running = connection.run(sql, values);
    if (sql.startsWith('COPY (')) onWrite();
    return running;
  },
});
const bound = (connection: EngineConnection) => ({
  stream: connection.stream.bind(connection),
  createTable: connection.createTable.bind(connection),
  giveWay: connection.giveWay.bind(connection),
  append: (...rows: Parameters<EngineConnection['append']>) => connection.append(...rows).finally(() => onRows()),
  interrupt: connection.interrupt.bind(connection),
  close: connection.close.bind(connection),
});

beforeAll(async () => {
  engine = await openTestEngine();
  fixture = await openDataFixture({
    engine: { ...engine, connect: async (limit) => watched(await engine.connect(limit)) },
  });
  data = await fixture.data();
  await data.queued.ensureKeys();
});
afterAll(async () => {
  await fixture.close();
  engine.close();
});
beforeEach(async () => {
  onWrite = onRows = () => undefined;
  stop = new AbortController();
  table = `T${(tables += 1)}`;
  await fixture.table(table, { n: 'long', s: 'string' });
});

const ingest = (): Promise<void> => {
  const ports: IngestPorts = {
    signal: stop.signal,
    uploader: () => Promise.resolve({ fqn: 'aadapp=a', displayName: '', requireDatabase: (name) => name }),
    source: () => ({ blob: undefined, source }),
    failed: (error) => {
      throw error;
    },
  };
  return data.queued.ingestDue(ports);
};
const queue = (name: string, count = 1) =>
  data.queued.operations.begin(
    {
      ...{ database: 'db', table, isTracked: true, isAlone: true },
      blobs: Array.from({ length: count }, () => ({ address: name, name, rawBytes: 1, properties: {} })),
      properties: { format: /\.(\w+?)(?:\.gz|\.zip)?$/.exec(name)?.[1] ?? '' },
    },
    { identity: '', sentOn: 0 },
  );
const ends = (operationId: Parameters<typeof data.queued.operations.find>[0]) =>
  data.queued.operations.find(operationId)?.items.map(({ ended }) => ended?.state ?? 'Pending');

/** Gives some of its bytes, and then nothing more for as long as it is read. @returns when it has come to that */
function hanging(name: string, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    async function* stream(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
      yield bytes;
      await new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('The request was stopped.')));
        resolve();
      });
    }
    source = { name, open: (signal) => Promise.resolve({ bytes: undefined, stream: stream(signal) }) };
  });
}

/** Gives rows without end, whatever the signal says. */
function endless(name: string, rows: string): Promise<void> {
  return new Promise((resolve) => {
    async function* stream(): AsyncGenerator<Uint8Array> {
      for (let pieces = 0; ; pieces += 1) {
        yield await new Promise<Buffer>((next) => setImmediate(() => next(Buffer.from(rows))));
        if (pieces === 10) resolve();
      }
    }
    source = { name, open: () => Promise.resolve({ bytes: undefined, stream: stream() }) };
  });
}

const beginnings: Readonly<Record<string, Buffer>> = {
  'a.csv': Buffer.from('1,one\n'),
  'a.json': Buffer.from('{"n":1}\n'),
  'a.csv.gz': Buffer.from('H4sIAAAAAAAA', 'base64'),
  'a.csv.zip': Buffer.from('PK\u0003\u0004'),
  'a.parquet': Buffer.from('PAR1'),
  'a.orc': Buffer.from('ORC'),
  'a.avro': Buffer.from('Obj\u0001', 'latin1'),
};
const withinMs = 20_000;

describe('the reading of a queued blob that hangs', () => {
  it.each(Object.entries(beginnings))(
    'ends when the command that queued it is canceled: %s',
    async (name, bytes) => {
      const hangs = hanging(name, bytes);
      const operationId = await queue(name);
      const reading = ingest();
      await hangs;
      await data.queued.operations.cancel(operationId);
      await reading;
      expect(ends(operationId)).toEqual(['Canceled']);
      expect(data.queued.dueOn()).toBeUndefined();
      expect(await fixture.rows(table)).toEqual([]);
    },
    withinMs,
  );

  it(
    'ends when a client takes its message away',
    async () => {
      const hangs = hanging('a.csv', Buffer.from('1,one\n'));
      await queue('a.csv');
      const reading = ingest();
      await hangs;
      const at = { account: 0, queue: 'ready' } as const;
      for (const { message, popReceipt } of data.queued.messages.take(at, 1, 1_000))
        await data.queued.messages.delete(at, message.messageId, popReceipt);
      await reading;
      expect(data.queued.dueOn()).toBeUndefined();
    },
    withinMs,
  );

  it(
    'ends when the cluster stops to serve, stays in the queue, and counts as no try',
    async () => {
      for (let times = 0; times < 4; times += 1) {
        const hangs = hanging('a.csv', Buffer.from('1,one\n'));
        const operationId = times === 0 ? await queue('a.csv') : undefined;
        const reading = ingest();
        await hangs;
        stop.abort(new Error('suspended'));
        await expect(reading).rejects.toThrow('suspended');
        if (operationId !== undefined) expect(ends(operationId)).toEqual(['Pending']);
        stop = new AbortController();
      }
      source = bytesSource('a.csv', Buffer.from('1,one\n'));
      await ingest();
      expect(await fixture.rows(table)).toEqual([[1n, 'one']]);
    },
    withinMs,
  );
});

describe('the reading of a queued blob that goes on and on', () => {
  it.each([
    ['a.csv', '1,one\n'.repeat(1_000)],
    ['a.json', '{"n":1}\n'.repeat(1_000)],
  ])(
    'ends when the cluster stops to serve: %s',
    async (name, rows) => {
      const goesOn = endless(name, rows);
      await queue(name);
      const reading = ingest();
      await goesOn;
      stop.abort(new Error('suspended'));
      await expect(reading).rejects.toThrow('suspended');
      source = bytesSource('a.json', Buffer.from(''));
      stop = new AbortController();
      await ingest(); // it is out of the queue
    },
    withinMs,
  );

  it('ends where the engine makes an extent of a whole file', async () => {
    const connection = await engine.connect();
    const file = await MemoryFile.create();
    const rows = `SELECT i AS n, repeat('x', 20) || i AS s FROM range(1500000) AS t(i)`;
    await connection.run(`COPY (${rows}) TO '${file.path}' (FORMAT parquet, use_tmp_file false)`);
    connection.close();
    source = bytesSource('a.parquet', readFileSync(file.path));
    await file.close();
    const operationId = await queue('a.parquet');
    onWrite = () => {
      onWrite = () => undefined;
      stop.abort(new Error('suspended'));
    };
    await expect(ingest()).rejects.toThrow('suspended');
    expect(ends(operationId)).toEqual(['Pending']);
    expect(await fixture.rows(table)).toEqual([]);
    stop = new AbortController();
    await ingest();
    expect(ends(operationId)).toEqual(['Succeeded']);
  });

  it('ends between two turns where rows are many and bytes are few: Avro', async () => {
    const long = (value: number): Buffer =>
      Buffer.from(value < 64 ? [value * 2] : [((value * 2) % 128) | 128, value >> 6]);
    const text = (value: string): Buffer => Buffer.concat([long(value.length), Buffer.from(value)]);
    const schema = '{"type":"record","name":"R","fields":[{"name":"x","type":"null"}]}';
    const header = [Buffer.from('Obj\u0001', 'latin1'), long(1), text('avro.schema'), text(schema), long(0)];
    const many = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1]); // 2 ** 48 records
    const body = Buffer.concat([...header, Buffer.alloc(16), many, long(0), Buffer.alloc(16)]);
    source = bytesSource('a.avro', body);
    await queue('a.avro');
    // Millions more follow, of which the next part is far.
    onRows = () => setImmediate(() => stop.abort(new Error('suspended')));
    let parts = 0;
    onWrite = () => (parts += 1);
    await expect(ingest()).rejects.toThrow('suspended');
    expect(parts).toBe(0);
  });
});

it('a batch goes on with the blobs whose messages nobody takes away', async () => {
  const hangs = hanging('a.csv', Buffer.from('1,one\n'));
  const put = (id: string): Promise<unknown> => {
    const message = { Id: id, BlobPath: 'a.csv', DatabaseName: 'db', TableName: table, RawDataSize: 1 };
    const body = { ...message, FlushImmediately: true, AdditionalProperties: { format: 'csv' } };
    const sent = Buffer.from(JSON.stringify(body)).toString('base64');
    return data.queued.messages.put({ account: 0, queue: 'ready' }, sent, { sentOn: 0 });
  };
  await put(crypto.randomUUID());
  await put(crypto.randomUUID());
  const reading = ingest();
  await hangs;
  const at = { account: 0, queue: 'ready' } as const;
  const [first] = data.queued.messages.take(at, 1, 1_000);
  source = bytesSource('a.csv', Buffer.from('2,two\n'));
  await data.queued.messages.delete(at, first?.message.messageId ?? fixture.clusterId, first?.popReceipt ?? '');
  await reading;
  expect(await fixture.rows(table)).toEqual([[2n, 'two']]);
});
