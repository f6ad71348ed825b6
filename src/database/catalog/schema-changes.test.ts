import { afterEach, describe, expect, it } from 'vitest';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';

const open: DataFixture[] = [];
const fixture = async (): Promise<DataFixture> => {
  const made = await openDataFixture();
  open.push(made);
  return made;
};
afterEach(async () => {
  for (const one of open.splice(0)) await one.close();
});

describe('schema changes', () => {
  it('keep, drop and add columns of rows that are there already', async () => {
    const cluster = await fixture();
    await cluster.table('T', { a: 'long', b: 'string' });
    await cluster.ingest('T', 'csv', '1,x', { kind: 'inline' });
    await cluster.ingest('T', 'csv', '2,y');
    const data = await cluster.data();
    await data.alterMergeTable('db', {
      name: 'T',
      columns: [
        { name: 'c', type: 'string' },
        { name: 'd', type: 'real' },
      ],
    });
    expect(await cluster.rows('T', 'a')).toEqual([
      [1n, 'x', '', null],
      [2n, 'y', '', null],
    ]);
    await cluster.ingest('T', 'csv', '3,z,c,0.5');
    await data.alterTable('db', {
      name: 'T',
      columns: [
        { name: 'd', type: 'real' },
        { name: 'a', type: 'long' },
      ],
    });
    await data.alterMergeTable('db', { name: 'T', columns: [{ name: 'b', type: 'long' }] });
    expect(await cluster.rows('T', 'a')).toEqual([
      [null, 1n, null],
      [null, 2n, null],
      [0.5, 3n, null],
    ]);
    await data.maintain();
    await cluster.crash();
    expect(await cluster.rows('T', 'a')).toEqual([
      [null, 1n, null],
      [null, 2n, null],
      [0.5, 3n, null],
    ]);
    await expect(data.alterTable('db', { name: 'T', columns: [{ name: 'a', type: 'string' }] })).rejects.toMatchObject({
      code: 'InvalidSchema',
    });
  });

  it('swap tables, and make a dropped one start empty', async () => {
    const cluster = await fixture();
    await cluster.table('A', { n: 'long' });
    await cluster.table('B', { n: 'long' });
    await cluster.ingest('A', 'csv', '1');
    const data = await cluster.data();
    await data.renameTables('db', [
      { from: 'A', to: 'B' },
      { from: 'B', to: 'A' },
    ]);
    expect([await cluster.rows('A'), await cluster.rows('B')]).toEqual([[], [[1n]]]);
    await data.dropTables('db', ['B'], false);
    await cluster.table('B', { n: 'long' });
    expect(await cluster.rows('B')).toEqual([]);
    await expect(data.dropTables('db', ['nope'], false)).rejects.toMatchObject({ code: 'TableNotFound' });
    await data.dropTables('db', ['nope'], true);
    expect(await data.createTables('db', [{ name: 'B', columns: [{ name: 'n', type: 'long' }] }])).toMatchObject([
      { name: 'B' },
    ]);
    await expect(
      data.createTables('db', [{ name: 'B', columns: [{ name: 'm', type: 'long' }] }]),
    ).rejects.toMatchObject({ code: 'EntityExists' });
  });

  it('give the parser a new catalog only when names have changed', async () => {
    const cluster = await fixture();
    await cluster.table('T', { n: 'long' });
    const data = await cluster.data();
    const before = data.kqlCatalog();
    await cluster.ingest('T', 'csv', '1');
    expect(data.kqlCatalog()).toBe(before);
    await data.putFunction('db', { name: 'f', parameters: '()', body: '{ T }' }, 'createOrAlter');
    expect(data.kqlCatalog().version).not.toBe(before.version);
    expect(data.kqlCatalog().databases[0]?.functions.map(({ name }) => name)).toEqual(['f']);
    await cluster.crash();
    expect((await cluster.data()).database('DB').functions.get('f')?.body).toBe('{ T }');
  });
});
