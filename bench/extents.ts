import { join } from 'node:path';
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import type { BenchRow } from './row.ts';
import { sideBySide, timed } from './row.ts';
import type { LocalCluster } from './local-cluster.ts';
import { openLocalCluster } from './local-cluster.ts';
import { openPlainDatabase, sampleColumns, sampleRows, sampleSelect } from './sample-rows.ts';

const ingestRows = Math.ceil(sampleRows / 5);
const singles = 2_000;
const writers = 32;
const manyExtents = 10_000;
const countedExtents = 250;
const counted = 'T | summarize count(), min(n), max(n)';

async function withCluster<T>(use: (cluster: LocalCluster) => Promise<T>): Promise<T> {
  const cluster = await openLocalCluster();
  try {
    return await use(cluster);
  } finally {
    await cluster.close();
  }
}

export const extentRows: readonly BenchRow[] = [
  {
    id: 'ingest',
    ratio: `an extent of ${ingestRows / 1e6} M rows made, sealed and committed over plain COPY to Parquet, synced`,
    rule: 'atMost',
    floor: 1.25,
    aim: 1.05,
    run: () =>
      withCluster(async (cluster) => {
        const data = await cluster.data();
        await data.createTables('db', [{ name: 'Logs', columns: sampleColumns }]);
        const make = `CREATE TABLE source_rows AS ${sampleSelect(0, ingestRows)}`;
        const connection = await cluster.database.connect();
        await connection.run(make);
        const plain = await openPlainDatabase();
        await plain.connection.run(make);
        const sql = 'SELECT * FROM source_rows';
        const rows = { kind: 'sql', columns: sampleColumns, sql, bound: [] } as const;
        const file = join(cluster.directory, 'plain.parquet');
        const { ours, reference } = await sideBySide(
          async () => {
            await data.append({ database: 'db', table: 'Logs', rows, replace: true });
          },
          async () => {
            await plain.connection.run(`COPY (${sql}) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`);
            const written = openSync(file, 'r+');
            fdatasyncSync(written);
            closeSync(written);
          },
          4,
        );
        plain.close();
        connection.close();
        return { ratio: ours / reference, detail: `${Math.round(ours)} ms, COPY ${Math.round(reference)} ms` };
      }),
  },
  {
    id: 'single-rows',
    ratio: `${singles} rows, each durable when acknowledged, ${writers} at once, per second, over write + fdatasync per second`,
    rule: 'atLeast',
    floor: 0.2,
    aim: 1,
    run: () =>
      withCluster(async (cluster) => {
        const data = await cluster.data();
        await data.createTables('db', [{ name: 'T', columns: [{ name: 'n', type: 'long' }] }]);
        await data.setPolicy('db', 'T', 'streamingingestion', { IsEnabled: true, HintAllocatedRate: null });
        const add = (n: number): Promise<unknown> =>
          data.ingest({ database: 'db', table: 'T', format: 'csv', body: Buffer.from(String(n)), kind: 'streaming' });
        const block = Buffer.alloc(256, 1);
        const syncs = singles / 10;
        const { ours, reference } = await sideBySide(
          async () => {
            const lane = async (): Promise<void> => {
              for (let n = 0; n < singles / writers; n += 1) await add(n);
            };
            await Promise.all(Array.from({ length: writers }, lane));
          },
          () => {
            const path = join(cluster.directory, 'synced');
            const file = openSync(path, 'a', 0o600);
            for (let n = 0; n < syncs; n += 1) {
              writeSync(file, block);
              fdatasyncSync(file);
            }
            closeSync(file);
            rmSync(path);
          },
          3,
        );
        const alone = await timed(async () => {
          for (let n = 0; n < 100; n += 1) await add(n);
        });
        const [perSecond, syncsPerSecond] = [singles / (ours / 1000), syncs / (reference / 1000)];
        return {
          ratio: perSecond / syncsPerSecond,
          detail: `${Math.round(perSecond)}/s, one after another ${Math.round(100 / (alone / 1000))}/s; fdatasync ${Math.round(syncsPerSecond)}/s`,
        };
      }),
  },
  {
    id: 'single-rows-read',
    ratio: `three queries over ${singles} rows that came one by one, the dearer of in the log and merged, over one extent`,
    rule: 'atMost',
    floor: 2,
    aim: 1.5,
    run: () =>
      withCluster(async (cluster) => {
        const data = await cluster.data();
        const columns = [
          { name: 'n', type: 'long' },
          { name: 'w', type: 'datetime' },
          { name: 's', type: 'string' },
        ] as const;
        const line = (n: number): string => `${n},2026-01-01T00:${String(n % 60).padStart(2, '0')}:00Z,level ${n % 7}`;
        const lines = Array.from({ length: singles }, (_value, n) => line(n));
        for (const name of ['Log', 'Merged', 'One']) {
          await data.createTables('db', [{ name, columns }]);
          await data.setPolicy('db', name, 'streamingingestion', { IsEnabled: true, HintAllocatedRate: null });
        }
        const add = (table: string, text: string, kind: 'streaming' | 'inline'): Promise<unknown> =>
          data.ingest({ database: 'db', table, format: 'csv', body: Buffer.from(text), kind });
        await Promise.all(lines.map((text) => add('Merged', text, 'streaming')));
        await data.maintain();
        await Promise.all(lines.map((text) => add('Log', text, 'streaming')));
        await add('One', lines.join('\n'), 'inline');
        const over = (table: string) => async (): Promise<void> => {
          await cluster.query(`${table} | summarize count(), max(n) by s`);
          await cluster.query(`${table} | where w > datetime(2026-01-01T00:30:00Z) | summarize sum(n)`);
          await cluster.query(`${table} | top 10 by n`);
        };
        const log = await sideBySide(over('Log'), over('One'), 15);
        const merged = await sideBySide(over('Merged'), over('One'), 15);
        const [inLog, afterMerge] = [log.ours / log.reference, merged.ours / merged.reference];
        return {
          ratio: Math.max(inLog, afterMerge),
          detail: `in the log ${inLog.toFixed(2)} (${log.ours.toFixed(1)} ms), merged ${afterMerge.toFixed(2)} (${merged.ours.toFixed(1)} ms), one extent ${log.reference.toFixed(1)} ms`,
        };
      }),
  },
  {
    id: 'counted',
    ratio: `count, least and greatest value of ${countedExtents * 16} extents over those of ${countedExtents}`,
    rule: 'atMost',
    floor: 3,
    aim: 1.5,
    run: () =>
      withCluster(async (cluster) => {
        const times: number[] = [];
        let extents = countedExtents;
        await withExtents(cluster, extents);
        for (const target of [countedExtents, countedExtents * 4, countedExtents * 16]) {
          if (target > extents) await cluster.copyExtents(target - extents);
          extents = target;
          await cluster.query(counted); // compiled
          const rounds: number[] = [];
          for (let round = 0; round < 20; round += 1)
            rounds.push(
              await timed(async () => {
                await cluster.query(counted);
              }),
            );
          times.push(Math.min(...rounds));
        }
        const [once = 1, , often = 1] = times;
        return { ratio: often / once, detail: `1x, 4x, 16x: ${times.map((ms) => ms.toFixed(2)).join(', ')} ms` };
      }),
  },
  {
    id: 'custody',
    ratio: `change of custody of ${manyExtents} extents, each, over 100 µs`,
    rule: 'atMost',
    floor: 1,
    aim: 0.5,
    run: () =>
      withCluster(async (cluster) => {
        await withExtents(cluster, manyExtents);
        const times: number[] = [];
        for (let round = 0; round < 4; round += 1) times.push(await timed(() => cluster.changeCustody()));
        const each = (Math.min(...times) * 1000) / manyExtents;
        return { ratio: each / 100, detail: `${each.toFixed(0)} µs; ${Math.round(Math.min(...times))} ms in all` };
      }),
  },
];

/** A table whose extents are small and many; what a catalog knows of them is as large as for any. */
export async function withExtents(cluster: LocalCluster, count: number): Promise<void> {
  const data = await cluster.data();
  await data.createTables('db', [{ name: 'T', columns: [{ name: 'n', type: 'long' }] }]);
  await data.ingest({ database: 'db', table: 'T', format: 'csv', body: Buffer.from('1'), kind: 'inline' });
  await cluster.copyExtents(count - 1);
  await cluster.data();
}
