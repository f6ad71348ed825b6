import { isIP } from 'node:net';

/** As the server shows connections. */
export const connectionName = 'kustody';

/** Where a state lies in PostgreSQL. Holds no secret. */
export interface PostgresAddress {
  /** A name, an address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** Of the state's own tables; one state a schema. */
  readonly schema: string;
  /** Undefined on this machine, where nothing goes over a network. The name in the certificate is always checked. */
  readonly tls: { readonly rootCertificates?: string } | undefined;
}

/** An address of a state that cannot be used, without what stands in it: there may be a password. */
export class StateAddressError extends Error {
  override readonly name = 'StateAddressError';
}

const noHost = 'socket.invalid';
const defaultPort = 5432;
const defaultSchema = 'kustody';
const parameters: ReadonlySet<string> = new Set(['host', 'schema', 'sslmode', 'sslrootcert']);

/** @param text `postgres://USER@HOST[:PORT]/DATABASE`, with `?schema=`, `?sslmode=verify-full`, `?sslrootcert=FILE`, and, for a Unix
 * socket, no host and `?host=/DIRECTORY`
 * @throws StateAddressError */
export function parsePostgresAddress(text: string): PostgresAddress {
  // A URL needs a host; a socket has none.
  const whole = text.replace(/^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)(?=\/)/, `$1${noHost}`);
  if (!/^postgres(ql)?:\/\//.test(whole) || !URL.canParse(whole))
    throw new StateAddressError('A state is addressed as postgres://USER@HOST/DATABASE.');
  const url = new URL(whole);
  if (url.password !== '' || url.searchParams.has('password'))
    throw new StateAddressError(
      'The address of the state holds a password, which every user of this machine can see. Give it in PGPASSFILE, PGPASSWORD or by --state-password-fd.',
    );
  for (const name of url.searchParams.keys())
    if (!parameters.has(name))
      throw new StateAddressError(
        `The address of the state has the parameter '${name.slice(0, 40)}'; there are ${[...parameters].join(', ')}.`,
      );
  const host = url.searchParams.get('host') ?? url.hostname.replace(/^\[(.*)\]$/, '$1');
  const user = decoded(url.username);
  const database = decoded(url.pathname.slice(1));
  const schema = url.searchParams.get('schema') ?? defaultSchema;
  if (user === '' || database === '' || host === '' || host === noHost)
    throw new StateAddressError('The address of the state names a user, a host and a database.');
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema) || schema.startsWith('pg_'))
    throw new StateAddressError('A schema of a state is named by small letters, digits and _.');
  return { host, port: Number(url.port || defaultPort), database, user, schema, tls: tlsOf(host, url) };
}

function tlsOf(host: string, { searchParams }: URL): PostgresAddress['tls'] {
  const mode = searchParams.get('sslmode');
  const rootCertificates = searchParams.get('sslrootcert');
  if (mode !== null && mode !== 'verify-full' && !(mode === 'disable' && isLocal(host)))
    throw new StateAddressError(
      `sslmode=${mode.slice(0, 40)} is refused: a state elsewhere is reached by TLS with its certificate and name checked (verify-full).`,
    );
  if (isLocal(host) && mode !== 'verify-full' && rootCertificates === null) return undefined;
  return rootCertificates === null ? {} : { rootCertificates };
}

/** What is sent there does not leave the machine. */
const isLocal = (host: string): boolean =>
  host.startsWith('/') || host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new StateAddressError('The address of the state is not percent-encoded as a URL is.');
  }
}

/** For messages and logs. */
export const nameOf = ({ host, port, database, schema }: PostgresAddress): string =>
  `postgres://${host.startsWith('/') ? '' : `${host}:${port}`}/${database}${host.startsWith('/') ? `?host=${host}` : ''} (schema ${schema})`;
