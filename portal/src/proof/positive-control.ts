import type { Cluster } from '../api/control.ts';
import { bracketed, kqlText } from '../api/kql-names.ts';
import { queryV2 } from '../api/kusto.ts';
import { ApiError } from '../api/request.ts';

/** Where a canary really is: without that, not finding it on the disk shows nothing. */
export interface PositiveControl {
  readonly canary: string;
  /** `cluster/database.table`, the first in which a query found it. */
  readonly table?: string;
  readonly rows: number;
  /** What could not be asked, and why: clusters without their key, queries that were refused. */
  readonly notAsked: readonly string[];
}

/** Asks every table that can be queried now, until one has it. Letters of either case are told apart, as the scan of the disk does. */
export async function controlCanary(
  clusters: readonly Cluster[],
  canary: string,
  signal: AbortSignal,
): Promise<PositiveControl> {
  const notAsked: string[] = [];
  for (const { name, host, databases, notListed } of clusters) {
    if (databases === undefined) notAsked.push(`${name}: ${notListed ?? 'not listed'}`);
    for (const database of host === undefined ? [] : (databases ?? [])) {
      for (const table of database.tables) {
        const place = `${name}/${database.name}.${table.name}`;
        try {
          const csl = `${bracketed(table.name)} | where * contains_cs ${kqlText(canary)} | count`;
          const frames = await queryV2({ host: host ?? '', database: database.name }, csl, { signal });
          const row = frames.find(({ TableKind }) => TableKind === 'PrimaryResult')?.Rows?.[0];
          const rows = Array.isArray(row) ? Number(row[0]) : 0;
          if (rows > 0) return { canary, table: place, rows, notAsked };
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          notAsked.push(`${place}: ${error.message}`);
        }
      }
    }
  }
  return { canary, rows: 0, notAsked };
}
