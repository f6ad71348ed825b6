import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';

const day = 86_400_000;
let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

const run = async (text: string) => cluster.run(text, { data: await cluster.data.data() });
const numbers = async (table: string): Promise<string> =>
  (await cluster.data.rows(table, 'n'))
    .map(([n]) => Number(n))
    .sort((left, right) => left - right)
    .join();
const blobs = async (): Promise<number> => {
  let count = 0;
  for await (const { length } of cluster.data.blobs.list('')) count += length > 0 ? 1 : 0;
  return count;
};
/** As the journal tells it, and `.show database schema`. */
const version = async (): Promise<string> => `v1.${(await cluster.data.data()).database('db').schemaVersion}`;

/** Rows 1 to 3 in an extent, 4 in the log. @returns the version before its drop */
async function dropped(name: string): Promise<string> {
  await run(`.create table ${name} (n: long)`);
  await run(`.alter table ${name} policy streamingingestion enable`);
  await run(`.append ${name} <| range n from 1 to 3 step 1`);
  await cluster.data.ingest(name, 'csv', '4', { kind: 'streaming' });
  const before = await version();
  await run(`.drop table ${name}`);
  return before;
}

describe('.undo drop table', () => {
  it('brings a table back with its rows and policies, those of the log too, also after a crash and a change of custody', async () => {
    const before = await dropped('A');
    await expect(run('A | count')).rejects.toThrow();
    expect(await run('.show database db extents')).toEqual([]);
    await cluster.data.crash();
    await cluster.data.changeCustody();
    await (await cluster.data.data()).maintain();
    expect((await cluster.data.data()).droppedTables('db')).toMatchObject([{ name: 'A' }]);
    const kept = (await cluster.data.data()).keptExtents('db');
    expect(kept.map(({ title }) => title)).toEqual(['dropped_table("A")']);
    const answer = await run(`.undo drop table A version="${before}"`);
    expect(answer.map((row) => [row['NumberOfRecords'], row['Status']])).toEqual([
      [3n, 'Recovered'],
      [1n, 'Recovered'],
    ]);
    expect(await numbers('A')).toBe('1,2,3,4');
    expect(await run('.show table A policy streamingingestion')).toMatchObject([
      { Policy: expect.stringContaining('true') as string },
    ]);
    await cluster.data.crash();
    expect(await numbers('A')).toBe('1,2,3,4');
    await expect(run(`.undo drop table A version="${before}"`)).rejects.toMatchObject({ code: 'TableNotFound' });
  });

  it('brings it back under another name, the last drop alone, and at its version', async () => {
    const first = await dropped('B');
    const second = await dropped('B');
    await run('.create table B (n: long)');
    await expect(run(`.undo drop table B as B2 version="${first}"`)).rejects.toMatchObject({ code: 'NotRecoverable' });
    await expect(run(`.undo drop table B version="${second}"`)).rejects.toMatchObject({ code: 'EntityExists' });
    await expect(run('.undo drop table B version="v10.3"')).rejects.toMatchObject({ code: 'NotRecoverable' });
    await expect(run('.undo drop table B version="last"')).rejects.toThrow('no version of a database');
    await run(`.undo drop table B as B2 version="${second}"`);
    expect([await numbers('B'), await numbers('B2')]).toEqual(['', '1,2,3,4']);
  });

  it('is over after fourteen days, and then nothing of the table is left', async () => {
    await run('.create table Gone (n: long)');
    await (await cluster.data.data()).forgetDroppedTables('db');
    const others = await blobs();
    const before = await dropped('C');
    await (await cluster.data.data()).maintain();
    expect(await blobs()).toBe(others + 2);
    const due = (await cluster.data.data()).upkeepDueAt();
    cluster.data.advance(14 * day);
    expect(due).toBeDefined();
    await expect(run(`.undo drop table C version="${before}"`)).rejects.toMatchObject({ code: 'NotRecoverable' });
    await (await cluster.data.data()).maintain({ destructionHeld: true });
    expect((await cluster.data.data()).droppedTables('db')).toHaveLength(1);
    await (await cluster.data.data()).maintain();
    expect((await cluster.data.data()).droppedTables('db')).toEqual([]);
    expect(await blobs()).toBe(others);
  });

  it('is not where the retention policy says so, and not after a purge', async () => {
    await run(`.alter-merge database db policy retention recoverability = disabled`);
    const others = await blobs();
    const before = await dropped('D');
    await expect(run(`.undo drop table D version="${before}"`)).rejects.toMatchObject({ code: 'TableNotFound' });
    expect(await blobs()).toBe(others);
    await run(`.alter-merge database db policy retention recoverability = enabled`);
    const later = await dropped('D');
    await run('.create table P (n: long)');
    await run('.append P <| print n = 1');
    await run('.purge table P records in database db with (noregrets="true") <| where n == 1');
    await expect(run(`.undo drop table D version="${later}"`)).rejects.toMatchObject({ code: 'TableNotFound' });
    expect(await blobs()).toBe(others);
  });

  it('goes with its database', async () => {
    await dropped('E');
    const data = await cluster.data.data();
    await data.maintain({ droppedDatabases: [cluster.data.database.databaseId] });
    expect(await blobs()).toBe(0);
    expect(data.holdsDatabase(cluster.data.database.databaseId)).toBe(false);
  });
});
