import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { passwordIn } from '../../src/cli/state-place.ts';
import { reset } from '../../src/cli/reset-action.ts';
import type { StatePlace } from '../../src/server/state-place.ts';
import { openStore } from '../../src/server/state-place.ts';
import { parsePostgresAddress } from '../../src/state/postgres/postgres-address.ts';
import { checkTable } from '../../src/state/tree/build-trees.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import type { Postgres } from '../support/postgres.ts';
import { databasePassword, hasPostgres, startPostgres } from '../support/postgres.ts';

describe.skipIf(!hasPostgres)('a state in PostgreSQL', () => {
  let server: Postgres | undefined;
  const urlOf = (schema: string): string => server?.url(schema) ?? '';
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  it('is served until its connection is lost, then by the next start, and no secret is told', async () => {
    using directory = temporaryDirectory();
    const [data, key, password] = ['data', 'key', 'password'].map((name) => join(directory.path, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(key, 'ab'.repeat(32));
    writeFileSync(password, `${databasePassword}\n`);
    const descriptors = [openSync(key, 'r'), openSync(password, 'r')];
    const secrets = ['--root-key-fd', '3', '--state-password-fd', '4'];
    const up = startKustody(['up', '--data', data, '--seed', '--state', urlOf('served'), ...secrets], {}, descriptors);
    await up.printed('Stop with');
    for (const descriptor of descriptors) closeSync(descriptor);
    const subscription = ['--', 'sh', '-c', 'echo $AZURE_SUBSCRIPTION_ID'];
    const [status, joined] = await Promise.all([
      kustody(['status', '--data', data]),
      kustody(['run', '--data', data, ...subscription]),
    ]);
    expect(status.stdout).toContain('(schema served)');
    expect(status.stdout).toContain('PostgreSQL keeps sealed records that were replaced or deleted');
    expect(status.stdout).toContain('Failover is asynchronous: a standby that takes over may lack commits');
    const doctor =
      'kustody doctor --resource-group kustody --cluster kustody; kustody doctor --resource-group kustody --cluster kustody --json';
    const told = await kustody(['run', '--data', data, '--', 'sh', '-c', doctor]);
    expect(told.stdout).toMatch(
      /^Besides, the state of this Kustody, .*\(schema served\): Failover is asynchronous: /m,
    );
    expect(told.stdout).toMatch(/"failover": "Failover is asynchronous: /);
    expect(status.stdout).toMatch(/^ {2}root key {15}[0-9a-f]{32}, given by a file descriptor$/m);
    expect(told.stdout).toMatch(/^Besides, the root key of this Kustody: [0-9a-f]{32}, given by a file descriptor\.$/m);
    expect(told.stdout).toMatch(/"kept": \{\s*"place": "descriptor"\s*\}/);
    const seen = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${up.process.pid}/${name}`, 'latin1'));
    await ended('served');
    const { code, stdout, stderr } = await up.result;
    expect({ code, why: /^kustody: The state .* is lost: .*$/m.test(stderr) }).toEqual({ code: 1, why: true });
    const log = readFileSync(join(data, 'kustody.log'), 'utf8');
    expect(log).toContain('state-lost');
    // Its last letter is two bytes.
    const traced = databasePassword.slice(0, -1);
    for (const text of [...seen, log, stdout, stderr]) expect(text).not.toContain(traced);

    const passwords = join(directory.path, 'pgpass');
    writeFileSync(passwords, `*:*:*:*:${databasePassword.replaceAll(/[:\\]/g, '\\$&')}\n`, { mode: 0o600 });
    const environment = { KUSTODY_ROOT_KEY: 'ab'.repeat(32), PGPASSFILE: passwords };
    const both = ['--', 'sh', '-c', `echo $AZURE_SUBSCRIPTION_ID; ${doctor}`];
    const again = await kustody(['run', '--data', data, '--state', urlOf('served'), ...both], environment);
    expect(again.stdout.startsWith(joined.stdout)).toBe(true);
    expect(again.stdout).toContain('(schema served): Failover is asynchronous: ');
    expect(again.stdout + again.stderr).not.toContain(traced);
    expect(joined.stdout).toMatch(/^[0-9a-f-]{36}\n$/);
  });

  it('and a data directory belong to each other', async () => {
    using directory = temporaryDirectory();
    const [one, other, own] = ['one', 'other', 'own'].map((name) => {
      mkdirSync(join(directory.path, name), { mode: 0o700 });
      return join(directory.path, name);
    }) as [string, string, string];
    const open = (
      dataDirectory: string,
      schema?: string,
      rootKey: RootKey | null = new RootKey(Buffer.alloc(32, 1)),
    ) => {
      const place: StatePlace | undefined =
        schema === undefined
          ? undefined
          : { address: parsePostgresAddress(urlOf(schema)), password: () => databasePassword };
      return openStore({ dataDirectory, ...(rootKey && { rootKey }), ...(place && { statePlace: place }) });
    };
    const first = await open(one, 'first');
    await expect(open(other, 'first')).rejects.toMatchObject({ name: 'StateInUseError' });
    await expect(open(one, 'first')).rejects.toMatchObject({ name: 'StateLockedError' });
    // As `isSealed` knows a state.
    await first.store.commit({
      write: [{ table: checkTable, id: 'check', expect: null, put: { version: 1, value: Buffer.from('x') } }],
    });
    await first.close();
    await (await open(one, 'first')).close();
    await expect(open(one)).rejects.toThrow('Give its address with --state');
    await expect(open(one, 'second')).rejects.toThrow('belongs to another state');
    await expect(open(other, 'first')).rejects.toThrow('belongs to another data directory');
    await expect(open(other, 'third', null)).rejects.toThrow('KUSTODY_ROOT_KEY');
    const embedded = await open(own);
    await embedded.store.commit({
      write: [{ table: 'a', id: 'x', expect: null, put: { version: 1, value: Buffer.from('x') } }],
    });
    await embedded.close();
    await expect(open(own, 'fourth')).rejects.toThrow('holds a state of its own');
    await expect(reset({ data: one, yes: true })).rejects.toThrow("which 'kustody reset' does not delete");
  });

  /** Ends the connections of a state, as a restart of the server does. */
  async function ended(schema: string): Promise<void> {
    const { port = 0 } = server ?? {};
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port, user: 'kustody', database: 'postgres', password: databasePassword },
    });
    await client.connect();
    const { rowCount } = await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kustody'`,
    );
    expect({ schema, rowCount }).toEqual({ schema, rowCount: 2 });
    await client.end();
  }
});

describe('a password file', () => {
  it('has the first line that fits, as libpq reads it', () => {
    const address = parsePostgresAddress('postgres://me@db:5433/data');
    const lines = [
      '# db:5433:data:me:commented',
      'db:5432:data:me:port',
      'db:*:other:me:database',
      'db:5433:*:me:a\\:b\\\\c',
      '*:*:*:*:any',
    ];
    expect(passwordIn(lines.join('\n'), address)).toBe('a:b\\c');
    expect(passwordIn(lines.slice(0, 3).join('\n'), address)).toBeUndefined();
    expect(passwordIn('*:*:*:*:any\r\n', address)).toBe('any');
  });
});
