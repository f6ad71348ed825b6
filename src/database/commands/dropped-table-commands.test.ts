import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { memoryStorage } from '../../../tests/support/memory-storage.ts';

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

describe('the journal', () => {
  const journal = async (where = 'true'): Promise<readonly unknown[][]> =>
    (await run(`.show database db journal | where ${where} | project Event, EntityName, UpdatedEntityName`)).map(
      (row) => Object.values(row),
    );

  it('tells what became of what is defined, also after a crash, and the version that .undo drop table asks for', async () => {
    for (const text of [
      '.create table Logged (a: int)',
      '.alter-merge table Logged (b: string)',
      '.ingest inline into table Logged <| 1,x',
      '.alter table Logged folder "F"',
      '.alter table Logged policy caching hot = 3d',
      '.rename table Logged to Told',
      '.create function Of() { Told }',
      '.create-or-alter function Of() { Told | take 1 }',
      `.create function Hidden() { print h'SECRET', 'https://account.blob.core.windows.net/box?sig=SECRET' }`,
      `.alter table Told policy update @'[{"IsEnabled": false, "Source": "Told", "Query": "Told | where b != h\\"SECRET\\""}]'`,
      '.delete table Told policy update',
      `.create external table Out (a: int) kind=storage dataformat=csv (h@'https://account.blob.core.windows.net/box;SECRET')`,
      '.drop function Of',
      '.drop table Told',
    ])
      await cluster.run(text, { data: await cluster.data.data(), exports: memoryStorage().exports });
    await cluster.data.crash();
    expect(await journal('EntityName in ("Logged", "Told", "Of", "Out")')).toEqual([
      ['CREATE-TABLE', 'Logged', 'Logged'],
      ['ALTER-TABLE', 'Logged', 'Logged'],
      ['ALTER-TABLE-FOLDER', 'Logged', 'Logged'],
      ['ALTER-TABLE-POLICY', 'Logged', 'Logged'],
      ['RENAME-TABLE', 'Logged', 'Told'],
      ['CREATE-FUNCTION', 'Of', 'Of'],
      ['ALTER-FUNCTION', 'Of', 'Of'],
      ...[1, 2].map(() => ['ALTER-TABLE-POLICY', 'Told', 'Told']),
      ['CREATE-EXTERNAL-TABLE', 'Out', 'Out'],
      ['DROP-FUNCTION', 'Of', 'Of'],
      ['DROP-TABLE', 'Told', 'Told'],
    ]);
    const [made, dropped] = await run('.show journal | where Event in ("CREATE-TABLE", "DROP-TABLE") and * has "[a]"');
    expect(made).toMatchObject({
      OriginalEntityState: '.',
      UpdatedEntityState: "Name: Logged, Attributes: Name='[Logged].[a]', Type='I32'",
      ChangeCommand: '.create table Logged (a: int)',
      Principal: cluster.context.caller.fqn,
    });
    await run(`.undo drop table Told version="${String(dropped?.['OriginalEntityVersion'])}"`);
    expect(await journal('EventTimestamp > datetime(2000-01-01) | where Event startswith "UNDO"')).toContainEqual([
      ...['UNDO-DROP-TABLE', 'Told', 'Told'],
    ]);
    expect(JSON.stringify((await cluster.data.data()).journal())).not.toContain('SECRET');
  });

  it('is shown to administrators, and to everybody what is their own', async () => {
    const databases = [{ ...cluster.data.database, roles: ['User' as const] }];
    const data = await cluster.data.data();
    const own = { caller: { ...cluster.context.caller, fqn: 'aadapp=user' }, clusterRoles: [], databases, data };
    await cluster.run('.create table Mine (n: long)', own);
    expect(await cluster.run('.show journal | project EntityName', own)).toEqual([{ EntityName: 'Mine' }]);
    await expect(cluster.run('.show cluster journal', own)).rejects.toThrow('not authorized');
    expect((await run('.show cluster journal')).length).toBeGreaterThan(1);
  });

  it('keeps the newest', async () => {
    const data = await cluster.data.data();
    await run('.create table Often (n: long)');
    for (let group = 0; group < 6; group += 1)
      await Promise.all(
        Array.from({ length: 500 }, (_one, index) =>
          data.setTableText('db', 'Often', { docstring: `${group * 500 + index}` }),
        ),
      );
    const left = data.journal();
    expect(left.length).toBeGreaterThanOrEqual(2_000);
    expect(left.length).toBeLessThanOrEqual(2_700);
    expect(left.at(-1)).toMatchObject({ event: 'ALTER-TABLE-DOCSTRING', updatedState: '2999', principal: '' });
  });
});
