import { expect, it } from 'vitest';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';

it('a commit says that it takes away when it adds no more than what brings that back, or tells of it', async () => {
  const said: boolean[] = [];
  const cluster = await openDataFixture({
    wrapStore: (store) => ({
      ...store,
      commit: (writes, takesAway) => {
        said.push(takesAway === true);
        return store.commit(writes, takesAway);
      },
    }),
  });
  try {
    const data = await cluster.data();
    /** Of the commits that the work makes. */
    const of = async (work: () => Promise<unknown>): Promise<string> => {
      said.splice(0);
      await work();
      return `${said.filter(Boolean).length} of ${said.length}`;
    };
    expect(await of(() => cluster.table('T', { n: 'long' }))).toMatch(/^0 of [1-9]/);
    for (let n = 0; n < 10; n += 1)
      expect(await of(() => cluster.ingest('T', 'csv', String(n), { kind: 'inline' }))).toMatch(/^0 of [1-9]/);
    expect(await of(() => data.maintain())).toMatch(/^0 of [1-9]/); // one extent of ten
    expect(await of(() => data.dropTables('db', ['T'], false))).toBe('1 of 1');
    expect(await of(() => data.forgetDroppedTables('db'))).toMatch(/^([1-9]) of \1$/);
  } finally {
    await cluster.close();
  }
});
