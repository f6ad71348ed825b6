import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { Postgres } from '../../../tests/support/postgres.ts';
import { databasePassword, hasPostgres, openPostgres, startPostgres } from '../../../tests/support/postgres.ts';
import { until } from '../../../tests/support/until.ts';
import type { PostgresStateStore } from './postgres-state-store.ts';

describe.skipIf(!hasPostgres)('whose turn it is to serve a state', () => {
  let server: Postgres | undefined;
  let schemas = 0;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  const freshUrl = (): string => server?.url(`turns_${(schemas += 1)}`) ?? '';

  /** A node with a clock of its own, which its pauses move. */
  const nodeOf = (url: string, host: string, standsBy = true) => {
    const seen = { waitedMs: 0, told: [] as (string | undefined)[] };
    const looked: (string | undefined)[] = [];
    const id = newGuid(systemRandomBytes);
    /** @param meanwhile what others do in each pause */
    const open = (
      meanwhile: () => void | Promise<void> = () => undefined,
      hindered?: (isDue: boolean) => string | undefined,
    ): Promise<PostgresStateStore> => {
      seen.waitedMs = 0;
      return openPostgres(url, {
        pause: async (milliseconds) => {
          seen.waitedMs += milliseconds;
          await meanwhile();
        },
        turn: {
          ...{ node: { id, host, version: '1.0.0' }, standsBy, monotonicMs: () => seen.waitedMs },
          told: (served) => seen.told.push(served),
          looked: (served) => looked.push(served?.text),
          ...(hindered && { hindered: (isDue) => Promise.resolve(hindered(isDue)) }),
        },
      });
    };
    return { seen, looked, open };
  };

  const ask = async (sql: string): Promise<pg.QueryResult<{ readonly count?: string }>> => {
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: server?.port ?? 0, user: 'kustody', database: 'postgres' },
      password: databasePassword,
    });
    await client.connect();
    const result = await client.query<{ readonly count?: string }>(sql);
    await client.end();
    return result;
  };
  const cutOff = async (url: string): Promise<void> => {
    const schema = new URL(url).searchParams.get('schema');
    await ask(`SELECT pg_terminate_backend(backend, 10000) FROM ${schema}.heartbeat`);
  };
  /** Connections that wait for their turn. */
  const waitingCount = async (): Promise<number> => {
    const { rows } = await ask(`SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kustody stands by'`);
    return Number(rows[0]?.count);
  };

  it('comes at once when the one before has ended in order, and for the node that served', async () => {
    const url = freshUrl();
    const [east, west] = [nodeOf(url, 'east'), nodeOf(url, 'west')];
    const first = await east.open();
    await first.beat();
    await first.close();
    const second = await west.open();
    await second.beat();
    await cutOff(url);
    await second.lost;
    await second.close();
    const again = await west.open();
    expect([east, west].map(({ seen }) => [seen.waitedMs, seen.told])).toEqual([
      [0, []],
      [0, []],
    ]);
    await again.close();
  });

  it('comes when nobody has heard of one that broke off for longer than it may answer', async () => {
    const url = freshUrl();
    const [east, west] = [nodeOf(url, 'east'), nodeOf(url, 'west', false)];
    const first = await east.open();
    await first.beat();
    await cutOff(url);
    await first.lost;
    const second = await west.open();
    expect(west.seen).toEqual({ waitedMs: 6_000, told: ['east'] });
    await Promise.all([first.close(), second.close()]);
  });

  it('counts from the last heartbeat that was seen, on a clock of its own', async () => {
    const url = freshUrl();
    const [east, west] = [nodeOf(url, 'east'), nodeOf(url, 'west')];
    const first = await east.open();
    await first.beat();
    // Whoever serves now and then breaks off.
    const second = await west.open(async () => {
      if (west.seen.waitedMs <= 9_000) await first.beat();
      else if (west.seen.waitedMs === 11_000) await cutOff(url);
    });
    expect(west.seen.waitedMs).toBe(15_000);
    await Promise.all([first.close(), second.close()]);
  });

  it('is taken from one that holds the state and is silent: it commits nothing any more', async () => {
    const url = freshUrl();
    const [east, west] = [nodeOf(url, 'east'), nodeOf(url, 'west')];
    const old = await east.open();
    await old.beat();
    const put = (version: number) => ({
      ...{ table: 'a', id: 'x', expect: version > 1 ? version - 1 : null },
      put: { version, value: Buffer.from('v') },
    });
    await old.commit({ write: [put(1)] });
    const next = await west.open();
    expect(west.seen.told).toEqual(['east']);
    await expect(old.commit({ write: [put(2)] })).rejects.toMatchObject({ name: 'StateLostError' });
    await expect(old.beat()).rejects.toMatchObject({ name: 'StateLostError' });
    await next.beat();
    await next.commit({ write: [put(2)] });
    await Promise.all([old.close(), next.close()]);
  });

  it('is taken from one that waits for it and is paused meanwhile, which then has no part in it', async () => {
    const url = freshUrl();
    const [east, west, south] = [nodeOf(url, 'east'), nodeOf(url, 'west'), nodeOf(url, 'south')];
    const first = await east.open();
    await first.beat();
    await cutOff(url);
    await first.lost;
    let wake = (): void => undefined;
    const paused = new Promise<void>((resolve) => (wake = resolve));
    let hasLock = (): void => undefined;
    const locked = new Promise<void>((resolve) => (hasLock = resolve));
    const waiting = west.open(() => {
      hasLock();
      return paused;
    });
    waiting.catch(() => undefined); // asked below
    await locked;
    const next = await south.open(async () => {
      if (south.seen.waitedMs > 9_000) throw new Error('Its turn does not come.');
      // The connection has been told to end, which the server does when it comes to it.
      if (south.seen.waitedMs > 7_000) await until(async () => (await waitingCount()) === 1);
    });
    await next.beat();
    wake();
    await expect(waiting).rejects.toThrow();
    await next.commit({
      write: [{ table: 'a', id: 'x', expect: null, put: { version: 1, value: Buffer.from('v') } }],
    });
    await Promise.all([first.close(), next.close()]);
  });

  it('is waited for while a command has the state open, which tells nothing of one that broke off before', async () => {
    const url = freshUrl();
    const [east, west] = [nodeOf(url, 'east'), nodeOf(url, 'west')];
    const first = await east.open();
    await first.beat();
    await cutOff(url);
    await first.lost;
    let command = await openPostgres(url);
    const second = await west.open(async () => {
      if (west.seen.waitedMs === 60_000) await command.close();
    });
    expect(west.seen.waitedMs).toBe(60_000);
    await second.beat();
    await cutOff(url);
    await second.lost;
    command = await openPostgres(url);
    await command.close();
    const third = await east.open();
    expect(east.seen.waitedMs).toBe(6_000);
    await Promise.all([first, second, third].map((store) => store.close()));
  });

  it('tells meanwhile where the one that serves is reached, as long as it is, in states of an older format, too', async () => {
    const url = freshUrl();
    const [east, west] = [nodeOf(url, 'east'), nodeOf(url, 'west')];
    const first = await east.open();
    await first.beat();
    const second = await west.open(async () => {
      if (west.seen.waitedMs === 1_000) await first.advertise('east:7490');
      else if (west.seen.waitedMs === 2_000) await first.beat();
      else if (west.seen.waitedMs === 3_000) await first.advertise(undefined);
      else if (west.seen.waitedMs === 4_000) await first.close();
    });
    expect(west.looked).toEqual([undefined, 'east:7490', 'east:7490', undefined]);
    await second.beat();
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: server?.port ?? 0, user: 'kustody', database: 'postgres' },
      password: databasePassword,
    });
    await client.connect();
    const schema = new URL(url).searchParams.get('schema');
    await client.query(
      `ALTER TABLE ${schema}.heartbeat DROP COLUMN advertised; DROP TABLE ${schema}.node; UPDATE ${schema}.state SET format = 2`,
    );
    await client.end();
    await cutOff(url);
    await second.lost;
    const third = await east.open();
    expect(east.looked).toEqual(Array.from({ length: 6 }));
    await third.beat();
    await third.advertise('east:7490');
    await Promise.all([second, third].map((store) => store.close()));
  });

  it('is not that of one that could not serve, which is in nobody’s way, and takes it once it can', async () => {
    const url = freshUrl();
    const [east, west, south] = [nodeOf(url, 'east'), nodeOf(url, 'west'), nodeOf(url, 'south')];
    const first = await east.open();
    await first.beat();
    await cutOff(url);
    await first.lost;
    const second = await west.open(
      async () => {
        if (west.seen.waitedMs !== 10_000) return;
        const other = await south.open();
        expect(south.seen.waitedMs).toBe(6_000);
        await other.close();
      },
      () => (west.seen.waitedMs < 20_000 ? 'no blobs' : undefined),
    );
    expect(west.seen).toEqual({ waitedMs: 20_000, told: ['east'] });
    await Promise.all([first.close(), second.close()]);
  });

  it('is given back by one that finds, when it has come, that it could not serve', async () => {
    const url = freshUrl();
    const [west, south] = [nodeOf(url, 'west'), nodeOf(url, 'south')];
    let isAway = true;
    const second = await west.open(
      async () => {
        const other = await south.open();
        expect(south.seen.waitedMs).toBe(0);
        await other.close();
        isAway = false;
      },
      (isDue) => (isDue && isAway ? 'no blobs' : undefined),
    );
    expect(west.seen.waitedMs).toBe(1_000);
    await second.close();
  });

  it('is nobody else’s while one serves, for those that do not stand by', async () => {
    const url = freshUrl();
    const first = await nodeOf(url, 'east').open();
    await first.beat();
    await expect(nodeOf(url, 'west', false).open()).rejects.toMatchObject({ name: 'StateInUseError' });
    await first.close();
  });
});
