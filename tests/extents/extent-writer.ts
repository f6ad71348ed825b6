// Writes rows as a sealed extent, drops it from memory, opens it again and reads it. Made to be traced.
import { DuckDBInstance } from '@duckdb/node-api';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { ExtentFiles } from '../../src/encryption/extent-files/extent-files.ts';
import { FilesystemBlobStore } from '../../src/storage/filesystem/filesystem-blob-store.ts';

const [directory = '', canary = ''] = process.argv.slice(2);
void main();

async function main(): Promise<void> {
  const files = new ExtentFiles({
    store: FilesystemBlobStore.open(directory),
    withDekWrappingKey: (use) => use(Buffer.alloc(32, 1)),
    randomBytes: systemRandomBytes,
    cacheBytesMax: 0,
    openBytesMax: 2 ** 28,
  });
  const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
  const connection = await instance.connect();
  await connection.run(`SET allowed_directories = ['/proc/self/fd/']`);
  await connection.run(`SET temp_directory = '/dev/shm'`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET enable_external_file_cache = false');
  const file = await files.create();
  const rows = `SELECT '${canary}' || range AS text FROM range(100000)`;
  await connection.run(
    `COPY (${rows}) TO '${file.path}' (FORMAT parquet, COMPRESSION uncompressed, USE_TMP_FILE false)`,
  );
  const extent = await file.seal('extents', newGuid(systemRandomBytes));
  const opened = await files.open(extent);
  const result = await connection.runAndReadAll(
    `SELECT count(*)::INT FROM read_parquet('${opened.path}') WHERE text LIKE '${canary}%'`,
  );
  process.stdout.write(String(result.getRows()[0]?.[0]));
  opened.release();
  await files.dispose();
}
