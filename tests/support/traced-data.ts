import { mkdirSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { FilesystemBlobStore } from '../../src/storage/filesystem/filesystem-blob-store.ts';
import { emptySpillDirectory, removeSpillDirectory } from '../../src/cluster/supervisor/spill-directory.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { bytesSource } from '../../src/database/ingest/data-source.ts';
import { openDataFixture, openTestEngine } from './cluster-data-fixture.ts';
import { zipOf } from './zip-writer.ts';

// Ingests, spills, evicts and makes tables of extents, for a test that watches which files are opened. Argument: the directory for sealed extents.

process.umask(0o077);
const directory = process.argv[2] ?? '';
mkdirSync(directory, { recursive: true });
const id = newGuid(systemRandomBytes);
const engine = await openTestEngine('200MB', emptySpillDirectory(id));
const blobs = FilesystemBlobStore.open(directory);
const hot = { bytesMax: 24 << 20, readsMin: 1, rowsMin: 1 };
const cluster = await openDataFixture({ blobs, engine, cacheBytesMax: 1 << 20, hot });
await cluster.table('T', { n: 'long', s: 'string' });
const data = await cluster.data();
const columns = data.table('db', 'T').columns;
const sql = `SELECT i, 'canary-in-the-mine-' || hash(i) FROM range(300000) AS t(i)`;
for (let extent = 0; extent < 4; extent += 1) {
  await data.append({ database: 'db', table: 'T', rows: { kind: 'sql', columns, sql, bound: [] }, replace: false });
}
await cluster.ingest('T', 'csv', '1,canary-in-the-mine-log');
await cluster.ingest('T', 'csv', '1,canary-in-the-mine-inline', { kind: 'inline' });
// From elsewhere, packed in two ways, and from what waits in the cluster's own storage.
const lines = Array.from({ length: 20_000 }, (_each, at) => `2,canary-in-the-mine-${at}`).join('\n');
await data.ingestFrom({
  ...{ database: 'db', table: 'T' },
  sources: [
    bytesSource('https://a/one.csv.gz', gzipSync(lines)),
    bytesSource('https://a/two.zip', zipOf({ 'two.csv': lines })),
  ],
});
await data.queued.ensureKeys();
const at = { account: 0, container: 'c', name: 'db__T__three.csv' };
await data.queued.blobs.put(at, (await bytesSource('three.csv', Buffer.from(lines)).open(undefined)).stream, {
  contentType: 'text/csv',
});
const staged = data.queued.blobs.find(at);
const stream = staged && data.queued.blobs.read(staged);
if (stream === undefined) throw new Error('the blob was put');
const open = () => Promise.resolve({ bytes: undefined, stream });
await data.ingestFrom({ database: 'db', table: 'T', sources: [{ name: 'three.csv', open }] });
(await data.sources().open('db', 'T')).release();
await data.hot?.settled();
const source = await data.sources().open('db', 'T');
const connection = await engine.connect();
let rows = 0;
const [n, s] = [source.columns.get('n') ?? '', source.columns.get('s') ?? ''];
for await (const chunk of connection.stream(`SELECT ${s} FROM ${source.sql} ORDER BY ${s} || 'x', ${n} DESC`, [])) {
  rows += chunk[0]?.length ?? 0;
}
connection.close();
source.release();
await data.maintain();
console.log(
  JSON.stringify({ rows, isHot: source.sql.includes('kustody_hot'), extents: data.extents('db', 'T').length }),
);
await cluster.close();
engine.close();
removeSpillDirectory(id);
