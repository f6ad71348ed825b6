import { StateDatabaseError, StateFormatTooNewError } from './postgres-errors.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import type { StateFormat } from '../formats/state-formats.ts';
import { openedFormat, stepsBetween } from '../formats/state-formats.ts';

/** The state that is to be made, or brought to a format that is served. */
export interface WantedSchema {
  readonly schema: string;
  /** For people. */
  readonly name: string;
  /** All that are known. */
  readonly formats: readonly StateFormat[];
  /** A new one takes on the format of what is copied into it, later. */
  readonly isCopy: boolean;
}

/** Makes the tables of a state. Several may do so at once: the row of `state` is locked by one.
 * @returns the id that was made with the state, and the format that it has now
 * @throws StateDatabaseError, StateFormatTooNewError, StateFormatTooOldError */
export async function prepareSchema(
  connection: PostgresConnection,
  { schema, name, formats, isCopy }: WantedSchema,
): Promise<{ readonly id: string; readonly format: number }> {
  await inTransaction(connection, () => makeState(connection, schema, name));
  return inTransaction(connection, async () => {
    const [row] = await connection.query('SELECT format, id FROM state FOR UPDATE');
    const [format, id] = row ?? [];
    if (typeof format !== 'number' || typeof id !== 'string') throw notOurs(name);
    const opened = openedFormat(formats, format === 0 ? undefined : format, {
      ...{ name, isCopy },
      tooNew: (newest) => new StateFormatTooNewError(name, format, newest),
    });
    for (const { postgres } of stepsBetween(formats, format, opened)) await connection.query(postgres);
    if (opened !== format) await connection.query('UPDATE state SET format = $1', [opened]);
    return { id, format: opened };
  });
}

/** A row cannot be locked before its table is there: that alone is under a lock of its own. */
async function makeState(connection: PostgresConnection, schema: string, name: string): Promise<void> {
  await connection.query(`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, [`kustody makes ${schema}`]);
  const [row] = await connection.query(
    `SELECT to_regclass($1) IS NOT NULL, EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace($2))`,
    [`"${schema}".state`, `"${schema}"`],
  );
  const [isThere, isUsed] = row ?? [];
  if (isThere === true) return;
  if (isUsed === true) throw notOurs(name);
  await connection.query(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
  await connection.query(
    `CREATE TABLE state (one boolean PRIMARY KEY DEFAULT true CHECK (one), format int NOT NULL, id uuid NOT NULL)`,
  );
  await connection.query('INSERT INTO state (format, id) VALUES (0, gen_random_uuid())');
}

async function inTransaction<T>(connection: PostgresConnection, work: () => Promise<T>): Promise<T> {
  await connection.query('BEGIN');
  try {
    const result = await work();
    await connection.query('COMMIT');
    return result;
  } catch (error) {
    // Of a connection that is gone nothing is left to roll back.
    await connection.query('ROLLBACK').catch(() => undefined);
    throw error;
  }
}

const notOurs = (name: string): StateDatabaseError =>
  new StateDatabaseError(`The state ${name} is refused: its schema holds tables that are not Kustody's.`);
