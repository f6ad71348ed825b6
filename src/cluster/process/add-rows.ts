import type { ClusterData } from '../../database/cluster-data.ts';
import { CommitRefusedError, DataError } from '../../database/catalog/data-error.ts';
import { invariant } from '../../base/invariant.ts';
import { isKqlType } from '../../kql/plan/types.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { RowsCall, RowsReply } from '../messages/rows.ts';
import { openKnown } from './inventory.ts';
import type { OpenData } from './inventory.ts';

/** Not a fault of the rows: another time they are taken. */
const passing: readonly string[] = ['DatabaseLocked', 'DatabaseNotFound'];

/** Adds rows that the server has recorded. They are durable, and under the key, when this resolves.
 * @throws what is a fault of ours */
export async function addRows(open: OpenData, call: RowsCall): Promise<RowsReply> {
  try {
    const data = await openKnown(open, call);
    const columns = call.columns.map(({ name, type }): Column => {
      invariant(isKqlType(type), 'a recorded column has a type of KQL');
      return { name, type };
    });
    await haveTable(data, call, columns);
    await data.ingest({
      kind: 'recorded',
      database: call.database,
      table: call.table,
      format: 'csv',
      body: Buffer.from(call.csv, 'utf8'),
      // By name: somebody may have made the table in another order, or with more columns.
      mapping: JSON.stringify(columns.map(({ name }, at) => ({ Column: name, Properties: { Ordinal: String(at) } }))),
      requestId: call.requestId,
    });
    return { outcome: 'added' };
  } catch (error) {
    if (error instanceof CommitRefusedError || (error instanceof Error && error.name === 'KustoError'))
      return { outcome: 'unavailable' };
    if (!(error instanceof DataError)) throw error;
    return passing.includes(error.code) ? { outcome: 'unavailable' } : { outcome: 'refused', code: error.code };
  }
}

/** @throws DataError when a column is there with another type */
async function haveTable(data: ClusterData, { database, table }: RowsCall, columns: readonly Column[]): Promise<void> {
  const held = data.database(database).tables.get(table);
  const has = ({ name, type }: Column): boolean =>
    held?.columns.some((one) => one.name === name && one.type === type) === true;
  if (!columns.every(has)) await data.createMergeTables(database, [{ name: table, columns }]);
}
