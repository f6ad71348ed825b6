import { mkdirSync } from 'node:fs';
import { FilesystemBlobStore } from '../../src/storage/filesystem/filesystem-blob-store.ts';
import { parseGuid } from '../../src/base/guid.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import { openDataFixture } from './cluster-data-fixture.ts';

// Ingests until it is killed, saying each number that was acknowledged. Argument: a directory that outlives it.

const directory = process.argv[2] ?? '';
mkdirSync(`${directory}/state`, { recursive: true });
const [clusterId, databaseId] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'].map(
  (id) => parseGuid(id),
);
if (clusterId === undefined || databaseId === undefined) throw new Error('these are guids');
const cluster = await openDataFixture({
  stateStore: SqliteStateStore.open(`${directory}/state`),
  blobs: FilesystemBlobStore.open(`${directory}/extents`),
  known: { clusterId, databaseId, key: Buffer.alloc(32, 5) },
});
await cluster.table('T', { n: 'long' });
const rows = (await cluster.rows('T')).map(([n]) => Number(n)).sort((left, right) => left - right);
console.log(JSON.stringify(rows));
const data = await cluster.data();
for (let n = (rows.at(-1) ?? 0) + 1; ; n += 4) {
  await Promise.all(
    [n, n + 1, n + 2, n + 3].map(async (one) => {
      await cluster.ingest('T', 'csv', String(one), { kind: one % 7 === 0 ? 'inline' : 'streaming' });
      console.log(one);
    }),
  );
  if (n % 12 === 1) void data.flush('db', 'T').catch(() => undefined);
  if (n % 48 === 1) void data.maintain().catch(() => undefined);
}
