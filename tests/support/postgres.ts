import type { ChildProcess } from 'node:child_process';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { systemRandomBytes } from '../../src/base/random.ts';
import { parsePostgresAddress } from '../../src/state/postgres/postgres-address.ts';
import { PostgresStateStore } from '../../src/state/postgres/postgres-state-store.ts';
import type { PostgresStoreOptions } from '../../src/state/postgres/postgres-state-store.ts';
import { freePorts } from './free-ports.ts';
import { descendantsOf } from './process-tree.ts';
import { quickDirectory } from './quick-directory.ts';

/** Debian's, the newest that is there. */
const versions = '/usr/lib/postgresql';
const installed = existsSync(versions)
  ? readdirSync(versions).toSorted((left, right) => Number(left) - Number(right))
  : [];
const programs = join(versions, installed.at(-1) ?? 'none', 'bin');

/** Whether PostgreSQL is installed. In CI it has to be. */
export const hasPostgres = existsSync(join(programs, 'postgres')) || process.env['CI'] !== undefined;

export const databasePassword = 'a-password-of-the-test-ü';

export interface Postgres {
  readonly port: number;
  /** Its own certificate, for 127.0.0.1. */
  readonly certificateFile: string;
  /** @param schema a state of its own */
  url(schema: string, port?: number): string;
  /** To the server and all its processes. */
  signal(signal: NodeJS.Signals): void;
  /** Ends it at once, as a crash does, and starts it again at the same port. */
  restart(): Promise<void>;
  /** A copy that follows this one, and may take over from it. @param port where it reaches this one; default: its own */
  standby(port?: number): Promise<PostgresStandby>;
  stop(): Promise<void>;
}

export interface PostgresStandby extends Postgres {
  /** It takes writes when this resolves; whoever it followed should not any more. */
  promote(): Promise<void>;
}

/** Starts a server on loopback that asks for a password, and speaks TLS to whoever wants it.
 * @param parent where its directory is made */
export async function startPostgres(parent?: string): Promise<Postgres> {
  const directory = parent === undefined ? quickDirectory(prefix, roomBytes) : mkdtempSync(join(parent, prefix));
  const owner = ownerOf(directory);
  const data = join(directory, 'data');
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, databasePassword);
  execFileSync(
    join(programs, 'initdb'),
    ['-D', data, '-U', 'kustody', '-A', 'scram-sha-256', '--pwfile', passwordFile, '--no-sync', '-E', 'UTF8'],
    { ...owner, cwd: directory, stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const certificateFile = join(data, 'server.crt');
  const names = ['-subj', '/CN=postgres', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', join(data, 'server.key')];
  execFileSync('openssl', ['req', '-x509', '-days', '2', '-out', certificateFile, ...key, ...names], {
    ...{ ...owner, cwd: directory, stdio: 'ignore' },
  });
  return serve({ directory, data, owner, certificateFile });
}

interface Placed {
  readonly directory: string;
  readonly data: string;
  readonly owner: { readonly uid?: number; readonly gid?: number };
  readonly certificateFile: string;
}

/** @param more settings, `name=value` */
async function serve(placed: Placed, more: readonly string[] = []): Promise<Postgres> {
  const { directory, data, owner, certificateFile } = placed;
  const listening = async (at?: number): Promise<Listening> => {
    const [port = 0] = at === undefined ? await freePorts(1) : [at];
    const flags = [
      ...[`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${directory}`, 'ssl=on'],
      ...more,
    ];
    const child = spawn(join(programs, 'postgres'), ['-D', data, ...flags.flatMap((flag) => ['-c', flag])], {
      ...owner,
      cwd: directory,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    let said = '';
    const listens = await new Promise<boolean>((resolve) => {
      child.stderr.on('data', (chunk: Buffer) => {
        said = `${said}${chunk.toString()}`.slice(-4000);
        if (/ready to accept (?:read-only )?connections/.test(said)) resolve(true);
      });
      void ended.then(() => resolve(false));
    });
    if (listens) return { port, child, ended };
    // Somebody else has taken it since it was free.
    if (said.includes('Address already in use')) return listening(at);
    throw new Error(`PostgreSQL ended before it listened: ${said}`);
  };
  let running = await listening();
  const { port } = running;
  const kill = (): Promise<void> => {
    running.child.kill('SIGQUIT');
    return running.ended;
  };
  return {
    ...{ port, certificateFile },
    url: (schema, at = port) => `postgres://kustody@127.0.0.1:${at}/postgres?schema=${schema}`,
    signal: (signal) => {
      const { pid = 0 } = running.child;
      for (const one of [pid, ...descendantsOf(pid)]) process.kill(one, signal);
    },
    async restart() {
      await kill();
      running = await listening(port);
    },
    standby: (at = port) => startStandby(placed, at),
    async stop() {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Copied over the network, as an administrator would. */
async function startStandby(of: Placed, primaryPort: number): Promise<PostgresStandby> {
  const directory = quickDirectory(prefix, roomBytes);
  const owner = ownerOf(directory);
  const data = join(directory, 'data');
  await promisify(execFile)(
    join(programs, 'pg_basebackup'),
    [
      ...['-D', data, '-h', '127.0.0.1', '-p', `${primaryPort}`, '-U', 'kustody'],
      ...['-X', 'stream', '-R', '-c', 'fast', '--no-sync'],
    ],
    { ...owner, cwd: directory, env: { ...process.env, PGPASSWORD: databasePassword } },
  );
  const placed = { directory, data, owner, certificateFile: join(data, basename(of.certificateFile)) };
  const server = await serve(placed, ['wal_retrieve_retry_interval=100ms']);
  return {
    ...server,
    promote: async () => {
      await askPostgres(server, 'SELECT pg_promote(true, 600)');
    },
  };
}

/** As the administrator, one statement after the other. @returns rows of the last */
export async function askPostgres(
  { port }: Pick<Postgres, 'port'>,
  ...statements: readonly string[]
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const client = new pg.Client({
    ...{ host: '127.0.0.1', port, user: 'kustody', database: 'postgres', password: databasePassword },
  });
  await client.connect();
  try {
    let rows: readonly Readonly<Record<string, unknown>>[] = [];
    for (const statement of statements) ({ rows } = await client.query<Record<string, unknown>>(statement));
    return rows;
  } finally {
    await client.end();
  }
}

/** From now on a commit is acknowledged when a standby has it on the disk, too. Resolves when one that follows says so. */
export async function makeSynchronous(primary: Postgres): Promise<void> {
  await askPostgres(primary, `ALTER SYSTEM SET synchronous_standby_names = '*'`, 'SELECT pg_reload_conf()');
  const following = `SELECT 1 AS one FROM pg_stat_replication WHERE sync_state = 'sync'`;
  while ((await askPostgres(primary, following)).length === 0);
}

/** @param more such as another port */
export const openPostgres = (url: string, more: Partial<PostgresStoreOptions> = {}): Promise<PostgresStateStore> =>
  PostgresStateStore.open({
    address: parsePostgresAddress(url),
    password: () => databasePassword,
    randomBytes: systemRandomBytes,
    pause: () => Promise.resolve(),
    ...more,
  });

const prefix = 'kustody-postgres-';
const roomBytes = 512 * 1024 * 1024;

/** PostgreSQL does not run as root. */
function ownerOf(directory: string): { readonly uid?: number; readonly gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((text) => text.startsWith('postgres:'));
  const [, , uid = '65534', gid = '65534'] = line?.split(':') ?? [];
  chownSync(directory, Number(uid), Number(gid));
  return { uid: Number(uid), gid: Number(gid) };
}

interface Listening {
  readonly port: number;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
}
