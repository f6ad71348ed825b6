import { describe, expect, it } from 'vitest';
import type { Postgres, PostgresStandby } from '../../../tests/support/postgres.ts';
import {
  askPostgres,
  hasPostgres,
  makeSynchronous,
  openPostgres,
  startPostgres,
} from '../../../tests/support/postgres.ts';
import type { TcpWay } from '../../../tests/support/tcp-way.ts';
import { startTcpWay } from '../../../tests/support/tcp-way.ts';

const commits = 200;
const put = (id: string) => ({ ...{ table: 'a', id, expect: null }, put: { version: 1, value: Buffer.from(id) } });

const outcomeOf = (commit: Promise<void>): Promise<string> =>
  commit.then(
    () => 'made',
    (error: unknown) => (error instanceof Error ? error.name : String(error)),
  );

/** A primary, and a standby that follows it by a way that can be cut. */
interface Pair extends AsyncDisposable {
  readonly primary: Postgres;
  readonly standby: PostgresStandby;
  readonly replication: TcpWay;
  readonly url: string;
  /** The primary is gone for good, then the standby takes writes, at the same address. */
  failOver(): Promise<void>;
  /** Resolves when it has. */
  readonly failedOver: Promise<void>;
}

async function openPair(): Promise<Pair> {
  const primary = await startPostgres();
  const replication = await startTcpWay(() => [{ host: '127.0.0.1', port: primary.port }]);
  const standby = await primary.standby(replication.port);
  let current: Postgres = primary;
  const way = await startTcpWay(() => [{ host: '127.0.0.1', port: current.port }]);
  let tell = (): void => undefined;
  const failedOver = new Promise<void>((resolve) => (tell = resolve));
  return {
    ...{ primary, standby, replication, failedOver, url: primary.url('state', way.port) },
    async failOver() {
      await primary.stop();
      await standby.promote();
      current = standby;
      tell();
    },
    async [Symbol.asyncDispose]() {
      way.close();
      replication.close();
      await Promise.all([current === primary ? primary.stop() : undefined, standby.stop()]);
    },
  };
}

describe.skipIf(!hasPostgres)('a state whose database fails over to a standby', () => {
  /** Outcomes are looked up when there is a primary again. */
  const open = ({ url, failedOver }: Pair) => openPostgres(url, { pause: () => failedOver });

  const recordsOf = async (pair: Pair): Promise<readonly string[]> => {
    const store = await open(pair);
    const records = await store.list('a');
    await store.close();
    return records.map(({ id }) => id);
  };

  it('is not opened at the standby, which takes no writes, before it has taken over', async () => {
    await using pair = await openPair();
    await makeSynchronous(pair.primary); // else the standby may not have heard of the state yet
    const store = await open(pair);
    await store.close();
    await expect(openPostgres(pair.standby.url('state'))).rejects.toMatchObject({
      ...{
        name: 'StateDatabaseError',
        message: expect.stringContaining('takes no writes; give the primary') as string,
      },
    });
    await pair.failOver();
    const after = await openPostgres(pair.standby.url('state'));
    expect(after.id).toBe(store.id);
    await after.close();
  });

  it('has every commit that was acknowledged, and of the one under way what was told of it', async () => {
    await using pair = await openPair();
    await makeSynchronous(pair.primary);
    const store = await open(pair);
    const acknowledged: string[] = [];
    let failing: Promise<void> | undefined;
    for (let number = 1; number <= commits; number += 1) {
      const id = String(number).padStart(4, '0');
      const outcome = await outcomeOf(store.commit({ write: [put(id)] }));
      if (outcome === 'made') acknowledged.push(id);
      else expect(outcome).toBe('StateLostError'); // known not to be made
      if (outcome !== 'made') break;
      if (number === commits / 2) failing = pair.failOver();
    }
    await failing;
    expect(acknowledged.length).toBeGreaterThanOrEqual(commits / 2);
    expect((await store.lost).name).toBe('StateLostError');
    await store.close();
    expect(await recordsOf(pair)).toEqual(acknowledged);
  });

  it('acknowledges nothing that the standby does not have', async () => {
    await using pair = await openPair();
    await makeSynchronous(pair.primary);
    const store = await open(pair);
    await store.commit({ write: [put('before')] });
    pair.replication.set('silent');
    let isTold = false;
    const outcome = outcomeOf(store.commit({ write: [put('late')] })).finally(() => (isTold = true));
    const waiting = `SELECT 1 AS one FROM pg_stat_activity WHERE wait_event = 'SyncRep'`;
    while ((await askPostgres(pair.primary, waiting)).length === 0);
    expect(isTold).toBe(false);
    await pair.failOver();
    expect(await outcome).toBe('StateLostError');
    await store.close();
    expect(await recordsOf(pair)).toEqual(['before']);
  });

  it('loses what was acknowledged where the standby is asynchronous, as status says', async () => {
    await using pair = await openPair();
    const store = await open(pair);
    expect(await store.failover()).toContain('Failover is asynchronous');
    await store.commit({ write: [put('before')] });
    const written = await askPostgres(pair.primary, 'SELECT pg_current_wal_flush_lsn()::text AS at');
    const reached = `SELECT pg_last_wal_replay_lsn() >= '${String(written[0]?.['at'])}' AS reached`;
    while ((await askPostgres(pair.standby, reached))[0]?.['reached'] !== true);
    pair.replication.set('silent');
    await store.commit({ write: [put('late')] });
    await pair.failOver();
    await store.lost;
    await store.close();
    expect(await recordsOf(pair)).toEqual(['before']);
  });
});
