import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalCluster } from './local-cluster.ts';
import { openLocalCluster } from './local-cluster.ts';
import { drainPlain, openPlainDatabase, sampleColumns, sampleRows, sampleSelect } from './sample-rows.ts';

export interface SampleCluster extends LocalCluster {
  /** The same rows as plain Parquet: `read_parquet([…])` for hand-written SQL. Columns c0, c1 … in the order of the table. */
  readonly plainRows: string;
}

const extents = 4;
let opened: Promise<SampleCluster> | undefined;

/** Table `Logs` of a cluster, made once for all measures that read it, and the same rows in as many plain Parquet files. */
export function sampleCluster(): Promise<SampleCluster> {
  return (opened ??= fill());
}

export async function closeSampleCluster(): Promise<void> {
  const cluster = await opened?.catch(() => undefined);
  opened = undefined;
  await cluster?.close();
}

async function fill(): Promise<SampleCluster> {
  const cluster = await openLocalCluster();
  const data = await cluster.data();
  await data.createTables('db', [{ name: 'Logs', columns: sampleColumns }]);
  await data.setPolicy('db', 'Logs', 'merge', { AllowMerge: false });
  const plainDirectory = join(cluster.directory, 'plain');
  mkdirSync(plainDirectory);
  const plain = await openPlainDatabase();
  const files: string[] = [];
  for (let part = 0; part < extents; part += 1) {
    const from = Math.floor((sampleRows * part) / extents);
    const sql = sampleSelect(from, Math.floor((sampleRows * (part + 1)) / extents));
    const rows = { kind: 'sql', columns: sampleColumns, sql, bound: [] } as const;
    await data.append({ database: 'db', table: 'Logs', rows, replace: false });
    const file = join(plainDirectory, `${part}.parquet`);
    await plain.connection.run(`COPY (${sql}) TO '${file}' (FORMAT parquet, COMPRESSION zstd)`);
    files.push(`'${file}'`);
  }
  const plainRows = `read_parquet([${files.join(', ')}])`;
  const count = await drainPlain(plain.connection, `SELECT c0 FROM ${plainRows} LIMIT 1`);
  plain.close();
  if (count !== 1) throw new Error('The plain files hold rows.');
  return { ...cluster, plainRows };
}
