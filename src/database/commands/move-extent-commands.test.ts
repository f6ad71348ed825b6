import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { onNewest } from '../../../tests/support/newest-rows.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

const { run, rowsOf } = onNewest(() => cluster);
const numbers = async (table: string): Promise<string> => (await rowsOf(`${table} | project n | sort by n asc`)).join();
const blobs = async (): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { name } of cluster.data.blobs.list('')) found.push(name);
  return found.sort();
};

/** Two extents: 1, 2 with the tag one and 3 with the tag two. */
async function table(name: string, columns = 'n: long, s: string'): Promise<void> {
  await run(`.drop table ${name} ifexists`);
  await run(`.create table ${name} (${columns})`);
  await run(`.append ${name} with (tags='["drop-by:one"]') <| range n from 1 to 2 step 1 | extend s = "x"`);
  await run(`.append ${name} with (tags='["drop-by:two"]') <| print n = 3, s = "y"`);
}
const emptied = async (name: string, columns = 'n: long, s: string'): Promise<void> => {
  await run(`.drop table ${name} ifexists`);
  await run(`.create table ${name} (${columns})`);
};
const ids = async (name: string): Promise<readonly string[]> =>
  (await run(`.show table ${name} extents`)).map((row) => String(row['ExtentId']));

describe('.move extents', () => {
  it('moves all extents, without writing them anew where the columns are the same', async () => {
    await table('A');
    await emptied('B');
    const [before, original] = [await blobs(), await ids('A')];
    const times = await rowsOf('A | project n, ingestion_time() | sort by n asc');
    const answer = await run('.move extents all from table A to table B');
    expect(answer.map((row) => row['OriginalExtentId'])).toEqual(original);
    expect(answer.map((row) => row['ResultExtentId'])).toEqual(await ids('B'));
    expect([await numbers('A'), await numbers('B')]).toEqual(['', '1,2,3']);
    expect(await blobs()).toEqual(before);
    expect(await rowsOf('B | project n, ingestion_time() | sort by n asc')).toEqual(times);
    expect(await rowsOf('B | where extent_tags() has "drop-by:two" | project n')).toEqual(['3']);
    await cluster.data.crash();
    expect(await numbers('B')).toBe('1,2,3');
    // A table that was emptied counts its rows anew: what comes to it, and what leaves it, is seen.
    await run('.clear table B data');
    expect(await numbers('B')).toBe('');
    await table('A');
    await run('.move extents all from table A to table B');
    expect(await numbers('B')).toBe('1,2,3');
    await emptied('A');
    await run('.move extents all from table B to table A');
    expect(await numbers('A')).toBe('1,2,3');
  });

  it('writes them anew where columns lie elsewhere, and never shows what was dropped', async () => {
    await table('A', 'n: long, s: string');
    await emptied('C', 's: string, m: real, n: long');
    await run('.move extents all from table A to table C');
    expect(await rowsOf('C | sort by n asc')).toEqual(['x,null,1', 'x,null,2', 'y,null,3']);
    await table('A', 'n: long, s: string');
    await run('.drop column A.s');
    await emptied('D', 'n: long, t: string');
    await run('.move extents all from table A to table D');
    expect(await rowsOf('D | sort by n asc')).toEqual(['1,', '2,', '3,']);
  });

  it('moves those of a list or a query, within times of creation, and gives new times of ingestion', async () => {
    await table('A');
    await emptied('B');
    await emptied('F');
    const [first = ''] = await ids('A');
    expect(
      await run(`.move extents from table A to table B with (extentCreatedOnTo=datetime(2020-01-01)) (${first})`),
    ).toEqual([]);
    await run(`.move extents from table A to table B with (extentCreatedOnFrom=datetime(2020-01-01)) (${first})`);
    expect([await numbers('A'), await numbers('B')]).toEqual(['3', '1,2']);
    await run('.move extents to table B <| .show tables (A, F) extents where tags has "drop-by:two"');
    expect([await numbers('A'), await numbers('B')]).toEqual(['', '1,2,3']);
    cluster.data.advance(3_600_000);
    await run(
      '.move extents to table A with (setNewIngestionTime=true) <| B | where n == 3 | summarize by ExtentId = extent_id(), TableName = "B"',
    );
    expect(
      await rowsOf('union A, B | project n, h = toint((ingestion_time() - datetime(2026-01-01)) / 1h) | sort by n asc'),
    ).toEqual(['1,0', '2,0', '3,1']);
    const [operation] = await run('.move async extents all from table A to table B');
    await cluster.settle();
    const id = String(operation?.['OperationId']);
    expect(await run(`.show operation ${id} details`)).toMatchObject([{ ResultExtentId: (await ids('B'))[1] }]);
  });

  it.each([
    ['.move extents all from table A to table E', "has no column 's' of type 'string'"],
    ['.move extents all from table A to table A', 'the same table'],
    ['.move extents from table A to table B (703c50e3-e15f-4033-92bf-bec799fcc383)', 'was not found'],
    ['.move extents to table B <| print x = 1', 'no column ExtentId'],
    ['.move extents all from table A to table B with (nonsense=true)', "'nonsense' is not supported"],
  ])('refuses %s, and moves nothing', async (text, why) => {
    await table('A');
    await emptied('B');
    await emptied('E', 'n: long, s: dynamic');
    await expect(run(text)).rejects.toThrow(why);
    expect([await numbers('A'), await numbers('B')]).toEqual(['1,2,3', '']);
  });
});

describe('.replace extents', () => {
  it('drops and moves in one commit, or does neither', async () => {
    await table('A');
    await table('B');
    const answer = await run(`.replace extents in table B <|
      { .show table B extents where tags has 'drop-by:one' },
      { let wanted = 'drop-by:two}'; A | where extent_tags() has 'drop-by:two' | summarize by ExtentId = extent_id(), TableName = 'A' }`);
    expect(answer.map((row) => row['ResultExtentId'] === '')).toEqual([true, false]);
    expect([await numbers('A'), await numbers('B')]).toEqual(['1,2', '3,3']);
    const [other = ''] = await ids('A');
    await expect(
      run(`.replace extents in table B <| { print ExtentId = "${other}" }, { .show table A extents }`),
    ).rejects.toMatchObject({ code: 'ExtentNotFound' });
    expect([await numbers('A'), await numbers('B')]).toEqual(['1,2', '3,3']);
    await expect(run('.replace extents in table B <| { .show table A extents }')).rejects.toThrow('two queries');
  });
});

describe('tags of extents', () => {
  const tagsOf = async (name: string): Promise<readonly unknown[]> =>
    (await run(`.show table ${name} extents`)).map((row) => row['Tags']).sort();

  it('are altered, merged and dropped, and nothing else of the extents changes', async () => {
    await table('A');
    const before = await blobs();
    const answer = await run(
      ".alter table A extent tags ('one') <| .show table A extents where tags has 'drop-by:one'",
    );
    expect(answer).toMatchObject([{ ResultExtentTags: 'one', Details: '' }]);
    expect(answer[0]?.['OriginalExtentId']).not.toBe(answer[0]?.['ResultExtentId']);
    expect(await tagsOf('A')).toEqual(['drop-by:two', 'one']);
    await run(".alter-merge table A extent tags ('b', 'one') <| .show table A extents");
    expect(await tagsOf('A')).toEqual(['drop-by:two\r\nb\r\none', 'one\r\nb']);
    await run(".drop extent tags from table A ('one')");
    expect(await tagsOf('A')).toEqual(['b', 'drop-by:two\r\nb']);
    await run(`.drop table A extent tags with (extentCreatedOnFrom=datetime(2020-03-10), extentCreatedOnTo=datetime(2030-03-12)) <|
      .show table A extents | where isnotempty(Tags) | extend Tags = split(Tags, '\\r\\n') | mv-expand Tags to typeof(string)
      | where Tags startswith 'drop-by'`);
    expect(await tagsOf('A')).toEqual(['b', 'b']);
    expect(await run(".drop table [A] extent tags ('nothing')")).toEqual([]);
    expect(await blobs()).toEqual(before);
    expect(await numbers('A')).toBe('1,2,3');
  });
});

describe('.merge, and which extents are dropped', () => {
  it('makes one extent of several', async () => {
    await table('A');
    const before = await ids('A');
    expect(await run(`.merge dryrun A (${before.join()})`)).toHaveLength(2);
    const answer = await run(`.merge A (${before.join()})`);
    expect([...new Set(answer.map((row) => row['ResultExtentId']))]).toEqual(await ids('A'));
    expect(await numbers('A')).toBe('1,2,3');
    await expect(run(`.merge A (${before.join()})`)).rejects.toMatchObject({ code: 'ExtentNotFound' });
  });

  it('takes ages in hours and days, tables in a list, a size and a limit', async () => {
    await table('A');
    cluster.data.advance(5 * 3_600_000);
    await run('.append A <| print n = 4, s = "z"');
    // Commands run by a clock that stands still, extents by one that went on.
    const later = { ...cluster.context.clock, now: () => (Date.UTC(2026, 0, 1) + 8 * 3_600_000) as never };
    const at = async (text: string) => cluster.run(text, { data: await cluster.data.data(), clock: later });
    expect(await at('.drop-pretend extents older 10 days from all tables')).toEqual([]);
    expect(await at('.drop-pretend extents older 4 hours from A')).toHaveLength(2);
    expect(await at('.drop-pretend extents older 1 hours from A limit 1')).toHaveLength(1);
    expect(await at('.drop-pretend extents from A trim by extentsize 0 bytes')).toHaveLength(3);
    expect(await at('.drop-pretend extents from A trim by extentsize 1 GB')).toEqual([]);
    expect(await numbers('A')).toBe('1,2,3,4');
    expect(await at('.drop extents older 4 hours from tables (A, B)')).not.toEqual([]);
    expect(await numbers('A')).toBe('4');
    await at('.drop extents <| A | where n == 4 | summarize by ExtentId = extent_id(), TableName = "A"');
    expect(await numbers('A')).toBe('');
  });
});

describe('who administers one table alone', () => {
  it('moves nothing out of others, nor into them', async () => {
    await table('A');
    await emptied('B');
    await run(".add table B admins ('aadapp=mover')");
    const { databaseId, name: database } = cluster.data.database;
    const caller = { ...cluster.context.caller, fqn: 'aadapp=mover;tenant', displayName: 'mover', memberOf: [] };
    const access = { caller, clusterRoles: [], databases: [{ databaseId, name: database, roles: ['User'] }] } as const;
    const ask = async (text: string) => cluster.run(text, { ...access, data: await cluster.data.data() });
    for (const text of [
      '.move extents all from table A to table B',
      '.move extents all from table B to table A',
      '.move extents to table B <| .show table A extents',
      '.replace extents in table B <| { .show table B extents }, { .show table A extents }',
      '.update table B delete D move A <| let D = B | where n == 1',
      ".alter table A extent tags ('x') <| .show table A extents",
      '.update table A delete D append D <| let D = A | where n == 1',
      '.delete table B records <| B | where n == 1',
    ])
      await expect(ask(text), text).rejects.toMatchObject({ name: 'ForbiddenError' });
    expect([await numbers('A'), await numbers('B')]).toEqual(['1,2,3', '']);
    await run(".add table A admins ('aadapp=mover')");
    await ask('.move extents to table B <| .show table A extents');
    expect([await numbers('A'), await numbers('B')]).toEqual(['', '1,2,3']);
  });
});

describe('the source of a materialized view', () => {
  it('gets extents with new times of ingestion alone, and loses records under the view', async () => {
    await table('A');
    await emptied('V');
    await run('.create materialized-view M on table V { V | summarize count() by n }');
    await expect(run('.move extents all from table A to table V')).rejects.toThrow('setNewIngestionTime');
    cluster.data.advance(1000);
    await run('.move extents all from table A to table V with (setNewIngestionTime=true)');
    expect(await rowsOf('M | project n, count_ | sort by n asc')).toEqual(['1,1', '2,1', '3,1']);
    await (await cluster.data.data()).maintain();
    // What the view has taken in stays in it, and is not taken in once more.
    await run('.delete table V records <| V | where n == 2');
    await (await cluster.data.data()).maintain();
    expect(await rowsOf('M | project n, count_ | sort by n asc')).toEqual(['1,1', '2,1', '3,1']);
    expect(await numbers('V')).toBe('1,3');
    await table('A');
    cluster.data.advance(1000);
    await run('.update table V delete D move A <| let D = V | where n == 3');
    await (await cluster.data.data()).maintain();
    expect(await rowsOf('M | project n, count_ | sort by n asc')).toEqual(['1,2', '2,2', '3,2']);
  });
});
