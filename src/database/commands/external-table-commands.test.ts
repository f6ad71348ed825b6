import { describe, expect, it } from 'vitest';
import { box, storedCommands } from '../../../tests/support/stored-commands.ts';
import { ForbiddenError } from './forbidden-error.ts';

const { cluster, storage, run } = storedCommands();
const table = (name: string, more = 'dataformat=csv'): string =>
  `.create-or-alter external table ${name} (A: long, B: string) kind=storage ${more} (h@'${box}/f;canary') with (folder="F", docstring="D", includeHeaders="all", namePrefix="out")`;

const shown = {
  ...{ TableName: 'Shown', TableType: 'Blob', Folder: 'F', DocString: 'D' },
  Properties:
    '{"Format":"Csv","Compressed":false,"CompressionType":null,"FileExtension":null,"IncludeHeaders":"all","Encoding":null,"NamePrefix":"out"}',
  ConnectionStrings: `["${box}/f;*******"]`,
};

describe('an external table', () => {
  it('is shown without what proves access, and is there after a crash', async () => {
    await run(
      table(
        'Shown',
        'partition by (Id: long = hash(B, 10), Day: datetime = bin(A, 1d)) pathformat=("id=" Id "/" datetime_pattern("yyyyMMdd", Day)) dataformat=csv',
      ).replace('A: long', 'A: datetime'),
    );
    const [found] = await run('.show external table Shown');
    expect(found).toEqual({
      ...shown,
      Partitions:
        '[{"Mod":10,"Name":"Id","ColumnName":"B","Ordinal":0},{"Function":"Bin","Name":"Day","ColumnName":"A","Ordinal":1}]',
      PathFormat: '"id=" Id "/" datetime_pattern("yyyyMMdd", Day)',
    });
    expect(JSON.stringify(await run('.show external tables'), (_key, value: unknown) => String(value))).not.toContain(
      'canary',
    );
    const again = await cluster().data.crash();
    expect(again.externalTable('db', 'Shown').connections).toEqual([`${box}/f;canary`]);
  });

  it('tells its schema, and goes', async () => {
    await run(table('Gone'));
    expect(await run('.show external table Gone cslschema')).toMatchObject([{ Schema: 'A:long,B:string' }]);
    expect(await run('.show external table Gone schema as json')).toMatchObject([
      { Schema: expect.stringContaining('"OrderedColumns":[{"Name":"A","Type":"System.Int64"') as string },
    ]);
    await run('.drop external table Gone');
    await expect(run('.show external table Gone')).rejects.toThrow("'Gone' of kind 'ExternalTable' was not found");
    expect(await run('.drop external table Gone ifexists')).toEqual([]);
  });

  it('is written to as it says', async () => {
    await run(table('Target'));
    const [row] = await run('.export to table Target <| print 1, "one"');
    expect(row).toMatchObject({ ExternalTableName: 'Target', NumRecords: 1n });
    expect([...storage().blobs].map(([path, bytes]) => [path.replace(/[0-9a-f]{32}/, 'X'), String(bytes)])).toEqual([
      [`${box}/f/out_1_X.csv`, 'A,B\r\n1,one\r\n'],
    ]);
    expect(storage().notes.map(({ step }) => step)).toEqual(['begun', 'written', 'completed']);
    await expect(run('.export to table Target <| print 1')).rejects.toThrow('does not match the schema');
  });
});

it.each(['.create', '.alter', '.create-or-alter'])(
  '%s external table with a managed identity is for administrators of all databases',
  async (verb) => {
    const { databaseId, name } = cluster().data.database;
    const asAdmin = { clusterRoles: [], databases: [{ databaseId, name, roles: ['Admin'] as const }] };
    const text = table('Mine').replace('.create-or-alter', verb);
    await run('.drop external table Mine ifexists');
    if (verb === '.alter') await run(table('Mine'));
    const asIdentity = text.replace(';canary', ';managed_identity=system');
    expect(asIdentity).not.toBe(text);
    await expect(run(asIdentity, asAdmin)).rejects.toThrow(ForbiddenError);
    await run(text, asAdmin);
    await run(table('Mine').replace(';canary', ';managed_identity=system'));
  },
);

describe('what is refused', () => {
  it.each([
    [table('Shown3', 'dataformat=nosuch'), /not supported: of external tables/],
    [table('Shown4').replace('folder="F"', 'dryRun=true'), /'dryRun' of external tables is not built/],
    [table('Shown5').replace('.create-or-alter', '.alter'), /'Shown5' of kind 'ExternalTable' was not found/],
    [`.create external table S (x: long) kind=sql table=T (h@'Server=x;Password=canary')`, /not supported/],
    ['.export to table Nowhere <| print 1', /'Nowhere' of kind 'ExternalTable' was not found/],
    ['.show external table Shown policy query_acceleration', /not supported: query acceleration is not built/],
  ])('%s', async (text, why) => {
    const failure: unknown = await run(text).catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: expect.stringMatching(why) as string });
    expect(String(failure)).not.toContain('canary');
  });

  it('to a viewer', async () => {
    await run(table('Kept'));
    const viewer = { clusterRoles: [], databases: [{ ...cluster().data.database, roles: ['Viewer' as const] }] };
    for (const text of [
      table('Kept'),
      table('New'),
      '.drop external table Kept',
      '.export to table Kept <| print 1, ""',
    ])
      await expect(run(text, viewer)).rejects.toThrow(/not authorized/);
    expect(await run('.show external table Kept', viewer)).toHaveLength(1);
  });
});
