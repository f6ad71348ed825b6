import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { PostgresAddress } from '../state/postgres/postgres-address.ts';
import type { StatePlace } from '../server/state-place.ts';
import { readDescriptor } from './read-descriptor.ts';
import { UserError } from './user-error.ts';

/** What `--state` and `--state-password-fd` say.
 * @throws UserError */
export function statePlaceOf(options: {
  readonly state?: PostgresAddress;
  readonly statePasswordFd?: number;
}): StatePlace | undefined {
  const { state: address, statePasswordFd: descriptor } = options;
  if (address === undefined) {
    if (descriptor === undefined) return undefined;
    throw new UserError('--state-password-fd is for a state that --state names.');
  }
  const given = descriptor === undefined ? undefined : readDescriptor(descriptor, passwordOf);
  return { address, password: () => given ?? passwordElsewhere(address, process.env) };
}

/** @param bytes one character each */
const passwordOf = (bytes: string): string =>
  Buffer.from(bytes, 'latin1')
    .toString('utf8')
    .replace(/\r?\n$/, '');

/** As libpq finds it: PGPASSWORD, else the line of the password file.
 * @throws UserError */
function passwordElsewhere(address: PostgresAddress, env: NodeJS.ProcessEnv): string {
  if (env['PGPASSWORD']) return env['PGPASSWORD'];
  const file = env['PGPASSFILE'] || join(homedir(), '.pgpass');
  const status = statSync(file, { throwIfNoEntry: false });
  if (status !== undefined && process.platform !== 'win32' && (status.mode & 0o077) !== 0)
    throw new UserError(`Others may read the password file ${file}. Take their rights away (chmod 600).`);
  const password = status === undefined ? undefined : passwordIn(readFileSync(file, 'utf8'), address);
  if (password !== undefined) return password;
  throw new UserError(
    'PostgreSQL asks for a password, and there is none.',
    'Give it in PGPASSFILE (~/.pgpass), in PGPASSWORD, or by --state-password-fd.',
  );
}

/** Lines `host:port:database:user:password`; `*` stands for all, a backslash before `:` and itself (PostgreSQL, The Password File). */
export function passwordIn(text: string, { host, port, database, user }: PostgresAddress): string | undefined {
  const wanted = [host.startsWith('/') ? 'localhost' : host, String(port), database, user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue;
    const fields = [...line.matchAll(/((?:[^:\\]|\\.)*)(?::|$)/g)].map(([, field = '']) =>
      field.replaceAll(/\\(.)/g, '$1'),
    );
    const [password] = fields.slice(4, 5);
    if (password !== undefined && wanted.every((value, at) => fields[at] === '*' || fields[at] === value))
      return password;
  }
  return undefined;
}
