import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { checkServerIdentity } from 'node:tls';
import pg from 'pg';
import type { PostgresAddress } from './postgres-address.ts';
import { connectionName, nameOf } from './postgres-address.ts';
import { StateDatabaseError } from './postgres-errors.ts';

/** One connection to a primary that keeps what it acknowledges. */
export interface PostgresConnection {
  /** @throws pg.DatabaseError when the server refuses, another error when the connection is lost */
  query(text: string, values?: readonly unknown[], name?: string): Promise<readonly (readonly unknown[])[]>;
  /** Settles when the connection is gone, whoever ended it. */
  readonly gone: Promise<Error | undefined>;
  close(): Promise<void>;
  /** Without a farewell. */
  cut(): void;
}

/** @returns the password; called when the server asks for one */
export type PasswordSource = () => string;

/** So long a server may take to accept a connection, and to answer. A commit that takes longer counts as lost. */
const connectTimeoutMs = 10_000;
const answerTimeoutMs = 60_000;
/** As `server_version_num`: the first with what `commit_group` asks for. */
const oldestVersion = 130_000;

/** Plans are made for few rows by their key, whatever a table's statistics say. No search through all of a table, ever. */
const settings = [
  ...['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin', 'jit'].map((name) => `SET ${name} = off`),
  // A session whose client is cut off, and with it the lock of the state, ends soon.
  'SET tcp_keepalives_idle = 10',
  'SET tcp_keepalives_interval = 5',
  'SET tcp_keepalives_count = 3',
  `SET lock_timeout = '30s'`,
  `SET idle_in_transaction_session_timeout = '60s'`,
];

/** @throws StateDatabaseError for a database that a state may not be kept in, or one that cannot be reached */
export async function connect(address: PostgresAddress, password: PasswordSource): Promise<PostgresConnection> {
  const { host, port, database, user, schema, tls } = address;
  const socket = new Socket();
  const client = new pg.Client({
    stream: () => socket,
    ...{ host, port, database, user, password },
    ssl: tls === undefined ? false : tlsOptions(host, tls),
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: answerTimeoutMs,
    // Reads do not wait for each other's answers.
    pipeline: true,
    keepAlive: true,
    application_name: connectionName,
  });
  const gone = new Promise<Error | undefined>((resolve) => {
    client.on('error', resolve);
    client.on('end', () => resolve(undefined));
  });
  const connection: PostgresConnection = {
    gone,
    async query(text, values = [], name) {
      const { rows } = await client.query<unknown[]>({
        ...{ text, values: [...values], rowMode: 'array' as const },
        ...(name === undefined ? {} : { name }),
      });
      return rows;
    },
    async close() {
      await client.end();
    },
    cut: () => void socket.destroy(),
  };
  try {
    await client.connect();
    await checkDatabase(connection, address);
    await client.query([...settings, `SET search_path = "${schema}"`].join('; '));
  } catch (error) {
    connection.cut();
    if (error instanceof StateDatabaseError) throw error;
    throw new StateDatabaseError(`The state ${nameOf(address)} cannot be reached: ${textOf(error)}`, { cause: error });
  }
  return connection;
}

/** Only a primary that can be written, and that says a commit is made once it is on the disk. */
async function checkDatabase(connection: PostgresConnection, address: PostgresAddress): Promise<void> {
  const rows = await connection.query(
    `SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', current_setting('fsync'),
     current_setting('synchronous_commit'), current_setting('server_encoding'), current_setting('server_version_num')::int`,
  );
  const [isReadOnly, fsync, synchronousCommit, encoding, version] = rows[0] ?? [];
  const refuse = (why: string): never => {
    throw new StateDatabaseError(`The state ${nameOf(address)} is refused: ${why}.`);
  };
  if (isReadOnly !== false) refuse('that server takes no writes; give the primary');
  if (fsync !== 'on') refuse('it runs with fsync = off, so that commits are lost with the power');
  if (synchronousCommit === 'off')
    refuse('it runs with synchronous_commit = off, so that acknowledged commits are lost');
  if (Number(version) < oldestVersion) refuse(`it is older than PostgreSQL ${oldestVersion / 10_000}`);
  if (encoding !== 'UTF8') refuse('its database is not encoded in UTF8');
}

/** Roots are those of the file, or of Node.js; the name in the certificate has to be the host's. Said here: of a connection to an address
 * Node.js does not know which host is meant, and would ask for `localhost`. */
function tlsOptions(host: string, { rootCertificates }: { readonly rootCertificates?: string }): ConnectionOptions {
  const checked: ConnectionOptions = {
    rejectUnauthorized: true,
    checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
  };
  if (rootCertificates === undefined) return checked;
  try {
    return { ...checked, ca: readFileSync(rootCertificates, 'utf8') };
  } catch (error) {
    throw new StateDatabaseError(`The root certificates in ${rootCertificates} cannot be read.`, { cause: error });
  }
}

/** Errors of all addresses of a host come as one that has no text. */
function textOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(textOf).join(' ');
  return error instanceof Error ? error.message : String(error);
}
