import { textMember } from '../../base/json.ts';
import { UserError } from '../user-error.ts';
import type { Batch, Bin } from './batches.ts';
import { batchesOf, hoursToDivide } from './batches.ts';
import type { KustoDatabase, Row } from './kusto-database.ts';

/** Hours that one query asks about. */
const hoursAtOnce = 200;
/** A merge may replace the extents between two looks at them. */
const looksMax = 5;

export interface BatchRequest {
  /** As commands name it. */
  readonly table: string;
  readonly rowsMax: number;
  /** Where the batches before these end, '' without any. */
  readonly after: string;
  /** Of the first batch. */
  readonly number: number;
}

/** Divides the rows of a table that are later than what was sent before. @throws UserError for rows without a time of ingestion */
export async function readBatches(
  database: KustoDatabase,
  { table, rowsMax, after, number }: BatchRequest,
): Promise<readonly Batch[]> {
  const since = after === '' ? '' : ` | where ingestion_time() > datetime(${after})`;
  const ask = (where: string, bin: string): Promise<readonly Row[]> =>
    database.query(
      `set notruncation; ${table}${where} | summarize Rows = count(), To = max(ingestion_time()) by Bin = ${bin}, Extent = tostring(extent_id()) | extend Bin = tostring(Bin), To = tostring(To)`,
    );
  for (let look = 1; ; look += 1) {
    const untimed = await database.query(`${table} | where isnull(ingestion_time()) | count`);
    const without = Number(untimed[0]?.['Count']);
    if (without > 0)
      throw new UserError(
        `${without} rows of ${table} have no time of ingestion, by which batches are told apart.`,
        `They came while its policy ingestiontime was off. Move them with '.set-or-replace ${table} <| ${table}' while it is on, or copy them by hand.`,
      );
    const hours = await ask(since, 'bin(ingestion_time(), 1h)');
    const rough = await timed(database, table, hours);
    const divided = rough === undefined ? [] : hoursToDivide(rough, rowsMax);
    const commits: Row[] = [];
    for (let at = 0; at < divided.length; at += hoursAtOnce) {
      const named = divided.slice(at, at + hoursAtOnce).map((hour) => `datetime(${hour})`);
      const where = `${since} | where bin(ingestion_time(), 1h) in (${named.join(', ')})`;
      commits.push(...(await ask(where, 'ingestion_time()')));
    }
    const fine = await timed(database, table, commits);
    if (rough !== undefined && fine !== undefined)
      return batchesOf([...rough.filter(({ bin }) => !divided.includes(bin)), ...fine], rowsMax, after, number);
    if (look === looksMax) throw new UserError(`The extents of ${table} change too fast to be listed.`, 'Try again.');
  }
}

/** @returns undefined when an extent is gone again */
async function timed(
  database: KustoDatabase,
  table: string,
  rows: readonly Row[],
): Promise<readonly Bin[] | undefined> {
  if (rows.length === 0) return [];
  const listed = await database.command(
    `.show table ${table} extents | project Extent = tostring(ExtentId), On = tostring(MaxCreatedOn)`,
  );
  const createdOn = new Map(listed.map((row) => [textMember(row, 'Extent'), textMember(row, 'On')]));
  const bins: Bin[] = [];
  for (const row of rows) {
    const [extent, to] = [textMember(row, 'Extent'), textMember(row, 'To')];
    const on = createdOn.get(extent) ?? (isOfLog(extent) ? to : undefined);
    if (on === undefined) return undefined;
    bins.push({ bin: textMember(row, 'Bin'), to, createdOn: on, rows: Number(row['Rows']) });
  }
  return bins;
}

/** Rows that lie in the log of small writes are in no extent yet. */
const isOfLog = (extent: string): boolean => /^[0-]*$/.test(extent);
