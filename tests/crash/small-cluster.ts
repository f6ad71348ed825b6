import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EngineDatabase } from '../../src/kql/duckdb/engine-database.ts';
import { createQueryEngine } from '../../src/kql/query-engine.ts';
import { openTestParser } from '../support/command-fixture.ts';
import { quickDirectory } from '../support/quick-directory.ts';
import { quickRsaPair } from '../support/quick-rsa-pairs.cjs';
import { customerHost } from './file-vault.ts';
import type { KilledCluster, KilledClusterOptions } from './killed-cluster.ts';
import { openKilledCluster } from './killed-cluster.ts';

const columns = [
  { name: 'Request', type: 'string' },
  { name: 'Row', type: 'long' },
] as const;

export interface SmallCluster extends KilledCluster {
  /** Into T, as an extent. */
  readonly ingest: (row: number) => Promise<void>;
  /** Rows of T, in order. */
  readonly ingested: () => Promise<number[]>;
  /** Ends it, and everything that it has written goes. */
  readonly remove: () => Promise<void>;
}

/** A cluster in this process, under a customer's key, with an extent in each of its tables: T with the row 1, and Copied. */
export async function smallCluster(
  engine: EngineDatabase,
  more: Pick<KilledClusterOptions, 'wrapState' | 'recordsEach'> = {},
): Promise<SmallCluster> {
  const directory = quickDirectory('kustody-custody-');
  const pem = () => quickRsaPair().privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(join(directory, 'pairs.json'), JSON.stringify([pem(), pem()]));
  const queries = createQueryEngine({ parser: openTestParser(), database: engine }); // starts nothing until it is asked
  const cluster = await openKilledCluster({ directory, engine, queries, now: Date.UTC(2026, 0, 1), ...more });
  await cluster.changeTo(cluster.customer(cluster.vault.addVersion(customerHost, 'k')));
  await (
    await cluster.data()
  ).createTables(
    'db',
    ['T', 'Copied'].map((name) => ({ name, columns })),
  );
  const ingest = async (row: number, table = 'T'): Promise<void> => {
    const body = Buffer.from(`r,${String(row)}`);
    await (await cluster.data()).ingest({ database: 'db', table, format: 'csv', body, kind: 'inline' });
  };
  await ingest(1);
  await ingest(1, 'Copied');
  return {
    ...cluster,
    ingest: (row) => ingest(row),
    ingested: async () => ((await cluster.rows('T')).get('r') ?? []).toSorted((a, b) => a - b),
    remove: async () => {
      await cluster.close();
      rmSync(directory, { recursive: true });
    },
  };
}
