import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { onNewest } from '../../../tests/support/newest-rows.ts';
import { documentedCommands } from '../../../tests/support/documented-commands.ts';
import { queryRequest } from './query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

const { run, rowsOf } = onNewest(() => cluster);
const numbers = (table: string) => rowsOf(`${table} | project n | sort by n asc`);

/** Rows in two extents and in the log. */
async function table(name: string): Promise<void> {
  await run(`.drop table ${name} ifexists`);
  await run(`.create table ${name} (n: long, s: string)`);
  await run(`.alter table ${name} policy streamingingestion enable`);
  await run(`.append ${name} <| range n from 1 to 3 step 1 | extend s = tostring(n)`);
  await run(`.append ${name} <| range n from 4 to 6 step 1 | extend s = tostring(n)`);
  await cluster.data.ingest(name, 'csv', '7,7\n8,8', { kind: 'streaming' });
}

describe('.delete table records', () => {
  it('takes records out of extents and of the log, and says of which', async () => {
    await table('D');
    const times = await rowsOf('D | where n in (1, 3) | project n, ingestion_time() | sort by n asc');
    const foretold = await run('.delete table D records with (whatif=true) <| D | where n % 2 == 0');
    expect(foretold.map((row) => [row['ResultExtentId'], row['RecordsMatchPredicate']])).toEqual([
      [null, 1n],
      [null, 2n],
      [null, 1n],
    ]);
    expect(await numbers('D')).toHaveLength(8);
    const answer = await run('.delete table D records <| D | where n % 2 == 0 or n == 5');
    expect(answer.map((row) => row['RecordsMatchPredicate'])).toEqual([1n, 3n, 1n]);
    expect(answer.map((row) => row['ResultExtentId'] === null)).toEqual([false, true, false]);
    expect(await numbers('D')).toEqual(['1', '3', '7']);
    const shown = await run('.show table D extents');
    expect(shown.map((row) => row['ExtentId']).sort()).toEqual(
      answer.flatMap((row) => row['ResultExtentId'] ?? []).sort(),
    );
    expect(await rowsOf('D | where n in (1, 3) | project n, ingestion_time() | sort by n asc')).toEqual(times);
    // What was deleted is in no blob.
    let blobs = 0;
    for await (const blob of cluster.data.blobs.list('')) blobs += blob.length > 0 ? 1 : 0;
    const data = await cluster.data.data();
    expect(blobs).toBe(data.extents('db').length);
    await cluster.data.crash();
    expect(await numbers('D')).toEqual(['1', '3', '7']);
    expect(await run('.delete table D records <| D | where n == 99')).toEqual([]);
  });

  it('takes what order, project, extend and take leave, and toscalar over the same table', async () => {
    await table('E');
    await run(
      '.delete table E records <| E | where n > 2 | sort by n desc | project m = n * 2 | extend k = m | take 2',
    );
    expect(await numbers('E')).toEqual(['1', '2', '3', '4', '5', '6']);
    await run('.delete table E records <| let most = toscalar(E | summarize max(n)); E | where n == most');
    expect(await numbers('E')).toEqual(['1', '2', '3', '4', '5']);
    await run('.delete table E records <| E | where extent_tags() has "none" or isnull(ingestion_time()) or n == 1');
    expect(await numbers('E')).toEqual(['2', '3', '4', '5']);
    const [operation] = await run('.delete async table E records <| E | where n == 2');
    await cluster.settle();
    expect(await run(`.show operations ${String(operation?.['OperationId'])} | project Operation, State`)).toEqual([
      { Operation: 'TableRecordsDelete', State: 'Completed' },
    ]);
    expect(await numbers('E')).toEqual(['3', '4', '5']);
  });

  it.each([
    ['E', "it needs at least one 'where'"],
    ['E | where n == 1 | summarize by n', "it has 'summarize'"],
    ['E | where n == 1 | union E', "it has 'union'"],
    ['E | join kind=leftsemi E on n | where n == 1', 'it has join kind=leftsemi'],
    ['F | where n == 1', "reads the table 'E' alone"],
    ['E | where n in (F)', "reads the table 'E' alone"],
    ['E | where n == 1; E | where n == 2', 'no results but those'],
  ])('refuses %s', async (query, why) => {
    await run('.create-merge table E (n: long, s: string)');
    await run('.create-merge table F (n: long)');
    await expect(run(`.delete table E records <| ${query}`)).rejects.toMatchObject({
      code: 'semantic',
      message: expect.stringContaining(why) as string,
    });
  });
});

describe('.update table', () => {
  it('does what the examples of the documentation say', async () => {
    const commands = documentedCommands
      .filter(({ id }) => id.startsWith('update-table-command#'))
      .map(({ text }) => text);
    const at = (number: number): string => commands.find((_text, index) => index === number - 3) ?? '';
    const colours = (where: string) =>
      rowsOf(`Employees | where ${where} | project Id, Code, Color | sort by Id asc, Color asc`);
    await run(at(3));
    expect(await run(at(4))).toMatchObject([
      { Table: 'Employees', Action: 'Delete', RowCount: 1n },
      { Table: 'Employees', Action: 'Create', RowCount: 1n, ExtentId: '00000000-0000-0000-0000-000000000000' },
    ]);
    expect(await colours('Id == 3')).toEqual(['3,Employee,Red']);
    await run(at(5));
    expect(await colours('Id == 3')).toEqual(['3,Employee,Orange']);
    const blue = await rowsOf('Employees | where Code == "Employee" and Color == "Blue" | count');
    await run(at(6));
    expect(await rowsOf('Employees | where Code == "Employee" and Color == "Green" | count')).toEqual(blue);
    await run(at(7));
    expect(await colours('Id in (2, 5)')).toEqual(['2,ex-Customer,', '5,ex-Employee,']);
    await run(at(8));
    await run(at(9));
    expect(await colours('Id in (4, 6)')).toEqual(['4,Customer,Purple', '6,Customer,Pink']);
    await run(at(10));
    expect(await colours('Id in (1, 2, 3)')).toEqual([
      '1,Customer,Purple',
      '2,Customer,Magenta',
      '3,Customer,Turquoise',
    ]);
    expect(await rowsOf('Employees | count')).toEqual(['100']);
    await run(at(11));
    expect((await run(at(12))).at(-1)).toMatchObject({ Action: 'Create', RowCount: 13n });
    expect(await rowsOf('Employees | count')).toEqual(['106']);
    expect(await rowsOf('MyStagingTable | count')).toEqual(['0']);
    // The page means to add the second part: its own words say so.
    await run(at(13));
    await run(at(14).replace('.set-or-replace', '.append'));
    await run(at(15));
    expect(await rowsOf('MyStagingTable | summarize count(), min(Id)')).toEqual(['11,100']);
    expect(await rowsOf('Employees | summarize count() by Id | where count_ > 1')).toEqual([]);
    await run(at(16));
    await run(at(17));
    expect(
      await rowsOf('VersionedArticle | where ArticleId == "B" | project Version, Detail | sort by Version asc'),
    ).toEqual(['1,News about mobiles', '2,Revision about brand X', '3,Revision about brand Z']);
  });

  it('moves extents of a table whose columns lie in another order', async () => {
    await table('G');
    await run('.create table S (s: string, n: long)');
    await run('.append S <| print s = "new", n = 2');
    await run('.update table G delete D move S <| let D = G | join kind=leftsemi S on n | where true');
    expect(await rowsOf('G | where n < 4 | sort by n asc')).toEqual(['1,1', '2,new', '3,3']);
    expect(await numbers('S')).toEqual([]);
  });

  it('feeds update policies with what it adds', async () => {
    await table('H');
    await run('.create table I (n: long)');
    await run(
      `.alter table I policy update @'[{"Source": "H", "Query": "H | project n", "IsEnabled": true, "IsTransactional": true}]'`,
    );
    await run('.update table H delete D append A <| let D = H | where n < 3; let A = D | extend n = n + 100');
    expect(await numbers('H')).toEqual(['3', '4', '5', '6', '7', '8', '101', '102']);
    expect(await numbers('I')).toEqual(['101', '102']);
  });

  it.each([
    ['let D = H; let A = H', "at least one 'where'"],
    ['let D = H | where n == 1; let A = print 1', 'does not match'],
    ['let D = H | where n == 1; let A = D; D', 'no results but those'],
    ['let D = H | join kind=inner H on n | where true; let A = H', 'join kind=inner'],
    ['let D = I | where n == 1; let A = H', "begins with 'I'"],
    [
      'let D = H | where n == 1; let A = externaldata (n: long, s: string) ["https://x.blob.core.windows.net/a/b"]',
      'external data',
    ],
  ])('refuses %s', async (query, why) => {
    await run('.create-merge table H (n: long, s: string)');
    await run('.create-merge table I (n: long)');
    await expect(run(`.update table H delete D append A <| ${query}`)).rejects.toMatchObject({
      message: expect.stringContaining(why) as string,
    });
  });

  it('leaves rows that come while it runs, and takes extents as they are after a merge', async () => {
    await table('J');
    const data = await cluster.data.data();
    let attempts = 0;
    const change = await data.changeRows({
      ...{ database: 'db', table: 'J', whatIf: false },
      prepare: async (tables) => {
        attempts += 1;
        await cluster.data.ingest('J', 'csv', `${attempts * 100},1`, { kind: 'streaming' });
        if (attempts === 1) await data.flush('db', 'J');
        if (attempts === 1) await data.purge('db', 'J', { sql: 'c1 = 5', bound: [] });
        const text = 'J | where n > 2 | project e = extent_id()';
        const request = queryRequest({ ...cluster.context, data }, text, tables);
        const [gone] = await cluster.engine.prepareRows(
          {
            compile: async () => {
              const { withRecordPlaces } = await import('../../kql/plan/record-rows.ts');
              const program = await cluster.engine.programOf({ ...request, text: 'J | where n > 2' }).compile([]);
              return withRecordPlaces(program, 0, { database: 'db', table: 'J', title: 'J', joined: false });
            },
          },
          request,
        );
        return { gone, close: () => gone.close() };
      },
    });
    expect(attempts).toBe(2);
    expect(change.replaced.reduce((sum, { goneCount }) => sum + goneCount, 0)).toBe(6);
    expect(await numbers('J')).toEqual(['1', '2', '200']);
  });
});
