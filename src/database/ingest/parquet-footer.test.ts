import { readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import { hostileParquet, plainParquet } from '../../../tests/support/hostile-parquet.ts';
import { refusal } from '../../../tests/support/refusal.ts';
import { MemoryFile } from '../../encryption/extent-files/memory-file.ts';
import type { EngineConnection, EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import { collect } from '../extents/collect.ts';
import { parquetFailure, parquetSelect } from './parquet-select.ts';
import { requireSoundFooter } from './parquet-footer.ts';

let engine: EngineDatabase;
let connection: EngineConnection;
beforeAll(async () => {
  engine = await openTestEngine();
  connection = await engine.connect();
});
afterAll(() => {
  connection.close();
  engine.close();
});

async function rows(body: Buffer): Promise<readonly (readonly unknown[])[]> {
  const file = await MemoryFile.create();
  try {
    const columns = [{ columnId: 1, name: 'n', type: 'long' as const }];
    const sql = await parquetSelect(connection, file.path, body, columns, undefined);
    return await collect(connection, sql).catch(async (error: unknown) => {
      throw await parquetFailure(connection, file.path, error);
    });
  } finally {
    await file.close();
  }
}

describe('a Parquet file', () => {
  it('is read where it claims what it has', async () => {
    expect(await rows(plainParquet())).toEqual([[0n]]);
  });

  it.each(Object.keys(hostileParquet))('that claims %s is refused, and takes no memory', async (name) => {
    const body = hostileParquet[name]?.() ?? Buffer.alloc(0);
    const before = process.memoryUsage().rss;
    const [code] = await refusal(rows(body));
    expect(['MalformedData', 'PayloadTooLarge']).toContain(code);
    expect((process.memoryUsage().rss - before) / 1024 ** 2).toBeLessThan(400);
  });

  it('of any writer says of itself what is sound', async () => {
    const folder = join(import.meta.dirname, '..', '..', '..', 'vectors', 'parquet');
    const names = readdirSync(folder).filter((name) => name.endsWith('.parquet'));
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      await using file = await open(join(folder, name));
      await requireSoundFooter(file);
    }
  });

  it('whose footer is cut or changed is refused, or left to the engine', async () => {
    const file = plainParquet();
    for (let at = 0; at < file.length; at += 1) {
      const changed = Buffer.from(file);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      for (const body of [changed, file.subarray(0, at)]) {
        const outcome = await rows(body).then(
          () => 'read',
          (error: unknown) => (error instanceof Error && 'code' in error ? error.code : String(error)),
        );
        expect(['read', 'MalformedData', 'InconsistentMapping', 'PayloadTooLarge'], `byte ${at}`).toContain(outcome);
      }
    }
  });
});
