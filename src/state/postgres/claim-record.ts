import pg from 'pg';
import type { StoredRecord } from '../state-store.ts';
import { stateFormats } from '../formats/state-formats.ts';
import type { PostgresAddress } from './postgres-address.ts';
import { nameOf } from './postgres-address.ts';
import type { PasswordSource } from './postgres-connection.ts';
import { connect } from './postgres-connection.ts';
import { prepareSchema } from './prepare-schema.ts';
import { readRow } from './record-row.ts';
import { invariant } from '../../base/invariant.ts';

/** Puts a record there unless there is one, whoever has the state open; a state that is not made yet is made. Of several that do so at once one
 * has put it there, and all hear what it is.
 * @returns what lies there when this resolves
 * @throws StateDatabaseError, and those of `prepareSchema` */
export async function claimStateRecord(
  address: PostgresAddress,
  password: PasswordSource,
  { table, id, version, value }: StoredRecord,
): Promise<StoredRecord> {
  const connection = await connect(address, password);
  try {
    const { schema } = address;
    const name = `${pg.escapeIdentifier(schema)}.record`;
    const [known] = await connection.query('SELECT to_regclass($1) IS NOT NULL', [name]);
    if (known?.[0] !== true)
      await prepareSchema(connection, { schema, name: nameOf(address), formats: stateFormats, isCopy: false });
    await connection.query(
      `INSERT INTO ${name} (tab, id, version, value) VALUES ($1, $2, $3, $4) ON CONFLICT (tab, id) DO NOTHING`,
      [table, id, version, value],
    );
    const there = await readRow(connection, name, { table, id });
    invariant(there !== undefined, 'the record lies there');
    return there;
  } finally {
    await connection.close();
  }
}
