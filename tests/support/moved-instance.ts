import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Guid } from '../../src/base/guid.ts';
import { parseGuid } from '../../src/base/guid.ts';
import type { Json } from '../../src/base/json.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { rootKeyFileName } from '../../src/server/data-directory-names.ts';
import { StateMovedError } from '../../src/server/move-marks.ts';
import { openStore } from '../../src/server/state-place.ts';
import { stateTables } from '../../src/server/state-tables.ts';
import type { RootKey } from '../../src/state/root-key.ts';
import { openRootKeyFile } from '../../src/state/root-key.ts';
import { isSealed } from '../../src/state/sealed/check-record.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import type { Table } from '../../src/state/state.ts';
import { writeRecord } from '../../src/state/state.ts';
import type { BlobName } from '../../src/storage/blob-store.ts';
import { FilesystemBlobStore } from '../../src/storage/filesystem/filesystem-blob-store.ts';

const guid = (digit: number): Guid => {
  const made = parseGuid(`00000000-0000-4000-8000-00000000000${digit}`);
  if (made === undefined) throw new Error('It is a GUID.');
  return made;
};

export const movedClusters: readonly Guid[] = [guid(1), guid(2)];

const table = (name: string): Table<Json> => ({ name, parse: (value) => value });

/** Records as a server has them, as far as whoever moves them looks into them: and blobs of two clusters.
 * @param rootKey kept elsewhere; without it a file is made */
export async function makeInstance(directory: string, rootKey?: RootKey): Promise<void> {
  mkdirSync(directory, { mode: 0o700, recursive: true });
  const catalog = table('cluster-catalog');
  await changeState(directory, rootKey, [
    writeRecord<Json>(table('instance'), 'instance', null, {
      ...{ format: 1, tenantId: guid(9) },
      application: { appId: guid(7), objectId: guid(8), secret: 'none' },
    }),
    ...movedClusters.map((id) => writeRecord<Json>(table('cluster-keys'), id, null, { format: 1 })),
    ...movedClusters.flatMap((id) =>
      ['a', 'b', 'ü', '漢'].map((name) => writeRecord<Json>(catalog, `${id}/${name}`, null, { row: name })),
    ),
  ]);
  for (const cluster of movedClusters) for (const name of ['x', 'y/z']) await putBlob(directory, cluster, name, 3_000);
}

/** Something else than it was: a record and a blob more, and some of each less. */
export async function changeInstance(directory: string): Promise<void> {
  const [cluster = guid(1)] = movedClusters;
  const catalog = table('cluster-catalog');
  const store = SqliteStateStore.open(directory);
  const found = await store.get(catalog.name, `${cluster}/a`);
  await store.close();
  await changeState(directory, undefined, [
    writeRecord<Json>(catalog, `${cluster}/a`, found?.version ?? null, null),
    writeRecord<Json>(catalog, `${cluster}/new`, null, { row: 'new' }),
  ]);
  const blobs = FilesystemBlobStore.open(join(directory, 'extents', cluster));
  await blobs.delete('x' as BlobName);
  await putBlob(directory, cluster, 'new', 100);
}

async function changeState(
  directory: string,
  rootKey: RootKey | undefined,
  write: readonly ReturnType<typeof writeRecord>[],
): Promise<void> {
  const key = rootKey ?? openRootKeyFile(join(directory, rootKeyFileName), systemRandomBytes);
  const parts = { store: SqliteStateStore.open(directory), rootKey: key, randomBytes: systemRandomBytes };
  const sealed = await SealedState.open({ ...parts, tables: stateTables });
  await sealed.commit({ write });
  await sealed.close();
}

async function putBlob(directory: string, cluster: Guid, name: string, bytes: number): Promise<void> {
  const blobs = FilesystemBlobStore.open(join(directory, 'extents', cluster));
  await blobs.write(name as BlobName, pieces(bytes));
}

async function* pieces(bytes: number): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(systemRandomBytes(bytes));
}

/** Whether a start would serve it: a state is there, and says nothing of a move. */
export async function isServed(directory: string): Promise<boolean> {
  try {
    const opened = await openStore({ dataDirectory: directory });
    const sealed = await isSealed(opened.store);
    await opened.close();
    return sealed;
  } catch (error) {
    if (error instanceof StateMovedError) return false;
    throw error;
  }
}

/** What was put there, sealed as it lies there, by table and id. The audit and the digests go on where an instance is served. */
export async function recordsIn(directory: string): Promise<Readonly<Record<string, string>>> {
  const store = SqliteStateStore.open(directory);
  const found = await Promise.all(['instance', 'cluster-keys', 'cluster-catalog'].map((name) => store.list(name)));
  await store.close();
  const entries = found
    .flat()
    .map(({ table: name, id, version, value }) => [
      `${name}/${id}`,
      `${version} ${Buffer.from(value).toString('hex')}`,
    ]);
  if (entries.length === 0) throw new Error(`There is nothing in ${directory}.`);
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Sealed blobs of all clusters, by their path: hex. */
export function blobsIn(directory: string): Readonly<Record<string, string>> {
  const root = join(directory, 'extents');
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.blob'));
  return Object.fromEntries(names.toSorted().map((name) => [name, readFileSync(join(root, name), 'hex')]));
}
