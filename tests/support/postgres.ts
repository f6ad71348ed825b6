import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { systemRandomBytes } from '../../src/base/random.ts';
import { parsePostgresAddress } from '../../src/state/postgres/postgres-address.ts';
import { PostgresStateStore } from '../../src/state/postgres/postgres-state-store.ts';
import type { PostgresStoreOptions } from '../../src/state/postgres/postgres-state-store.ts';
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
  stop(): Promise<void>;
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
  const listening = async (at?: number): Promise<Listening> => {
    const port = at ?? (await freePort());
    const flags = [`port=${port}`, 'listen_addresses=127.0.0.1', `unix_socket_directories=${directory}`, 'ssl=on'];
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
        if (said.includes('ready to accept connections')) resolve(true);
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
    async stop() {
      await kill();
      rmSync(directory, { recursive: true, force: true });
    },
  };
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

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('A port is a number.');
  return address.port;
}
