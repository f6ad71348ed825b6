import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { ExtentFiles } from '../../src/encryption/extent-files/extent-files.ts';
import { MemoryBlobStore } from '../../src/storage/memory/memory-blob-store.ts';

it.runIf(process.platform === 'linux')(
  'DuckDB writes and reads Parquet through sealed extents, with access to nothing else',
  async () => {
    const options = {
      withDekWrappingKey: <T>(use: (key: Uint8Array) => T) => use(Buffer.alloc(32, 1)),
      randomBytes: systemRandomBytes,
    };
    const store = new MemoryBlobStore();
    const limits = { cacheBytesMax: 2 ** 26, openBytesMax: 2 ** 27, regionBytes: 256 * 1024 };
    const writer = new ExtentFiles({ ...options, ...limits, store });
    const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
    const connection = await instance.connect();
    for (const setting of [
      `allowed_directories = ['/proc/self/fd/']`,
      'enable_external_access = false',
      'enable_external_file_cache = false',
      'lock_configuration = true',
    ]) {
      await connection.run(`SET ${setting}`);
    }
    const file = await writer.create();
    const rows = `SELECT range AS n, 'row ' || hash(range) AS t FROM range(200000)`;
    await connection.run(`COPY (${rows}) TO '${file.path}' (FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)`);
    const extent = await file.seal('clusters/c/extents', newGuid(systemRandomBytes));
    expect(extent.regions).toBeGreaterThan(3);

    const reader = new ExtentFiles({ ...options, ...limits, store });
    const opened = await reader.open(extent);
    const result = await connection.runAndReadAll(
      `SELECT count(*)::INT, sum(n)::BIGINT, min(t) = (SELECT min(t) FROM (${rows})) FROM read_parquet('${opened.path}')`,
    );
    expect(result.getRows()).toEqual([[200000, 19999900000n, true]]);
    await expect(connection.run(`SELECT * FROM read_text('/etc/passwd')`)).rejects.toThrow('Permission');
    opened.release();
    await reader.dispose();
    await writer.dispose();
    connection.closeSync();
    instance.closeSync();
  },
);
