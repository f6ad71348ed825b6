import { join } from 'node:path';
import { systemRandomBytes } from '../../src/base/random.ts';
import { prepareDataDirectory } from '../../src/cli/data-directory.ts';
import { openRootKeyFile } from '../../src/state/root-key.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import { StateAnchor } from '../../src/state/tree/anchor.ts';
import { parseBlobName } from '../../src/storage/blob-store.ts';
import { FilesystemBlobStore } from '../../src/storage/filesystem/filesystem-blob-store.ts';

// Makes one of everything that is to outlive a loss of power, and ends without closing anything. Argument: a directory.

void main(process.argv[2] ?? '');

async function main(directory: string): Promise<void> {
  const data = prepareDataDirectory(join(directory, 'new', 'data'));
  openRootKeyFile(join(data, 'root.key'), systemRandomBytes).close();
  const state = SqliteStateStore.open(data);
  await state.commit({
    write: [{ table: 't', id: 'i', expect: null, put: { version: 1, value: Buffer.from('kept') } }],
  });
  const name = parseBlobName('folder/blob');
  if (name === undefined) throw new Error('no name of a blob');
  await FilesystemBlobStore.open(join(data, 'extents', 'cluster')).write(name, pieces());
  await StateAnchor.open(join(directory, 'anchor')).advance({ counter: 1, digest: 'd' });
  process.kill(process.pid, 'SIGKILL');
}

async function* pieces(): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(Buffer.from('kept'));
}
