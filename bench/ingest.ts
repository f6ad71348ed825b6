import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesSource } from '../src/database/ingest/data-source.ts';
import type { IngestPorts } from '../src/database/queued/ingest-queue.ts';
import { accountNames, blobAddressOf, containerNames, storageHost } from '../src/database/queued/storage-accounts.ts';
import type { LocalCluster } from './local-cluster.ts';
import { openLocalCluster } from './local-cluster.ts';
import type { BenchRow } from './row.ts';
import { sideBySide } from './row.ts';
import { firstTick, openPlainDatabase, sampleColumns, sampleSelect } from './sample-rows.ts';

const rowCount = 100_000;
/** As many as fit into one streaming request. */
const streamedRows = 25_000;
const table = 'Rows';

/** The same rows on both sides, and where DuckDB writes its plain file. */
interface Samples {
  readonly directory: string;
  readonly csv: string;
  readonly parquet: string;
  readonly out: string;
  readonly copy: (from: string) => Promise<void>;
  readonly close: () => void;
}

/** Times as DuckDB has them: it knows no ticks. */
const asDuckDb = `SELECT * REPLACE (make_timestamp((c0 - ${firstTick}) // 10 + 1767225600000000) AS c0)`;

async function writeSamples(rows: number): Promise<Samples> {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-bench-'));
  const plain = await openPlainDatabase();
  const [csv, parquet, out] = ['rows.csv', 'rows.parquet', 'out.parquet'].map((name) => join(directory, name));
  if (csv === undefined || parquet === undefined || out === undefined) throw new Error('There are three names.');
  const select = `${asDuckDb} FROM (${sampleSelect(0, rows)})`;
  await plain.connection.run(`COPY (${select}) TO '${csv}' (FORMAT csv, HEADER false)`);
  const named = sampleColumns.map(({ name }, index) => `c${index} AS "${name}"`).join(', ');
  await plain.connection.run(`COPY (SELECT ${named} FROM (${select})) TO '${parquet}' (FORMAT parquet)`);
  return {
    ...{ directory, csv, parquet, out },
    copy: async (from) => {
      await plain.connection.run(`COPY (${from}) TO '${out}' (FORMAT parquet, COMPRESSION zstd)`);
    },
    close: () => {
      plain.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** Rows a second of ours over those of DuckDB, which copies the same rows into a plain Parquet file. */
const compared = (
  rows: number,
  reference: (samples: Samples) => string,
  ours: (cluster: LocalCluster, samples: Samples) => Promise<() => Promise<void>>,
): BenchRow['run'] => {
  return async () => {
    const [cluster, samples] = [await openLocalCluster(), await writeSamples(rows)];
    try {
      const data = await cluster.data();
      await data.createTables('db', [{ name: table, columns: [...sampleColumns] }]);
      await data.setPolicy('db', table, 'streamingingestion', { IsEnabled: true, HintAllocatedRate: null });
      const run = await ours(cluster, samples);
      const took = await sideBySide(run, () => samples.copy(reference(samples)), 3);
      const told = (ms: number): string => `${Math.round(rows / ms)} k rows/s`;
      return {
        ratio: took.reference / took.ours,
        detail: `${told(took.ours)}, COPY ${told(took.reference)}, ${rows / 1000} k rows`,
      };
    } finally {
      await cluster.close();
      samples.close();
    }
  };
};

const fromCsv = ({ csv }: Samples): string => `FROM read_csv('${csv}', header = false)`;
const fromParquet = ({ parquet }: Samples): string => `FROM read_parquet('${parquet}')`;

/** Reads a file as `.ingest into` does. */
const fromFile =
  (format: 'csv' | 'parquet', changed = (bytes: Buffer): Buffer => bytes) =>
  async (cluster: LocalCluster, samples: Samples): Promise<() => Promise<void>> => {
    const data = await cluster.data();
    const source = bytesSource(`rows.${format}`, changed(readFileSync(samples[format])));
    return async () => {
      const { rowCount: read } = await data.ingestFrom({ database: 'db', table, sources: [source], format });
      if (read !== rowCount) throw new Error(`${read} rows came in.`);
    };
  };

/** The text with one number in the middle that has a plus sign, as few texts have. */
function withOneOddValue(bytes: Buffer): Buffer {
  const line = bytes.indexOf('\n', bytes.length / 2) + 1;
  const number = bytes.subarray(line).toString('latin1', 0, 1_000).search(/,\d+,/) + line + 1;
  return Buffer.concat([bytes.subarray(0, number), Buffer.from('+'), bytes.subarray(number)]);
}

/** A blob and a message, as a client puts them there, and what becomes of them. */
async function queued(cluster: LocalCluster, { csv }: Samples): Promise<() => Promise<void>> {
  const data = await cluster.data();
  const storage = data.queued;
  await storage.ensureKeys();
  const bytes = readFileSync(csv);
  const path = `https://${storageHost(accountNames(cluster.clusterId)[0] ?? '', 'blob')}/${containerNames.ingest}/rows.csv`;
  const at = blobAddressOf(cluster.clusterId, path);
  if (at === undefined) throw new Error('It is an address of the cluster.');
  const ports: IngestPorts = {
    signal: new AbortController().signal,
    uploader: () => Promise.resolve({ fqn: 'aadapp=a', displayName: '', requireDatabase: (name) => name }),
    source: () => {
      const blob = storage.blobs.find(at);
      if (blob === undefined) throw new Error('The blob is gone.');
      const open = () => Promise.resolve({ bytes: bytes.byteLength, stream: storage.blobs.read(blob) });
      return { blob, source: { name: path, open } };
    },
    failed: (error) => {
      throw error;
    },
  };
  return async () => {
    const { stream } = await bytesSource('', Buffer.from(bytes)).open(undefined);
    await storage.blobs.put(at, stream, { contentType: 'text/csv' });
    const message = {
      ...{ Id: crypto.randomUUID(), BlobPath: path, DatabaseName: 'db', TableName: table, FlushImmediately: true },
      RetainBlobOnSuccess: false,
    };
    const text = Buffer.from(JSON.stringify(message)).toString('base64');
    await storage.messages.put({ account: 0, queue: 'ready' }, text, { sentOn: 0 });
    await storage.ingestDue(ports);
    if (storage.blobs.find(at) !== undefined) throw new Error('The blob became no rows.');
  };
}

async function streamed(cluster: LocalCluster, { csv }: Samples): Promise<() => Promise<void>> {
  const data = await cluster.data();
  const body = readFileSync(csv);
  return async () => {
    await data.ingest({ database: 'db', table, format: 'csv', body: Buffer.from(body), kind: 'streaming' });
  };
}

async function appended(cluster: LocalCluster): Promise<() => Promise<void>> {
  const data = await cluster.data();
  const rows = { kind: 'sql', columns: sampleColumns, sql: sampleSelect(0, rowCount), bound: [] } as const;
  return async () => {
    await data.append({ database: 'db', table, rows, replace: false });
  };
}

const row = (id: string, what: string, floor: number, run: BenchRow['run']): BenchRow => ({
  ...{ id: `ingest-${id}`, ratio: `${what} over COPY into plain Parquet, rows/s`, rule: 'atLeast' },
  ...{ floor, aim: Math.min(1, Math.round(floor * 150) / 100), run },
});

export const ingestRows: readonly BenchRow[] = [
  row('streaming', 'streaming ingestion of CSV', 0.2, compared(streamedRows, fromCsv, streamed)),
  row('queued', 'queued ingestion of CSV, upload included,', 0.5, compared(rowCount, fromCsv, queued)),
  row(
    'append',
    '.set-or-append',
    0.85,
    compared(rowCount, () => sampleSelect(0, rowCount), appended),
  ),
  row('parquet', 'ingestion of a Parquet file', 0.85, compared(rowCount, fromParquet, fromFile('parquet'))),
  row('csv', 'ingestion of a CSV file', 0.6, compared(rowCount, fromCsv, fromFile('csv'))),
  row(
    'csv-odd',
    'ingestion of a CSV file with one value of a rare form',
    0.35,
    compared(rowCount, fromCsv, fromFile('csv', withOneOddValue)),
  ),
];
