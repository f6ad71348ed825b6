import { ContainerClient } from '@azure/storage-blob';
import { beforeAll, describe, expect, it } from 'vitest';
import { deltaVector } from '../../support/delta-vectors.ts';
import type { Answered, Asked, MappedStorage } from './mapped-storage.ts';
import { account } from './mapped-storage.ts';

const blobHost = `https://${account}.blob.core.windows.net`;

/** External tables over blobs of a mapped account. @param asked sends a query or command */
export function describeStorageTables(site: () => MappedStorage, asked: Asked): void {
  describe('external_table()', () => {
    const { mgmt, query } = asked;
    let azurite: MappedStorage['azurite'];
    let container: string;
    let sas: string;
    beforeAll(() => {
      ({ azurite, container, sas } = site());
    });
    const define = (name: string, connection: string, more = ''): Promise<Answered> =>
      mgmt(
        `.create-or-alter external table ${name} (a: long, b: string) kind=storage dataformat=csv (h@'${connection}') ${more}`,
      );

    it.each([
      ['a signature', () => `${blobHost}/${container}?${sas}`],
      ['an account key', () => `${blobHost}/${container};${azurite.accountKey}`],
      ['abfss', () => `abfss://${container}@${account}.dfs.core.windows.net;${azurite.accountKey}`],
    ])('lists and reads a container by %s', async (_what, connection) => {
      await define('Listed', connection(), 'with (namePrefix="p", includeHeaders="All")');
      expect((await query('external_table("Listed") | order by a asc')).rows).toEqual([
        [1, 'one'],
        [1, 'one'],
        [2, 'two, twice'],
        [2, 'two, twice'],
      ]);
    });

    it('reads a folder, whatever it is called', async () => {
      await define('Folder', `${blobHost}/${container}/sub%20folder?${sas}`);
      expect((await query('external_table("Folder")')).rows).toEqual([[8, 'eight']]);
    });

    it('reads a Delta table that another program has written, with values of partitions that a path escapes', async () => {
      const storage = new ContainerClient(await azurite.newContainer());
      for (const [path, bytes] of deltaVector('partitioned'))
        await storage.getBlockBlobClient(`my tables/${path}`).uploadData(bytes);
      const { pathname, search } = new URL(storage.url);
      const address = `${blobHost}/${pathname.split('/').at(-1)}/my%20tables${search}`;
      const made = await mgmt(`.create external table Lake kind=delta (h@'${address}')`);
      expect([made.status, made.rows[0]?.slice(0, 2)]).toEqual([200, ['Lake', 'Delta']]);
      expect(
        (await query('external_table("Lake") | where Number == 7 | project Id, Text | order by Id asc')).rows,
      ).toEqual([
        [1, 'a/b c%'],
        [4, 'grüße=☕'],
      ]);
      const { rows } = await mgmt('.show external table Lake artifacts');
      expect(rows.map(([uri]) => String(uri).includes('sig='))).toEqual(Array.from({ length: 5 }, () => false));
    });

    it('reads nowhere else, and says so without what is secret', async () => {
      await define('Elsewhere', 'https://other.blob.core.windows.net/c?sig=canary');
      const { status, text } = await query('external_table("Elsewhere")');
      expect([status, text]).toEqual([400, expect.stringContaining('--allow other.blob.core.windows.net')]);
      expect(text).not.toContain('canary');
      await define('Wrong', `${blobHost}/${container}?${sas.replace(/sig=[^&]*/, 'sig=canary')}`);
      const wrong = await query('external_table("Wrong")');
      expect(wrong.text).toMatch(/external_table\('Wrong'\): Failed to list the files of '.*': access is forbidden/);
      expect(wrong.text).not.toContain('canary');
    });
  });
}
