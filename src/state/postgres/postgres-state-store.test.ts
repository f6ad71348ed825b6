import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cut } from '../../../tests/support/cutting-proxy.ts';
import { startCuttingProxy } from '../../../tests/support/cutting-proxy.ts';
import type { Postgres } from '../../../tests/support/postgres.ts';
import { databasePassword, hasPostgres, openPostgres, startPostgres } from '../../../tests/support/postgres.ts';
import { stateStoreConformance } from '../state-store.conformance.ts';
import type { RecordCommit, RecordExpectation, RecordWrite } from '../state-store.ts';

const put = (id: string, expect: number | null, version: number): RecordWrite => ({
  ...{ table: 'a', id, expect },
  put: { version, value: Buffer.from(`${id} ${version}`) },
});
const toldOf = (commit: Promise<void>): Promise<string> =>
  commit.then(
    () => 'made',
    (error: unknown) => (error instanceof Error ? error.name : ''),
  );
const absent = (id: string): RecordExpectation => ({ table: 'a', id, expect: null });

describe.skipIf(!hasPostgres)('PostgresStateStore', () => {
  let server: Postgres | undefined;
  let schemas = 0;
  const urlOf = (schema: string, port?: number): string => server?.url(schema, port) ?? '';
  const fresh = (port?: number): string => urlOf(`state_${(schemas += 1)}`, port);
  const administrator = async (): Promise<pg.Client> => {
    const { port = 0 } = server ?? {};
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port, user: 'kustody', database: 'postgres', password: databasePassword },
    });
    await client.connect();
    return client;
  };
  const asked = async (...statements: string[]): Promise<void> => {
    const client = await administrator();
    for (const statement of statements) await client.query(statement);
    await client.end();
  };
  /** Until so many connections of stores wait for somebody. */
  const waitingForLocks = async (client: pg.Client, wanted: number): Promise<void> => {
    for (let waiting = 0; waiting < wanted;) {
      const { rows } = await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted`);
      waiting = rows[0]?.n ?? 0;
    }
  };
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  stateStoreConformance('PostgresStateStore', () => {
    const url = fresh();
    return { open: () => openPostgres(url, { alone: false }), shared: true };
  });

  it('is opened by one at a time', async () => {
    const url = fresh();
    const first = await openPostgres(url);
    await expect(openPostgres(url)).rejects.toMatchObject({ name: 'StateInUseError' });
    await first.close();
    const second = await openPostgres(url);
    expect(second.id).toBe(first.id);
    await second.close();
  });

  it('leaves a handle nothing that another has taken over, whatever became of its lock', async () => {
    const url = fresh();
    const old = await openPostgres(url, { alone: false });
    await old.commit({ write: [put('x', null, 1)] });
    const next = await openPostgres(url);
    await expect(old.commit({ write: [put('x', 1, 2)] })).rejects.toMatchObject({ name: 'StateLostError' });
    expect((await old.lost).message).toContain('taken it over');
    await next.commit({ write: [put('x', 1, 3)] });
    await Promise.all([old.close(), next.close()]);
  });

  it('makes the others of a group in which one expects what another handle has changed', async () => {
    const url = fresh();
    const [left, right] = [await openPostgres(url, { alone: false }), await openPostgres(url, { alone: false })];
    await left.commit({ write: [put('x', null, 1)] });
    await right.commit({ write: [put('x', 1, 2)] });
    const group = [[put('x', 1, 3), put('y', null, 1)], [put('z', null, 1)], [put('x', 2, 4)], [put('y', null, 5)]];
    const results = await Promise.allSettled(group.map((write) => left.commit({ write })));
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled']);
    expect((await right.list('a')).map(({ id, version }) => [id, version])).toEqual([
      ['x', 4],
      ['y', 5],
      ['z', 1],
    ]);
    await Promise.all([left.close(), right.close()]);
  });

  it('lets one of two win that each expect what the other makes not to be there, however they meet', async () => {
    const url = fresh();
    const [left, right] = [await openPostgres(url, { alone: false }), await openPostgres(url, { alone: false })];
    await left.commit({ write: [put('l', null, 1), put('r', null, 1)] });
    // Whoever changes a record is held after its look at what it expects, and before it is made.
    const holder = await administrator();
    await asked(
      `CREATE FUNCTION state_${schemas}.hold() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NULL; END'`,
      `CREATE TRIGGER hold AFTER UPDATE ON state_${schemas}.record EXECUTE FUNCTION state_${schemas}.hold()`,
    );
    await holder.query('SELECT pg_advisory_lock(1)');
    const both = Promise.allSettled([
      left.commit({ expect: [absent('b')], write: [put('a', null, 1), put('l', 1, 2)] }),
      right.commit({ expect: [absent('a')], write: [put('b', null, 1), put('r', 1, 2)] }),
    ]);
    await waitingForLocks(holder, 2);
    await holder.query('SELECT pg_advisory_unlock(1)');
    expect((await both).map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(await left.list('a')).toHaveLength(3);
    await Promise.all([left.close(), right.close(), holder.end()]);
  });

  it.each<[string, RecordCommit, string]>([
    ['changes what a commit changes', { write: [put('x', 1, 2)] }, `UPDATE record SET version = 9 WHERE id = 'x'`],
    [
      'changes what one expects',
      { expect: [{ table: 'a', id: 'x', expect: 1 }], write: [] },
      `UPDATE record SET version = 9 WHERE id = 'x'`,
    ],
    ['removes what one changes', { write: [put('x', 1, 2)] }, `DELETE FROM record WHERE id = 'x'`],
    ['makes what one makes', { write: [put('n', null, 1)] }, `INSERT INTO record VALUES ('a', 'n', 9, 'v')`],
  ])('waits for somebody who %s, and goes by what comes of that', async (_, named, statement) => {
    for (const end of ['ROLLBACK', 'COMMIT']) {
      const store = await openPostgres(fresh());
      await store.commit({ write: [put('x', null, 1), put('y', null, 1)] });
      const holder = await administrator();
      await holder.query(`SET search_path = state_${schemas}`);
      await holder.query('BEGIN');
      await holder.query(statement);
      const told = toldOf(store.commit({ ...named, write: [put('m', null, 1), put('y', 1, 2), ...named.write] }));
      await waitingForLocks(holder, 1);
      await holder.query(end);
      const isMade = end === 'ROLLBACK';
      expect(await told).toBe(isMade ? 'made' : 'StateConflictError');
      const there = await store.list('a');
      expect(there.filter(({ id }) => id === 'm' || id === 'y').map(({ version }) => version)).toEqual(
        isMade ? [1, 2] : [1],
      );
      await Promise.all([store.close(), holder.end()]);
    }
  });

  it.each([
    ['before', 'StateLostError', []],
    ['after', 'made', []],
    ['before', 'StateLostError', [absent('z')]],
    ['after', 'made', [absent('z')]],
  ] satisfies [Cut, string, RecordExpectation[]][])(
    'answers by what came of a commit whose connection is cut %s it (%s; it expects %j)',
    async (when, outcome, expected) => {
      const proxy = await startCuttingProxy(server?.port ?? 0);
      const url = fresh(proxy.port);
      const store = await openPostgres(url);
      await store.commit({ write: [put('x', null, 1)] });
      proxy.cutAt('kustody-commit', when);
      expect(await toldOf(store.commit({ expect: expected, write: [put('x', 1, 2)] }))).toBe(outcome);
      expect((await store.lost).name).toBe('StateLostError');
      await expect(store.commit({ write: [put('y', null, 1)] })).rejects.toMatchObject({ name: 'StateLostError' });
      await expect(store.get('a', 'x')).rejects.toMatchObject({ name: 'StateLostError' });
      await store.close();
      const again = await openPostgres(url);
      expect((await again.get('a', 'x'))?.version).toBe(outcome === 'made' ? 2 : 1);
      await again.close();
      proxy.close();
    },
  );

  it('waits for a commit that still runs when its connection is cut', async () => {
    const proxy = await startCuttingProxy(server?.port ?? 0);
    const url = fresh(proxy.port);
    const store = await openPostgres(url);
    await store.commit({ write: [put('x', null, 1)] });
    const holder = await administrator();
    await holder.query('BEGIN');
    await holder.query(`SELECT FROM state_${schemas}.record FOR UPDATE`);
    proxy.cutAt('kustody-commit', 'underWay');
    const commit = store.commit({ write: [put('x', 1, 2)] });
    // The commit waits for the record, and whoever asks what came of it for the commit.
    await waitingForLocks(holder, 2);
    await holder.query('COMMIT');
    await commit;
    await Promise.all([store.close(), holder.end()]);
    const again = await openPostgres(url);
    expect((await again.get('a', 'x'))?.version).toBe(2);
    await again.close();
    proxy.close();
  });

  it('tells those who read at once when it is lost, whatever their answer waits for', async () => {
    const proxy = await startCuttingProxy(server?.port ?? 0);
    const store = await openPostgres(fresh(proxy.port));
    await store.commit({ write: [put('x', null, 1)] });
    const holder = await administrator();
    await holder.query('BEGIN');
    await holder.query(`LOCK TABLE state_${schemas}.record IN ACCESS EXCLUSIVE MODE`);
    const reading = store.get('a', 'x').catch((error: unknown) => error);
    await waitingForLocks(holder, 1);
    proxy.cutAt('kustody-commit', 'before');
    await expect(store.commit({ write: [put('y', null, 1)] })).rejects.toMatchObject({ name: 'StateLostError' });
    // The lock is held still.
    expect(await reading).toMatchObject({ name: 'StateLostError' });
    await Promise.all([store.close(), holder.end()]);
    proxy.close();
  });

  it('says so when what came of a commit cannot be found out', async () => {
    const proxy = await startCuttingProxy(server?.port ?? 0);
    const store = await openPostgres(fresh(proxy.port));
    await store.commit({ write: [put('x', null, 1)] });
    proxy.cutAt('kustody-commit', 'after', true);
    const commit = store.commit({ write: [put('x', 1, 2)] });
    await expect(commit).rejects.toMatchObject({ name: 'StateOutcomeUnknownError' });
    await store.close();
    proxy.close();
  });

  it('has its tables made once, by however many at a time', async () => {
    const url = fresh();
    const stores = await Promise.all([1, 2, 3, 4].map(() => openPostgres(url, { alone: false })));
    expect(new Set(stores.map(({ id }) => id)).size).toBe(1);
    await Promise.all(stores.map((store) => store.close()));
    await asked(`UPDATE state_${schemas}.state SET format = 99`);
    await expect(openPostgres(url)).rejects.toMatchObject({ name: 'StateFormatTooNewError' });
    await asked('CREATE SCHEMA foreign_one', 'CREATE TABLE foreign_one.mine (n int)');
    await expect(openPostgres(urlOf('foreign_one'))).rejects.toThrow("tables that are not Kustody's");
  });

  it('is brought from an old format once, by however many at a time, and keeps what it has', async () => {
    const url = fresh();
    const first = await openPostgres(url);
    await first.commit({ write: [put('x', null, 1)] });
    await first.close();
    const schema = `state_${schemas}`;
    await asked(
      `ALTER TABLE ${schema}.heartbeat DROP COLUMN advertised`,
      `DROP TABLE ${schema}.node`,
      `UPDATE ${schema}.state SET format = 2`,
    );
    const stores = await Promise.all([1, 2, 3, 4].map(() => openPostgres(url, { alone: false })));
    expect(stores.map(({ id, written }) => [id, written])).toEqual(stores.map(() => [first.id, 4]));
    for (const store of stores) {
      expect((await store.get('a', 'x'))?.version).toBe(1);
      expect(await store.nodes()).toEqual([]); // the table is there
      await store.close();
    }
  });

  it.each([
    ['synchronous_commit = off', 'synchronous_commit = off'],
    ['default_transaction_read_only = on', 'takes no writes'],
  ])('refuses a database with %s', async (setting, why) => {
    await asked(`ALTER ROLE kustody SET ${setting}`);
    try {
      await expect(openPostgres(fresh())).rejects.toThrow(why);
    } finally {
      await asked('SET default_transaction_read_only = off', 'ALTER ROLE kustody RESET ALL');
    }
  });

  it('refuses fsync = off, at the start, and at a commit when it comes later', async () => {
    const store = await openPostgres(fresh());
    const reload = 'SELECT pg_reload_conf()';
    await asked('ALTER SYSTEM SET fsync = off', reload);
    try {
      const write = async (): Promise<void> => {
        for (let version = 1; ; version += 1)
          await store.commit({ write: [put('x', version > 1 ? version - 1 : null, version)] });
      };
      await expect(write()).rejects.toThrow('fsync or synchronous_commit = off'); // whenever the server has heard of it
      await expect(openPostgres(fresh())).rejects.toThrow('fsync = off');
    } finally {
      await asked('ALTER SYSTEM RESET fsync', reload);
      await store.close();
    }
  });

  it('says whether a failover is synchronous, as the server has it now', async () => {
    const store = await openPostgres(fresh());
    expect(await store.failover()).toContain('Failover is asynchronous');
    const reload = 'SELECT pg_reload_conf()';
    await asked(`ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (east, west)'`, reload);
    try {
      while (!(await store.failover()).includes('standbys of ANY 1 (east, west) have commits on the disk'));
    } finally {
      await asked('ALTER SYSTEM RESET synchronous_standby_names', reload);
      while (!(await store.failover()).includes('asynchronous'));
      await store.close();
    }
  });

  it('speaks TLS to a server whose certificate is that of the host, and to no other', async () => {
    const certificate = server?.certificateFile ?? '';
    const good = await openPostgres(`${fresh()}&sslrootcert=${certificate}`);
    await good.close();
    await expect(openPostgres(`${fresh()}&sslmode=verify-full`)).rejects.toThrow(/self.signed/);
    const named = fresh().replace('127.0.0.1', 'localhost');
    await expect(openPostgres(`${named}&sslrootcert=${certificate}`)).rejects.toThrow(
      "does not match certificate's altnames",
    );
  });

  it('tells no password, neither the right one nor a wrong one', async () => {
    const failed = await openPostgres(fresh(), { password: () => 'secret-4711' }).catch((error: unknown) => error);
    expect(failed).toMatchObject({ name: 'StateDatabaseError' });
    expect(JSON.stringify(failed) + String(failed) + String((failed as Error).cause)).not.toContain('4711');
  });

  it('refuses a name that its index cannot hold', async () => {
    const store = await openPostgres(fresh());
    await expect(store.commit({ write: [put('語'.repeat(1000), null, 1)] })).rejects.toMatchObject({
      name: 'StateNameTooLongError',
    });
    await store.close();
  });
});
