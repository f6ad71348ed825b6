import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite, startWayTo } from '../support/azurite.ts';
import type { Postgres } from '../support/postgres.ts';
import { hasPostgres, startPostgres } from '../support/postgres.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { openReadingNodes } from '../support/reading-nodes.ts';
import { until } from '../support/until.ts';

describe.skipIf(!hasPostgres)('a node that stands by and reads', () => {
  let server: Postgres | undefined;
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server?.stop(), azurite?.stop()]));

  it('passes its clients on while it alone does not reach the extents, and reads again once it does', async () => {
    if (azurite === undefined) throw new Error('It has not started.');
    const behind = azurite;
    const way = await startWayTo(behind);
    const newContainer = async (): Promise<string> =>
      (await behind.newContainer()).replace(behind.endpoint, way.endpoint);
    let mark = '';
    const ofWest = async (container: string) => {
      const signature = await behind.signature(container, 7_200_000);
      mark = /sig=[^&]*/.exec(signature)?.[0] ?? '';
      return { CONNECTION: `BlobEndpoint=${way.endpoint};SharedAccessSignature=${signature}` };
    };
    await using opened = await openReadingNodes(server, { ...behind, ...way, newContainer }, 'no_blobs', ofWest);
    const { writer, reader } = opened;
    const readingHere = (): number => descendantsOf(opened.west.process.pid ?? 0).length;
    const append = (): Promise<unknown> => writer.command('.set-or-append T <| range N from 1 to 40000 step 1');
    const sum = async (): Promise<number> => Number((await reader.query('T | summarize sum(N)'))[0]?.[0]);
    const ofOne = (40_000 * 40_001) / 2;
    await append();
    await until(async () => {
      expect(await sum()).toBe(ofOne);
      return opened.readersOf() > 0; // where it takes long the other node answers meanwhile
    });

    way.refused = mark;
    await until(() => opened.says('west', 'blobs-not-reached') && readingHere() === 0);
    await append();
    const before = opened.readHere();
    for (let times = 2; times < 5; times += 1) {
      expect(await sum()).toBe(times * ofOne);
      await append();
    }
    expect([opened.readHere(), readingHere()]).toEqual([before, 0]);

    way.refused = undefined;
    await until(async () => {
      expect(await sum()).toBe(5 * ofOne);
      return opened.readHere() > before;
    });
    expect(opened.says('west', 'blobs-reached')).toBe(true);
    way.close();
  });
});
