import { isJsonObject, textMember } from '../../base/json.ts';
import { quotedName } from '../../kql/plan/quoted.ts';
import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import type { InstanceEnvironment } from '../../server/instance-environment.ts';
import type { LocalResult } from '../../server/local-client.ts';
import { callLocal, localToken } from '../../server/local-client.ts';

/** A table whose extents are read by queries, as any client reads them. */
export interface TriedTable {
  readonly cluster: string;
  readonly host: string;
  readonly database: string;
  readonly table: string;
}

/** That extents did open, before anything was deleted: without that, that they do not shows nothing. */
export interface OpenedTable extends TriedTable {
  /** Extents of which a value of a row was read. */
  readonly opened: number;
  /** Those that the catalog has. */
  readonly listed: number;
}

export interface Attempt extends TriedTable {
  /** `refused`: for want of a key, as the cluster says of itself; `unclear`: for any other reason, which shows nothing; `gone`: there is no such
   * cluster any more. */
  readonly outcome: 'refused' | 'unclear' | 'opened' | 'gone';
  /** The service's own words. */
  readonly error?: string;
}

/** Tables beyond that are not read. */
export const tablesMax = 1_000;

/** @param names of clusters, with the region that their host names have */
export async function openExtents(
  environment: InstanceEnvironment,
  clusters: readonly ClusterDescription[],
): Promise<readonly OpenedTable[]> {
  const opened: OpenedTable[] = [];
  for (const { name, databases } of clusters) {
    const region = environment.clusters.find((one) => one.name === name)?.region;
    if (region === undefined) continue;
    const host = `${name}.${region}.kusto.windows.net`;
    for (const database of databases ?? [])
      for (const table of database.tables.filter(({ extents }) => extents.length > 0)) {
        if (opened.length === tablesMax) return opened;
        const tried = { cluster: name, host, database: database.name, table: table.name };
        opened.push({ ...tried, opened: await countOpened(environment, tried), listed: table.extents.length });
      }
  }
  return opened;
}

/** A value of each extent is read and told apart by what it hashes to: nothing of it is in the catalog. */
async function countOpened(environment: InstanceEnvironment, tried: TriedTable): Promise<number> {
  const column = rowsOf(await query(environment, tried, `${quotedName(tried.table)} | getschema | take 1`))[0]?.[0];
  if (typeof column !== 'string') return 0;
  return rowsOf(await query(environment, tried, readingQuery(tried.table, column))).length;
}

const readingQuery = (table: string, column: string): string =>
  `set notruncation; ${quotedName(table)} | extend e = tostring(extent_id()), h = hash(tostring(${quotedName(column)})) | summarize h = max(h) by e`;

/** The same tables again. Kusto answers from what it has in memory only while it may use its key.
 * @param readLocked asked afterwards: whether a cluster has lost the key of a database, or its own. A query can fail for many other reasons */
export async function tryExtents(
  environment: InstanceEnvironment,
  tables: readonly TriedTable[],
  readLocked: () => Promise<(cluster: string, database: string) => boolean>,
): Promise<readonly Attempt[]> {
  const answers: (readonly [TriedTable, LocalResult | undefined])[] = [];
  for (const { cluster, host, database, table } of tables) {
    const tried = { cluster, host, database, table };
    const isThere = environment.clusters.some((one) => one.name === cluster);
    const answer = isThere ? await query(environment, tried, `${quotedName(table)} | take 1`) : undefined;
    answers.push([tried, answer]);
  }
  const isLocked = await readLocked();
  return answers.map(([tried, answer]) => {
    if (answer === undefined) return { ...tried, outcome: 'gone' };
    return { ...tried, ...outcomeOf(answer, isLocked(tried.cluster, tried.database)) };
  });
}

export function outcomeOf(
  { status, value }: Pick<LocalResult, 'status' | 'value'>,
  isLocked: boolean,
): Pick<Attempt, 'outcome' | 'error'> {
  const error = isJsonObject(value) && isJsonObject(value['error']) ? value['error'] : {};
  if (status < 400) return { outcome: 'opened' };
  return {
    outcome: status === 503 && isLocked ? 'refused' : 'unclear',
    error: `${status} ${textMember(error, 'code')}`,
  };
}

async function query(
  environment: InstanceEnvironment,
  { host, database }: TriedTable,
  csl: string,
): Promise<LocalResult> {
  return callLocal(environment, {
    ...{ host, method: 'POST', path: '/v1/rest/query' },
    token: await localToken(environment, 'https://kusto.kusto.windows.net'),
    body: { db: database, csl },
    answerBytesMax: 64 * 1024 * 1024,
  });
}

/** Of the first table of an answer of version 1; none of one that is refused. */
function rowsOf({ status, value }: LocalResult): readonly (readonly unknown[])[] {
  const tables = status < 400 && isJsonObject(value) && Array.isArray(value['Tables']) ? value['Tables'] : [];
  const first: unknown = (tables as readonly unknown[])[0];
  const rows = isJsonObject(first) && Array.isArray(first['Rows']) ? (first['Rows'] as readonly unknown[]) : [];
  return rows.filter((row) => Array.isArray(row));
}
