import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Postgres } from '../../../tests/support/postgres.ts';
import { databasePassword, hasPostgres, openPostgres, startPostgres } from '../../../tests/support/postgres.ts';

const rounds = 20;
const put = (id: string) => ({
  ...{ table: 'a', id, expect: null },
  put: { version: 1, value: Buffer.from('v') },
});

describe.skipIf(!hasPostgres)('a writer that was taken over from between its read and its write', () => {
  let server: Postgres | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  /** Each round: it reads, it is taken over from, it writes what nobody else has touched; its connection holds, as that of a process that was paused
   * and woke before its server noticed. @returns how many of its commits were made, as it was told and as they are there */
  async function wakesLate(url: string): Promise<{ readonly told: number; readonly there: number }> {
    let told = 0;
    for (let round = 0; round < rounds; round += 1) {
      const old = await openPostgres(url, { alone: false });
      await old.commit({ write: [put(`before ${round}`)] });
      expect(await old.get('a', `late ${round}`)).toBeUndefined();
      const next = await openPostgres(url);
      const commit = old.commit({ write: [put(`late ${round}`)] });
      told += await commit.then(
        () => 1,
        () => 0,
      );
      await Promise.all([old.close(), next.close()]);
    }
    const store = await openPostgres(url);
    const records = await store.list('a', { prefix: 'late ' });
    expect(await store.list('a', { prefix: 'before ' })).toHaveLength(rounds);
    await store.close();
    return { told, there: records.length };
  }

  /** The epoch that each commit expects is that its writer is not closed. */
  async function withoutFence(url: string): Promise<void> {
    const { port = 0 } = server ?? {};
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port, user: 'kustody', database: 'postgres', password: databasePassword },
    });
    await client.connect();
    const schema = new URL(url).searchParams.get('schema') ?? '';
    const { rows } = await client.query<{ made: string }>(
      `SELECT pg_get_functiondef(oid) AS made FROM pg_proc WHERE proname = 'commit_group' AND pronamespace = $1::regnamespace`,
      [schema],
    );
    const [fence, made] = [' AND NOT closed', rows[0]?.made ?? ''];
    expect(made.split(fence)).toHaveLength(2);
    await client.query(made.replace(fence, ''));
    await client.end();
  }

  it('commits nothing', async () => {
    expect(await wakesLate(server?.url('fenced') ?? '')).toEqual({ told: 0, there: 0 });
  });

  it('is stopped by the fence alone: without it everything that it writes is there, and acknowledged', async () => {
    const url = server?.url('unfenced') ?? '';
    await (await openPostgres(url)).close();
    await withoutFence(url);
    expect(await wakesLate(url)).toEqual({ told: rounds, there: rounds });
  });
});
