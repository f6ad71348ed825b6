import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

const schemaOf = async (table: string): Promise<unknown> =>
  (await cluster.run(`.show table ${table} cslschema`))[0]?.['Schema'];

describe('commands about tables', () => {
  it('create one with folder, docstring and quoted names', async () => {
    const rows = await cluster.run(
      `.create table A (n:long, ['b c']:string, d:double) with (docstring="doc", folder='f/g')`,
    );
    expect(rows).toEqual([
      {
        TableName: 'A',
        DatabaseName: 'db',
        Folder: 'f/g',
        DocString: 'doc',
        Schema: JSON.stringify({
          Name: 'A',
          OrderedColumns: [
            { Name: 'n', Type: 'System.Int64', CslType: 'long' },
            { Name: 'b c', Type: 'System.String', CslType: 'string' },
            { Name: 'd', Type: 'System.Double', CslType: 'real' },
          ],
        }),
      },
    ]);
    expect(await schemaOf('A')).toBe(`n:long,['b c']:string,d:real`);
    const again = `.create table A (n:long, ['b c']:string, d:real)`;
    expect(await cluster.run(again)).toMatchObject([{ TableName: 'A', Folder: 'f/g' }]);
    await expect(cluster.run('.create table A (n:long)')).rejects.toMatchObject({ code: 'EntityExists' });
  });

  it('add columns with create-merge and alter-merge, and set exactly those of alter', async () => {
    await cluster.run('.create-merge table B (a:long)');
    await cluster.run('.create-merge table B (a:long, b:string)');
    expect(await schemaOf('B')).toBe('a:long,b:string');
    await cluster.run('.alter-merge table B (c:real)');
    expect(await schemaOf('B')).toBe('a:long,b:string,c:real');
    await cluster.run('.alter table B (c:real, a:long) with (folder="x")');
    expect(await schemaOf('B')).toBe('c:real,a:long');
    await expect(cluster.run('.create-merge table B (a:string)')).rejects.toMatchObject({ code: 'InvalidSchema' });
  });

  it('create several, rename and swap, drop and tell what remains', async () => {
    expect(await cluster.run('.create tables C1 (a:long), C2 (b:string)')).toMatchObject([
      { TableName: 'C1' },
      { TableName: 'C2' },
    ]);
    await cluster.run('.rename tables C1=C2, C2=C1');
    expect(await schemaOf('C1')).toBe('b:string');
    await cluster.run('.rename table C1 to C3');
    const names = (await cluster.run('.drop table C3')).map((row) => row['TableName']);
    expect(names).toContain('C2');
    expect(names).not.toContain('C3');
    await expect(cluster.run('.drop table C3')).rejects.toMatchObject({ code: 'TableNotFound' });
    await cluster.run('.drop table C3 ifexists');
    await cluster.run('.drop tables (C2, C3) ifexists');
    await cluster.run(`.create table D based-on A with (folder='other')`);
    expect(await cluster.run('.show tables | where TableName == "D" | project Folder, DocString')).toEqual([
      { Folder: 'other', DocString: 'doc' },
    ]);
  });

  it('rename and drop columns, and describe them', async () => {
    await cluster.run('.create table E (a:long, b:string, c:real)');
    expect(await cluster.run('.rename column E.a to z')).toEqual([
      { EntityName: '[db].[E].[z]', DataType: 'System.Int64', Policy: '' },
    ]);
    await cluster.run(`.drop column ['E'].['b']`);
    expect(await schemaOf('E')).toBe('z:long,c:real');
    await cluster.run('.alter-merge table E column-docstrings (z:"the z")');
    const schema = await cluster.run('.show database schema');
    expect(schema).toContainEqual(
      expect.objectContaining({ TableName: 'E', ColumnName: 'z', ColumnType: 'System.Int64', DocString: 'the z' }),
    );
    await cluster.run('.alter table E docstring "about E"');
    expect(await cluster.run('.show table E cslschema')).toMatchObject([{ DocString: 'about E' }]);
    await cluster.run('.drop table E columns (c)');
    await expect(cluster.run('.drop column E.z')).rejects.toMatchObject({ code: 'InvalidSchema' });
  });

  it('show details with sizes and policies', async () => {
    await cluster.run('.create table F (a:long)');
    await cluster.run('.ingest inline into table F <| 1\n2\n3');
    expect(await cluster.run('.show table F details')).toMatchObject([
      {
        TableName: 'F',
        TotalRowCount: 3n,
        CachingPolicy: 'null',
        RetentionPolicy: expect.stringContaining('365000.00:00:00') as string,
      },
    ]);
    expect(await cluster.run('.show tables (F) details | project TotalRowCount')).toEqual([{ TotalRowCount: 3n }]);
  });
});
