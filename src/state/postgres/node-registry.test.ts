import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { Postgres } from '../../../tests/support/postgres.ts';
import { hasPostgres, openPostgres, startPostgres } from '../../../tests/support/postgres.ts';
import type { PostgresStateStore } from './postgres-state-store.ts';
import type { ReadRecord } from './take-over.ts';

/** Nobody wants to wait any more. */
class EndedError extends Error {}

describe.skipIf(!hasPostgres)('the nodes of a state', () => {
  let server: Postgres | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  /** A node whose clock its pauses move. */
  const nodeOf = (schema: string, host: string) => {
    const id = newGuid(systemRandomBytes);
    let waitedMs = 0;
    const open = (
      meanwhile: () => void | Promise<void> = () => undefined,
      looked: (read: ReadRecord) => void = () => undefined,
    ): Promise<PostgresStateStore> =>
      openPostgres(server?.url(schema) ?? '', {
        pause: async (milliseconds) => {
          waitedMs += milliseconds;
          await meanwhile();
        },
        turn: {
          ...{ node: { id, host, version: '1.0.0' }, standsBy: true, monotonicMs: () => waitedMs },
          leaves: (error) => error instanceof EndedError,
          told: () => undefined,
          looked: (_, read) => looked(read),
        },
      });
    return { id, open };
  };
  const hostsOf = async (store: PostgresStateStore) => (await store.nodes()).map(({ host }) => host);

  it('are those that serve or wait, until they leave', async () => {
    const [east, west] = [nodeOf('leave', 'east'), nodeOf('leave', 'west')];
    const first = await east.open();
    await first.beat();
    let seen: readonly string[] = [];
    const leaving = west.open(async () => {
      seen = await hostsOf(first);
      throw new EndedError();
    });
    await expect(leaving).rejects.toBeInstanceOf(EndedError);
    expect([seen, await hostsOf(first)]).toEqual([['east', 'west'], ['east']]);
    await first.close();
  });

  it('have none that was taken from, until it tells of itself again', async () => {
    const [east, west] = [nodeOf('fenced', 'east'), nodeOf('fenced', 'west')];
    const first = await east.open();
    await first.beat();
    const second = await west.open(); // after six seconds without a beat
    expect(await hostsOf(second)).toEqual(['west']);
    await expect(first.beat()).rejects.toMatchObject({ name: 'StateLostError' });
    await first.close();
    expect(await hostsOf(second)).toEqual(['west']);
    await second.beat();
    let seen: readonly string[] = [];
    const again = east.open(async () => {
      seen = await hostsOf(second);
      await second.close();
    });
    await (await again).close();
    expect(seen).toEqual(['east', 'west']);
  });

  it('can read a record while they wait', async () => {
    const [east, west] = [nodeOf('read', 'east'), nodeOf('read', 'west')];
    const first = await east.open();
    await first.beat();
    const value = Buffer.from('sealed');
    await first.commit({ write: [{ table: 'a', id: 'x', expect: null, put: { version: 7, value } }] });
    const seen: unknown[] = [];
    const second = await west.open(
      async () => {
        await Promise.all(seen);
        await first.close();
      },
      (read) => seen.push(read('a', 'x'), read('a', 'y')),
    );
    expect((await Promise.all(seen)).slice(0, 2)).toEqual([{ table: 'a', id: 'x', version: 7, value }, undefined]);
    await second.close();
  });
});
