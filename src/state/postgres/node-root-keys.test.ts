import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { Postgres } from '../../../tests/support/postgres.ts';
import { hasPostgres, openPostgres, startPostgres } from '../../../tests/support/postgres.ts';

describe.skipIf(!hasPostgres)('which root keys nodes have that wait for a state', () => {
  let server: Postgres | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  class Stopped extends Error {}

  it('is what they say as long as they wait, whatever else keeps them out of the turn', async () => {
    const url = server?.url('keys_of_nodes') ?? '';
    const open = (host: string, keys: readonly string[], pause: () => Promise<void>, isHindered = false) =>
      openPostgres(url, {
        turn: {
          node: { id: newGuid(systemRandomBytes), host, version: '1.0.0' },
          ...{ standsBy: true, monotonicMs: () => 0, told: () => undefined, pause },
          rootKeys: () => Promise.resolve(keys),
          hindered: () => Promise.resolve(isHindered ? 'no blobs' : undefined),
        },
      });
    const east = await open('east', [], () => Promise.reject(new Error('It is its turn.')));
    await east.beat();
    /** Two looks of a node, and what is said of it then. */
    const said = async (host: string, keys: readonly string[], isHindered = false): Promise<readonly string[][]> => {
      const found: string[][] = [];
      const asked = async (): Promise<void> => {
        const names = async (...wanted: string[]): Promise<string> =>
          (await east.nodesWithout(wanted)).map((node) => node.host).join();
        found.push([await names('old', 'new'), await names('old'), await names('another')]);
        if (found.length === 2) throw new Stopped();
      };
      await expect(open(host, keys, asked, isHindered)).rejects.toBeInstanceOf(Stopped);
      return found;
    };
    expect(await said('west', ['old', 'new'])).toEqual([
      ['', '', 'west'],
      ['', '', 'west'],
    ]);
    const other = await said('north', ['old', 'new'], true);
    expect(other.map(([both]) => both)).toEqual(['west', 'west']); // which has left without a farewell, and says nothing any more
    expect((await said('south', ['old'])).map(([both]) => both)).toEqual(['north,south,west', 'north,south,west']);
    await east.close();
  });

  it('is said on by one whose turn it was and is not', async () => {
    const url = server?.url('keys_out_of_turn') ?? '';
    const asked = await openPostgres(url, { alone: false });
    const names = async (key: string) => (await asked.nodesWithout([key])).map(({ host }) => host);
    let refused = 0;
    const west = openPostgres(url, {
      turn: {
        node: { id: newGuid(systemRandomBytes), host: 'west', version: '1.0.0' },
        ...{ standsBy: true, monotonicMs: () => 0, told: () => undefined },
        rootKeys: () => Promise.resolve(['old']),
        hindered: (isDue) => Promise.resolve(isDue && (refused += 1) < 3 ? 'not yet' : undefined),
        // It has let go of the lock of the state each time, and of nothing else.
        pause: async () => expect([await names('old'), await names('new')]).toEqual([[], ['west']]),
      },
    });
    await (await west).close();
    await asked.close();
    expect(refused).toBe(3);
  });
});
