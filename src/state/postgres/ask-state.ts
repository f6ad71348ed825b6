import pg from 'pg';
import type { PostgresAddress } from './postgres-address.ts';
import type { PasswordSource } from './postgres-connection.ts';
import type { StoredRecord } from '../state-store.ts';
import { connect } from './postgres-connection.ts';
import { readRow } from './record-row.ts';

/** Nobody is at the address, as far as it can be known from here: it may be back. Anything else (a name service that is away, a certificate
 * that is not trusted, a password that is refused) says nothing of the state. */
const silent: ReadonlySet<unknown> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'],
  '3D000', // the server answers, and has no such database
]);

/** Looks, and changes nothing.
 * @returns whether there is a state at the address, or none, or nobody who answers
 * @throws StateDatabaseError when that cannot be told */
export async function askState(
  address: PostgresAddress,
  password: PasswordSource,
): Promise<'holdsState' | 'holdsNone' | 'silent'> {
  let connection;
  try {
    connection = await connect(address, password);
  } catch (error) {
    if (isSilence(error instanceof Error ? error.cause : undefined)) return 'silent';
    throw error;
  }
  try {
    const name = `${pg.escapeIdentifier(address.schema)}.record`;
    const [found] = await connection.query('SELECT to_regclass($1) IS NOT NULL', [name]);
    if (found?.[0] !== true) return 'holdsNone';
    const [holds] = await connection.query(`SELECT EXISTS (SELECT FROM ${name})`);
    return holds?.[0] === true ? 'holdsState' : 'holdsNone';
  } finally {
    await connection.close();
  }
}

/** One record as it lies there; whoever has the state open goes on. @returns undefined without one, or without a state
 * @throws StateDatabaseError */
export async function readStateRecord(
  address: PostgresAddress,
  password: PasswordSource,
  record: Pick<StoredRecord, 'table' | 'id'>,
): Promise<StoredRecord | undefined> {
  const connection = await connect(address, password);
  try {
    const name = `${pg.escapeIdentifier(address.schema)}.record`;
    const [found] = await connection.query('SELECT to_regclass($1) IS NOT NULL', [name]);
    if (found?.[0] !== true) return undefined;
    return await readRow(connection, name, record);
  } finally {
    await connection.close();
  }
}

/** Of a name with several addresses each has failed. */
function isSilence(cause: unknown): boolean {
  if (cause instanceof AggregateError) return cause.errors.length > 0 && cause.errors.every(isSilence);
  return cause instanceof Error && 'code' in cause && silent.has(cause.code);
}
