import { invariant } from '../../base/invariant.ts';
import type { StoredRecord } from '../state-store.ts';
import type { PostgresConnection } from './postgres-connection.ts';

/** @param row id, version and value */
export function parseRecordRow(table: string, [id, version, value]: readonly unknown[]): StoredRecord {
  invariant(
    typeof id === 'string' && typeof version === 'string' && value instanceof Uint8Array,
    'the table holds what was written',
  );
  return { table, id, version: Number(version), value };
}

/** @param name of the table of records, as it stands in a statement */
export async function readRow(
  connection: Pick<PostgresConnection, 'query'>,
  name: string,
  { table, id }: Pick<StoredRecord, 'table' | 'id'>,
): Promise<StoredRecord | undefined> {
  const text = `SELECT id, version, value FROM ${name} WHERE tab = $1 AND id = $2`;
  const [row] = await connection.query(text, [table, id]);
  return row && parseRecordRow(table, row);
}
