import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientTable, KustoData } from '../kusto-data/kusto-fixture.ts';
import { clusterHost, databaseName, startKustoData } from '../kusto-data/kusto-fixture.ts';

interface Mistakes {
  readonly sources: Readonly<Record<string, unknown>>;
  readonly mistakes: readonly {
    readonly command: string;
    readonly code: string;
    readonly type: string;
    /** CLUSTER stands for the host. */
    readonly text: string;
    /** Ids of sources, apart by spaces. */
    readonly source: string;
  }[];
}
const errorsPath = join(import.meta.dirname, '../../../vectors/commands/errors.json');
const { sources, mistakes } = JSON.parse(readFileSync(errorsPath, 'utf8')) as Mistakes;

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
});
afterAll(() => kusto[Symbol.asyncDispose]());

/** Through the official client's `executeMgmt`. */
async function run(text: string, database = databaseName): Promise<ClientTable> {
  const { tables, failed } = await kusto.call({ call: 'mgmt', database, text });
  if (failed !== undefined) throw new Error(JSON.stringify(failed));
  // Operators after a command make a query's answer of it.
  expect(tables).toHaveLength(/^\.show[^|]*\|/.test(text) ? 4 : 1);
  const [table] = tables ?? [];
  if (table === undefined) throw new Error('no table');
  return table;
}

async function refusal(text: string, database = databaseName): Promise<unknown> {
  const answer = await kusto.post('/v1/rest/mgmt', { db: database, csl: text });
  return { status: answer.status, body: answer.body };
}

const objects = ({ columns, rows }: ClientTable): Record<string, unknown>[] =>
  rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index]])));

describe('management commands through the official client', () => {
  it('make a table, fill it, and query it', async () => {
    await run('.create table Events (At:datetime, Name:string, Count:long, Bag:dynamic)');
    const inline = await run(
      `.ingest inline into table Events <|\n2026-01-01T00:00:00Z,start,1,"{""a"":1}"\n2026-01-02,stop,9007199254740993,`,
    );
    expect(inline.columns).toMatchObject([{ name: 'ExtentId', type: 'guid' }]);
    const appended = objects(
      await run('.set-or-append Big <| range n from 1 to 1000 step 1 | extend s = strcat("row ", n)'),
    );
    expect(appended).toMatchObject([{ RowCount: 1000 }]);
    const { tables } = await kusto.call({
      call: 'query',
      database: databaseName,
      text: 'Events | where Bag.a == 1 | project Name',
    });
    expect(tables?.find(({ kind }) => kind === 'PrimaryResult')?.rows).toEqual([['start']]);
  });

  it('show what there is, with types', async () => {
    const details = objects(await run('.show table Big details'));
    expect(details).toMatchObject([{ TableName: 'Big', TotalRowCount: 1000, TotalExtents: 1 }]);
    expect(Number(details[0]?.['TotalExtentSize'])).toBeGreaterThan(0);
    expect(objects(await run('.show tables | sort by TableName asc | project TableName'))).toEqual([
      { TableName: 'Big' },
      { TableName: 'Events' },
    ]);
    expect(objects(await run('.show databases', 'NetDefaultDB'))).toMatchObject([
      { DatabaseName: databaseName, IsCurrent: false },
    ]);
    expect(objects(await run('.show version', 'NetDefaultDB'))).toMatchObject([{ ServiceType: 'Engine' }]);
    const schema = JSON.parse(String((await run(`.show database ${databaseName} schema as json`)).rows[0]?.[0])) as {
      readonly Databases: Readonly<
        Record<string, { readonly Tables: Readonly<Record<string, { readonly OrderedColumns: unknown }>> }>
      >;
    };
    expect(schema.Databases[databaseName]?.Tables['Events']?.OrderedColumns).toEqual([
      { Name: 'At', Type: 'System.DateTime', CslType: 'datetime' },
      { Name: 'Name', Type: 'System.String', CslType: 'string' },
      { Name: 'Count', Type: 'System.Int64', CslType: 'long' },
      { Name: 'Bag', Type: 'System.Object', CslType: 'dynamic' },
    ]);
    expect(objects(await run('.show database principals'))).toContainEqual(
      expect.objectContaining({ Role: `Database ${databaseName} Admin`, PrincipalType: 'Microsoft Entra Application' }),
    );
    expect(objects(await run('.show principal roles'))).toContainEqual(
      expect.objectContaining({ Scope: `Database ${databaseName}`, Role: 'Admin' }),
    );
  });

  it('use a stored function, and go on after an asynchronous answer', async () => {
    await run('.create-or-alter function Few(most:long) { Big | where n <= most }');
    const started = objects(await run('.set-or-append async Copy <| Few(10)'));
    const id = String(started[0]?.['OperationId']);
    await expect
      .poll(async () => objects(await run(`.show operations ${id}`)))
      .toMatchObject([{ State: 'Completed', Status: '' }]);
    expect(objects(await run('.show table Copy details'))).toMatchObject([{ TotalRowCount: 10 }]);
  });

  it('drop extents, purge and clear', async () => {
    expect(
      objects(
        await run(`.purge table Big records in database ${databaseName} with (noregrets='true') <| where n > 900`),
      ),
    ).toMatchObject([{ TableName: 'Big', State: 'Completed' }]);
    expect(objects(await run('.show table Big details'))).toMatchObject([{ TotalRowCount: 900 }]);
    const [extent] = objects(await run('.show table Big extents'));
    await run(`.drop extents (${String(extent?.['ExtentId'])}) from Big`);
    expect(objects(await run('.show table Big details'))).toMatchObject([{ TotalRowCount: 0 }]);
    await run('.clear table Events data');
    expect(objects(await run('.show table Events details'))).toMatchObject([{ TotalRowCount: 0 }]);
  });

  it.each([
    // The administrator of a database is nobody on the cluster.
    ['.show cluster', 403, 'Forbidden'],
    ['.drop table Nowhere', 400, 'BadRequest_EntityNotFound'],
    ['.create table X (a:nothing)', 400, 'BadRequest_SyntaxError'],
    ['.create table Events (other:long)', 400, 'BadRequest'],
    ['.set-or-append Events <| Nowhere', 400, 'General_BadRequest'],
    ['.create database D2 volatile', 400, 'General_BadRequest'],
    ['.get kusto identity token', 400, 'General_BadRequest'],
    ['.export to csv ("x") <| Events', 400, 'General_BadRequest'],
    ['.make coffee', 400, 'BadRequest_SyntaxError'],
  ])('%s is refused', async (text, status, code) => {
    expect(await refusal(text)).toMatchObject({ status, body: { error: { code, '@permanent': true } } });
  });

  it('in the words of the service, each with its source', async () => {
    await run('.create-or-alter function Known() { print 1 }');
    for (const { command, code, type, text, source } of mistakes) {
      expect(source.split(' ').filter((id) => !Object.hasOwn(sources, id))).toEqual([]);
      expect(await refusal(command), command).toMatchObject({
        status: 400,
        body: { error: { code, '@type': type, '@message': text.replace('CLUSTER', clusterHost), '@permanent': true } },
      });
    }
  });

  it('about a database that is not there are refused as such', async () => {
    expect(await refusal('.show tables', 'Nowhere')).toMatchObject({
      status: 400,
      body: { error: { code: 'BadRequest_DatabaseNotExist' } },
    });
  });
});
