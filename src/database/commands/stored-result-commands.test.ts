import type { DatabaseRole } from '../../authz/kusto-roles.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { CommandContext } from './command-context.ts';
import { queryRequest } from './query-request.ts';
import { readResult } from './command-pipe.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table Source (n:long, s:string)');
  await cluster.run('.ingest inline into table Source <| 1,one\n2,two\n3,three');
});
afterAll(() => cluster.close());

/** Another principal than the fixture's, with one role on the database. */
function other(role: DatabaseRole, fqn = 'aadapp=other;tenant'): Partial<CommandContext> {
  const { databaseId, name } = cluster.data.database;
  const caller = { ...cluster.context.caller, fqn };
  return { caller, clusterRoles: [], databases: [{ databaseId, name, roles: [role] }] };
}

async function query(text: string, change: Partial<CommandContext> = {}): Promise<readonly (readonly unknown[])[]> {
  const context = { ...cluster.context, ...change };
  return (await readResult(await context.engine.execute(queryRequest(context, text)))).rows;
}

const blobNames = async (): Promise<readonly string[]> => {
  const names: string[] = [];
  for await (const { name } of cluster.data.blobs.list('')) names.push(name);
  return names;
};

describe('.set stored_query_result', () => {
  it('answers all rows, and stores them', async () => {
    const made = await cluster.answer('.set stored_query_result Numbers <| range X from 1 to 5 step 1');
    expect(made.columns).toEqual([{ name: 'X', type: 'long' }]);
    expect(made.rows).toEqual([[1n], [2n], [3n], [4n], [5n]]);
    expect(await query('stored_query_result("Numbers") | where X > 3')).toEqual([[4n], [5n]]);
    expect(await query(`let S = () { stored_query_result('Numbers') }; S | union (S) | count`)).toEqual([[10n]]);
  });

  it('answers ten thousand of more rows, or all that are asked for, and stores them all', async () => {
    const rows = 'range X from 1 to 10002 step 1';
    expect((await cluster.answer(`.set stored_query_result Many <| ${rows}`)).rows).toHaveLength(10_000);
    expect(await query('stored_query_result("Many") | count')).toEqual([[10_002n]]);
    const whole = `.set-or-replace stored_query_result Many with (previewCount = 0) <| ${rows}`;
    expect((await cluster.answer(whole)).rows).toHaveLength(10_002);
  });

  it('answers a preview, in the order of the query, and stores all', async () => {
    const text = `.set stored_query_result Paged with (previewCount = 2, expiresAfter = 2h) <| Source | order by n desc | project Num = row_number(), s, when = datetime(2026-01-01), d = dynamic({"a": [1]}), m = decimal(1.5)`;
    const made = await cluster.answer(text);
    expect(made.columns.map(({ name, type }) => `${name}:${type}`)).toEqual(
      'Num:long s:string when:datetime d:dynamic m:decimal'.split(' '),
    );
    expect(made.rows.map(([num, s]) => [num, s])).toEqual([
      [1n, 'three'],
      [2n, 'two'],
    ]);
    expect(await query('stored_query_result("Paged") | where Num between (2 .. 3) | project s, d.a[0], m')).toEqual([
      ['two', '1', '1.5'],
      ['one', '1', '1.5'],
    ]);
  });

  it('keeps the columns of a result without rows', async () => {
    expect(await cluster.run('.set stored_query_result Empty <| Source | where n > 10')).toEqual([]);
    expect(await query('stored_query_result("Empty") | getschema | project ColumnName')).toEqual([['n'], ['s']]);
    expect(await query('stored_query_result("Empty") | count')).toEqual([[0n]]);
  });

  it('stores the first of several results', async () => {
    await cluster.run('.set stored_query_result First <| Source | fork (count) (take 0)');
    expect(await query('stored_query_result("First")')).toEqual([[3n]]);
  });

  it('refuses a name that is taken, and .set-or-replace takes it', async () => {
    await cluster.run('.set stored_query_result Taken <| print a = 1');
    await expect(cluster.run('.set stored_query_result Taken <| print a = 2')).rejects.toMatchObject({
      code: 'EntityExists',
    });
    expect(await query('stored_query_result("Taken")')).toEqual([[1n]]);
    const blobs = (await blobNames()).length;
    await cluster.run('.set-or-replace stored_query_result Taken <| print b = "other"');
    expect(await query('stored_query_result("Taken")')).toEqual([['other']]);
    expect(await blobNames()).toHaveLength(blobs);
    expect(await cluster.run('.show stored_query_results Taken | count')).toEqual([{ Count: 1n }]);
  });

  it('goes on after the answer when it is async', async () => {
    const [started] = await cluster.run('.set async stored_query_result Later <| Source | count');
    await cluster.settle();
    expect(await cluster.run(`.show operations ${String(started?.['OperationId'])} | project State`)).toEqual([
      { State: 'Completed' },
    ]);
    expect(await query('stored_query_result("Later")')).toEqual([[3n]]);
  });

  it.each([
    [`.set stored_query_result X with (expiresAfter = 25h) <| print 1`, { code: 'semantic' }],
    [`.set stored_query_result X with (expiresAfter = 0s) <| print 1`, { code: 'semantic' }],
    [`.set stored_query_result X with (previewCount = -1) <| print 1`, {}],
    [`.set stored_query_result X with (previewcount = "many") <| print 1`, { code: 'semantic' }],
    [`.set stored_query_result X with (folder = "a") <| print 1`, { code: 'notSupported' }],
    [`.set ifnotexists stored_query_result X <| print 1`, { code: 'notSupported' }],
    [`.set stored_query_result ['a/b'] <| print 1`, { code: 'InvalidEntityName' }],
    [`.set stored_query_result X <| Missing`, { code: 'semantic' }],
  ])('refuses %s', async (text, error) => {
    await expect(cluster.run(text)).rejects.toMatchObject(error);
    expect(await cluster.run('.show stored_query_results X')).toEqual([]);
  });

  it('refuses more than 500 columns', async () => {
    const columns = Array.from({ length: 501 }, (_unused, index) => `c${index} = ${index}`).join(', ');
    await expect(cluster.run(`.set stored_query_result Wide <| print ${columns}`)).rejects.toMatchObject({
      code: 'InvalidSchema',
    });
  });

  it('is no table', async () => {
    await cluster.run('.set stored_query_result Apart <| print a = 1');
    expect(await cluster.run('.show tables | where TableName == "Apart"')).toEqual([]);
    expect(await cluster.run('.show database extents | where TableName == "Apart"')).toEqual([]);
    await cluster.run('.create table Apart (b:string)');
    expect(await query('Apart | getschema | project ColumnName')).toEqual([['b']]);
    expect(await query('search * | where $table == "Apart" | count')).toEqual([[0n]]);
  });
});

describe('stored_query_result()', () => {
  it.each([
    ['stored_query_result("Nowhere")', /'Nowhere'/],
    ['stored_query_result("Missing", 1)', /Missing/],
    ['stored_query_result/Numbers', /./],
    [`['stored_query_result/Numbers']`, /./],
  ])('refuses %s', async (text, message) => {
    await expect(query(text)).rejects.toThrow(message);
  });

  it('reads what its own principal has stored, and nothing else', async () => {
    const viewer = other('Viewer');
    await expect(query('stored_query_result("Numbers")', viewer)).rejects.toThrow(/Numbers/);
    expect(await cluster.run('.show stored_query_results', viewer)).toEqual([]);
    await expect(cluster.run('.drop stored_query_result Numbers', viewer)).rejects.toMatchObject({
      code: 'StoredResultNotFound',
    });
    await cluster.run('.set stored_query_result Numbers <| print mine = "other"', viewer);
    expect(await query('stored_query_result("Numbers")', viewer)).toEqual([['other']]);
    expect(await query('stored_query_result("Numbers") | count')).toEqual([[5n]]);
    expect(await cluster.run('.show stored_query_results | project Name, RowCount', viewer)).toEqual([
      { Name: 'Numbers', RowCount: 1n },
    ]);
    // The administrator knows of both, and reads only the own one.
    expect(await cluster.run('.show stored_query_results Numbers | project PrincipalIdentity, RowCount')).toEqual([
      { PrincipalIdentity: 'aadapp=tester;tenant', RowCount: 5n },
      { PrincipalIdentity: 'aadapp=other;tenant', RowCount: 1n },
    ]);
  });

  it('asks for the right to read', async () => {
    await expect(
      cluster.run('.set stored_query_result Y <| print 1', other('Ingestor', 'aadapp=third;tenant')),
    ).rejects.toThrow(/not authorized to perform operation 'StoredQueryResultSet'/);
  });
});

describe('.show and .drop', () => {
  it('tell what is stored', async () => {
    await cluster.run('.set stored_query_result Shown with (expiresAfter = time(0.06:00:00)) <| Source | project n, s');
    const [row] = await cluster.run('.show stored_query_results Shown');
    expect(row).toMatchObject({
      Name: 'Shown',
      DatabaseName: 'db',
      PrincipalIdentity: 'aadapp=tester;tenant',
      RowCount: 3n,
    });
    expect(Number(row?.['SizeInBytes'])).toBeGreaterThan(100);
    expect((row?.['ExpiresOn'] as bigint) - (row?.['CreatedOn'] as bigint)).toBe(6n * 36_000_000_000n);
    expect(await cluster.run('.show stored_query_result Shown schema')).toEqual([
      { StoredQueryResult: 'Shown', Schema: '[{"Column":"n","Type":"long"},{"Column":"s","Type":"string"}]' },
    ]);
  });

  it('drop one, with its blob', async () => {
    await cluster.run('.set stored_query_result Dropped <| Source');
    const before = (await blobNames()).length;
    expect(await cluster.run('.drop stored_query_result Dropped | project Name, RowCount')).toEqual([
      { Name: 'Dropped', RowCount: 3n },
    ]);
    expect(await blobNames()).toHaveLength(before - 1);
    await expect(query('stored_query_result("Dropped")')).rejects.toThrow(/Dropped/);
  });

  it('drop those of a principal', async () => {
    const someone = other('User', 'aadapp=someone;tenant');
    await cluster.run('.set stored_query_result One <| print 1', someone);
    await cluster.run('.set stored_query_result Two <| print 2', someone);
    const text = `.drop stored_query_results by user 'aadapp=someone' | project Name`;
    await expect(cluster.run(text, someone)).rejects.toThrow(/not authorized/);
    expect(await cluster.run(text)).toEqual([{ Name: 'One' }, { Name: 'Two' }]);
    expect(await cluster.run('.show stored_query_results', someone)).toEqual([]);
  });
});
