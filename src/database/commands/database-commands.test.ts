import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run(`.create table ['a b'] (n:long, ['x y']:dynamic) with (folder="f", docstring="it's \\"quoted\\"")`);
  await cluster.run('.create-or-alter function Add(t:(a:long, s:string), n:long = 5) { print n }');
});
afterAll(() => cluster.close());

describe('schemas', () => {
  it('as JSON hold tables, types by both names, and functions', async () => {
    const [row] = await cluster.run('.show databases schema as json');
    expect(JSON.parse(String(row?.['DatabaseSchema']))).toEqual({
      Databases: {
        db: expect.objectContaining({
          Name: 'db',
          MajorVersion: 1,
          Tables: {
            'a b': {
              Name: 'a b',
              Folder: 'f',
              DocString: `it's "quoted"`,
              DefaultColumn: null,
              OrderedColumns: [
                { Name: 'n', Type: 'System.Int64', CslType: 'long' },
                { Name: 'x y', Type: 'System.Object', CslType: 'dynamic' },
              ],
            },
          },
          Functions: {
            Add: expect.objectContaining({
              Body: '{ print n }',
              InputParameters: [
                {
                  Name: 't',
                  Columns: [
                    { Name: 'a', Type: 'System.Int64', CslType: 'long' },
                    { Name: 's', Type: 'System.String', CslType: 'string' },
                  ],
                },
                { Name: 'n', Type: 'System.Int64', CslType: 'long', CslDefaultValue: '5' },
              ],
            }) as object,
          },
        }) as object,
      },
    });
  });

  it('as rows: one for the database, the table and each column', async () => {
    const rows = await cluster.run('.show database db schema | project TableName, ColumnName, ColumnType, Version');
    expect(rows).toEqual([
      { TableName: '', ColumnName: '', ColumnType: '', Version: expect.stringMatching(/^v1\.\d+$/) as string },
      { TableName: 'a b', ColumnName: '', ColumnType: '', Version: '' },
      { TableName: 'a b', ColumnName: 'n', ColumnType: 'System.Int64', Version: '' },
      { TableName: 'a b', ColumnName: 'x y', ColumnType: 'System.Object', Version: '' },
    ]);
  });

  it('are given only when they are news', async () => {
    const version = String((await cluster.run('.show databases'))[0]?.['Version']);
    expect(await cluster.run(`.show database db schema if_later_than "${version}" as json`)).toEqual([]);
    expect(await cluster.run('.show database db schema if_later_than "v1.0" as json')).toHaveLength(1);
  });

  it('as a script make the same schema again', async () => {
    const script = (await cluster.run('.show database db schema as csl script')).map((row) =>
      String(row['DatabaseSchemaScript']),
    );
    const before = await cluster.run('.show database cslschema');
    await cluster.run(`.drop table ['a b']`);
    await cluster.run('.drop function Add');
    await cluster.run(`.execute database script with (ThrowOnErrors=true) <|\n${script.join('\n\n')}`);
    expect(await cluster.run('.show database cslschema')).toEqual(before);
    expect(await cluster.run('.show functions')).toMatchObject([
      { Name: 'Add', Parameters: '(t:(a:long, s:string), n:long = 5)' },
    ]);
  });

  it('list what editors ask for', async () => {
    expect(
      await cluster.run('.show databases entities | project EntityType, EntityName, CslOutputSchema, CslInputSchema'),
    ).toEqual([
      { EntityType: 'Table', EntityName: 'a b', CslOutputSchema: `n:long,['x y']:dynamic`, CslInputSchema: '' },
      {
        EntityType: 'Function',
        EntityName: 'Add',
        CslOutputSchema: '',
        CslInputSchema: '(t:(a:long, s:string), n:long = 5)',
      },
    ]);
  });
});

describe('databases', () => {
  it('show the periods of the resource manager until commands say others', async () => {
    const { databaseId, name } = cluster.data.database;
    const day = 86_400_000;
    const access = {
      databases: [{ databaseId, name, roles: [], softDeletePeriodMs: 30 * day, hotCachePeriodMs: 7 * day }],
    };
    const [row] = await cluster.run('.show databases details', access);
    expect(JSON.parse(String(row?.['RetentionPolicy']))).toEqual({
      SoftDeletePeriod: '30.00:00:00',
      Recoverability: 'Enabled',
    });
    expect(JSON.parse(String(row?.['CachingPolicy']))).toMatchObject({ DataHotSpan: '7.00:00:00' });
    expect(await cluster.run('.show database DB principals')).toEqual([]);
  });

  it('are named without case, and commands about the cluster need none', async () => {
    expect(await cluster.run('.show tables', { database: 'DB' })).toMatchObject([{ DatabaseName: 'db' }]);
    expect(
      await cluster.run('.show databases | project DatabaseName, IsCurrent', { database: 'NetDefaultDB' }),
    ).toEqual([{ DatabaseName: 'db', IsCurrent: false }]);
    await expect(cluster.run('.show tables', { database: 'other' })).rejects.toMatchObject({
      code: 'DatabaseNotFound',
    });
    await expect(cluster.run('.show database other schema')).rejects.toMatchObject({ code: 'DatabaseNotFound' });
  });
});

describe('commands that are not built', () => {
  it.each([
    ['.create database D volatile', 'CreateDatabase', 'resource manager'],
    ['.drop database db', 'DetachDatabase', 'resource manager'],
    ['.show principal access', 'ShowPrincipalAccess', '.show principal roles'],
    ['.cancel purge 11111111-1111-1111-1111-111111111111', 'CancelPurge', 'done'],
  ])('%s is refused by name', async (text, kind, hint) => {
    await expect(cluster.run(text)).rejects.toMatchObject({
      code: 'notSupported',
      message: expect.stringContaining(`(${kind})`) as string,
    });
    await expect(cluster.run(text)).rejects.toThrow(hint);
  });

  it('are named by their first words when nobody knows them', async () => {
    await expect(cluster.run('.show table extents of x')).rejects.toMatchObject({ name: 'KqlError' });
    await expect(cluster.run('.merge now')).rejects.toMatchObject({ name: 'KqlError' });
  });
});

describe('.show database schema violations', () => {
  it('names what means nothing any more, and why', async () => {
    for (const text of [
      '.create table Source (n: long, s: string)',
      '.create table Target (n: long)',
      '.create function OfSource(x: long) { Source | where n > x }',
      '.create function Sound() { Target }',
      '.create table Guarded (a: long)',
      '.create table Allowed (a: long)',
      '.create function Shown() { Guarded | where a in (Allowed) }',
      '.alter table Guarded policy row_level_security enable "Shown"',
      `.alter table Target policy update '[{"IsEnabled": true, "Source": "Source", "Query": "Source | project n"}]'`,
      `.create table Source ingestion csv mapping "M" '[{"Column": "s", "Properties": {"Ordinal": "0"}}]'`,
    ])
      await cluster.run(text);
    expect(await cluster.run('.show database db schema violations')).toEqual([]);
    await cluster.run('.drop table Source columns (s)');
    await cluster.run('.rename column Source.n to m');
    await cluster.run('.drop table Allowed');
    const found = await cluster.run('.show database db schema violations');
    expect(found.map((row) => [row['EntityKind'], row['EntityName'], row['Property']])).toEqual([
      ['Function', 'OfSource', ''],
      ['Function', 'Shown', ''],
      ['Table', 'Guarded', 'RowLevelSecurityPolicy'],
      ['Table', 'Source', "IngestionMapping 'M'"],
      ['Table', 'Target', 'UpdatePolicy'],
    ]);
    expect(found[0]?.['Reason']).toContain("'n'");
  });
});

describe('.cancel operation', () => {
  it('stops what an async command began, and says of what has ended that it has', async () => {
    const [begun] = await cluster.run('.set async Endless <| range X from 1 to 1000000000000 step 1 | where X % 7 > 7');
    const id = String(begun?.['OperationId']);
    expect(await cluster.run(`.cancel operation ${id} with (Reason = "Too long")`)).toMatchObject([
      { OperationId: id, Operation: 'TableSet', CancellationState: 'Cancelled successfully', ReasonPhrase: 'Too long' },
    ]);
    await cluster.settle();
    const shown = await cluster.run(`.show operations ${id} | project State, Status`);
    expect(shown).toMatchObject([{ State: 'Canceled', Status: expect.stringContaining('Too long') as string }]);
    expect(await cluster.run(`.cancel operation ${id}`)).toMatchObject([
      { CancellationState: 'Cancel failed', ReasonPhrase: 'The operation has ended.' },
    ]);
    const stranger = { ...cluster.context.caller, fqn: 'aadapp=stranger' };
    const change = { caller: stranger, clusterRoles: [] };
    await expect(cluster.run(`.cancel operation ${id}`, change)).rejects.toMatchObject({ code: 'OperationNotFound' });
  });
});
