import { isJsonObject } from '../../base/json.ts';
import { quotedName, quotedText } from '../../kql/plan/quoted.ts';
import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import type { InstanceEnvironment } from '../../server/instance-environment.ts';
import { callLocal, localToken, succeeded } from '../../server/local-client.ts';

/** Where a canary really is: without that, not finding it on the disk shows nothing. */
export interface PositiveControl {
  readonly canary: string;
  /** `cluster/database.table`, the first in which a query found it. */
  readonly table?: string;
  /** Rows of that table that hold it. */
  readonly rows: number;
}

/** Asks every table that can be queried now for each canary, until one has it. */
export async function controlCanaries(
  environment: InstanceEnvironment,
  clusters: readonly ClusterDescription[],
  canaries: readonly string[],
): Promise<readonly PositiveControl[]> {
  const controls: PositiveControl[] = [];
  for (const canary of canaries) controls.push(await controlOf(environment, clusters, canary));
  return controls;
}

async function controlOf(
  environment: InstanceEnvironment,
  clusters: readonly ClusterDescription[],
  canary: string,
): Promise<PositiveControl> {
  for (const { name, databases } of clusters) {
    const region = environment.clusters.find((one) => one.name === name)?.region;
    if (region === undefined) continue;
    const host = `${name}.${region}.kusto.windows.net`;
    for (const database of databases ?? []) {
      for (const table of database.tables) {
        const rows = await countRows(environment, { host, database: database.name, table: table.name, canary });
        if (rows > 0) return { canary, table: `${name}/${database.name}.${table.name}`, rows };
      }
    }
  }
  return { canary, rows: 0 };
}

/** Letters of either case are told apart, as the scan of the disk does. */
async function countRows(
  environment: InstanceEnvironment,
  asked: { readonly host: string; readonly database: string; readonly table: string; readonly canary: string },
): Promise<number> {
  const answer = await callLocal(environment, {
    ...{ host: asked.host, method: 'POST', path: '/v1/rest/query' },
    token: await localToken(environment, 'https://kusto.kusto.windows.net'),
    body: {
      db: asked.database,
      csl: `${quotedName(asked.table)} | where * contains_cs ${quotedText(asked.canary)} | count`,
    },
    answerBytesMax: 1024 * 1024,
  });
  succeeded(answer);
  const tables = isJsonObject(answer.value) ? answer.value['Tables'] : undefined;
  const table: unknown = Array.isArray(tables) ? (tables as readonly unknown[])[0] : undefined;
  const rows = isJsonObject(table) ? table['Rows'] : undefined;
  const row: unknown = Array.isArray(rows) ? (rows as readonly unknown[])[0] : undefined;
  return Array.isArray(row) && typeof row[0] === 'number' ? row[0] : 0;
}
