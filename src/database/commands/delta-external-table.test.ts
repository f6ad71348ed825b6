import { describe, expect, it } from 'vitest';
import { box, storedCommands } from '../../../tests/support/stored-commands.ts';
import { deltaVector } from '../../../tests/support/delta-vectors.ts';

const { storage, run, query } = storedCommands();

/** Puts a table that deltalake has written into the user's storage. */
function put(name: string, to = name): void {
  for (const [path, bytes] of deltaVector(name)) storage().blobs.set(`${box}/${to}/${path}`, bytes);
}
const define = (name: string, columns = '', more = '') =>
  run(`.create-or-alter external table D ${columns} kind=delta (h@'${box}/${name};canary') ${more}`);
const commit = (version: number, name = 'made'): string =>
  `${box}/${name}/_delta_log/${String(version).padStart(20, '0')}.json`;
const log = (version: number, ...actions: readonly object[]): void =>
  void storage().blobs.set(commit(version), Buffer.from(actions.map((action) => JSON.stringify(action)).join('\n')));

const schemaString = JSON.stringify({
  type: 'struct',
  fields: [{ name: 'Id', type: 'long', nullable: true, metadata: {} }],
});
const protocol = { protocol: { minReaderVersion: 1, minWriterVersion: 2 } };
const metaData = {
  metaData: { format: { provider: 'parquet' }, schemaString, partitionColumns: [], configuration: {} },
};

describe('an external table of kind delta', () => {
  it('takes its columns from the log, and reads each type', async () => {
    put('scalars');
    await define('scalars');
    expect(await run('.show external table D cslschema')).toMatchObject([
      {
        Schema:
          'Boolean:bool,Byte:int,Short:int,Int:int,Long:long,Float:real,Double:real,Text:string,Binary:string,Date:datetime,Instant:datetime,Decimal:decimal,List:dynamic,Map:dynamic,Struct:dynamic',
      },
    ]);
    const shown = 'Date = tostring(Date), Instant = tostring(Instant), Decimal = tostring(Decimal)';
    const rows = await query(`external_table('D') | extend ${shown} | order by Long desc nulls last`);
    expect(
      rows.map((row) =>
        JSON.stringify(row, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value)),
      ),
    ).toEqual([
      '[true,1,1,1,"1",0.5,0.1,"grüße, ☕","{\\"a\\":1}","2026-01-02T00:00:00.0000000Z","2026-01-02T03:04:05.6789010Z","1234567890.1234","[1,2]","{\\"a\\":\\"1\\"}","{\\"Name\\":\\"start\\",\\"Level\\":1.5}"]',
      '[false,-128,-32768,-2147483648,"-9223372036854775808",-1.25,-1e+300,"","","1969-12-31T00:00:00.0000000Z","1960-01-01T00:00:00.0000000Z","-0.01","[]","{}","{\\"Name\\":null,\\"Level\\":null}"]',
      '[null,null,null,null,null,null,null,"","","","","",null,null,null]',
    ]);
  });

  it.each(['changed', 'parts'])('reads the latest version, as %s has it, and each file of it once', async (name) => {
    put(name);
    await define(name);
    expect(await query("external_table('D') | order by Id asc")).toEqual([
      [11n, 'row 11', null],
      [12n, 'row 12', null],
      [20n, 'row 20', 1.5],
      [30n, 'row 30', 2.5],
    ]);
    const read = storage().read.map((path) => path.slice(`${box}/${name}/`.length));
    const files = read.filter((path) => !path.startsWith('_delta_log/'));
    expect([files.length, new Set(files).size]).toEqual([3, 3]);
    const versions = read.flatMap((path) => /(\d)\.json$/.exec(path)?.[1] ?? []);
    expect(versions).toEqual(['5', '6', '5', '6']); // of .create, and of the query: nothing before the checkpoint
    expect((await run('.show external table D artifacts')).map(({ Size }) => Number(Size) > 500)).toEqual([
      ...[true, true, true],
    ]);
  });

  it('has partitions as virtual columns, and opens only files that the query wants', async () => {
    put('partitioned');
    await define('partitioned');
    expect(await run('.show external table D')).toMatchObject([
      {
        ...{
          TableType: 'Delta',
          PathFormat: '"Text=" Text "/Day=" datetime_pattern("yyyy-MM-dd", Day) "/Number=" Number',
        },
        ConnectionStrings: `["${box}/partitioned;*******"]`,
      },
    ]);
    expect(await run('.show external table D cslschema')).toMatchObject([{ Schema: 'Id:long' }]);
    expect(await query("external_table('D') | extend Day = format_datetime(Day, 'MM-dd') | order by Id asc")).toEqual([
      [1n, 'a/b c%', '01-02', 7],
      [2n, 'plain', '01-03', -8],
      [2n, 'plain', '01-03', -8],
      [3n, '', '', null],
      [4n, 'grüße=☕', '01-03', 7],
    ]);
    for (const [condition, opened] of [
      ['Text == "plain"', 3],
      ['Day < datetime(2026-01-03)', 2],
      ['Number == 7', 3],
      ['Id == 1', 5],
    ] as const) {
      storage().read.length = 0;
      await query(`external_table('D') | where ${condition}`);
      // One without partition values is for the query itself to decide.
      expect([condition, storage().read.filter((path) => path.endsWith('snappy.parquet')).length]).toEqual([
        condition,
        opened,
      ]);
    }
  });

  it('has columns of its own, null where the files have none or others', async () => {
    put('partitioned');
    await define('partitioned', '(Number: long, Id: guid, Other: string, Text: string)');
    expect(await query("external_table('D') | project Number, Id, Other, Text | where Text == 'plain'")).toEqual([
      [-8n, null, '', 'plain'],
      [-8n, null, '', 'plain'],
    ]);
    expect(await query("external_table('D') | getschema | project ColumnName")).toEqual([
      ...[['Number'], ['Id'], ['Other'], ['Text'], ['Day']],
    ]);
  });

  it('has partitions that are called as what every object has, null where a file says nothing of them', async () => {
    put('local-times');
    const [file = ''] = [...storage().blobs.keys()].filter((path) => path.endsWith('.parquet'));
    const fields = ['Id', 'constructor'].map((name) => ({ name, type: 'string', nullable: true, metadata: {} }));
    const schema = JSON.stringify({ type: 'struct', fields });
    const path = file.slice(`${box}/local-times/`.length);
    log(0, protocol, { metaData: { ...metaData.metaData, schemaString: schema, partitionColumns: ['constructor'] } });
    log(1, { add: { path, partitionValues: {}, size: 1, dataChange: true } });
    storage().blobs.set(`${box}/made/${path}`, storage().blobs.get(file) ?? Buffer.alloc(0));
    await define('made');
    expect(await query("external_table('D') | project constructor | where constructor != 'x'")).toEqual([['']]);
  });

  it('reads times without a zone, and files that are called as it says', async () => {
    put('local-times');
    await define('local-times');
    expect(await query("external_table('D') | project tostring(Local)")).toEqual([['2026-01-02T03:04:05.0000000Z']]);
    await define('local-times', '', "with (namePrefix='other')");
    expect(await query("external_table('D') | count")).toEqual([[0n]]);
  });

  it('is not read where the callout policy denies it, and not written to', async () => {
    put('changed');
    await define('changed');
    await expect(run('.export to table D <| print 1, "one", 1.5')).rejects.toThrow(
      /of kind 'delta' \('D'\) are not built/,
    );
    await run(
      `.alter cluster policy callout '[{"CalloutType": "external_data", "CalloutUriRegex": "acc.blob", "CanCall": false}]'`,
    );
    try {
      for (const attempt of [
        () => query("external_table('D')"),
        () => run('.show external table D artifacts'),
        () => define('changed'),
      ])
        await expect(attempt()).rejects.toThrow(/callout policy/);
    } finally {
      await run(`.alter cluster policy callout '[]'`);
    }
  });

  it('ends when its query is cancelled while the log is read', async () => {
    put('changed');
    await define('changed');
    const cancelled = new AbortController();
    storage().onRead = () => cancelled.abort(new Error('cancelled'));
    await expect(query("external_table('D')", { signal: cancelled.signal })).rejects.toThrow('cancelled');
  });
});

describe('what is refused of a Delta table', () => {
  const readers = (...readerFeatures: readonly string[]): object => ({
    protocol: { minReaderVersion: 3, minWriterVersion: 7, readerFeatures, writerFeatures: readerFeatures },
  });
  const mapped = { metaData: { ...metaData.metaData, configuration: { 'delta.columnMapping.mode': 'name' } } };
  const add = { path: 'a.parquet', partitionValues: {}, size: 1, dataChange: true };
  const vector = { storageType: 'u', pathOrInlineDv: 'ab', offset: 1, sizeInBytes: 36, cardinality: 1 };

  it.each<[string, readonly object[], RegExp]>([
    ['a reader feature that is not known', [readers('rowLuck'), metaData], /'rowLuck' of Delta tables is not built/],
    ['checkpoints of the second form', [readers('v2Checkpoint'), metaData], /'v2Checkpoint' of Delta tables/],
    ['a reader version to come', [{ protocol: { minReaderVersion: 4 } }, metaData], /reader version 4 of Delta/],
    ['column mapping', [readers('columnMapping'), mapped], /'columnMapping' of Delta tables is not built/],
    [
      'a file with a deletion vector',
      [readers('deletionVectors'), metaData, { add: { ...add, deletionVector: vector } }],
      /'deletionVectors' of Delta/,
    ],
    [
      'a file elsewhere',
      [protocol, metaData, { add: { ...add, path: 'abfss://c@other.dfs.core.windows.net/a' } }],
      /outside of the folder/,
    ],
    [
      'a file above',
      [protocol, metaData, { add: { ...add, path: 'x/%2e%2e/%2e%2e/secret' } }],
      /none below its folder/,
    ],
    [
      'a file above, by an escaped slash',
      [protocol, metaData, { add: { ...add, path: 'x%2F..%2Fy' } }],
      /none below its folder/,
    ],
    [
      'a file above the folder itself',
      [protocol, metaData, { add: { ...add, path: '%2e%2e/x' } }],
      /none below its folder/,
    ],
    ['a file without a name', [protocol, metaData, { add: { ...add, path: 'x//y' } }], /none below its folder/],
    [
      'a file on another host',
      [protocol, metaData, { add: { ...add, path: '//evil.blob.core.windows.net/c/a' } }],
      /outside of the folder/,
    ],
    [
      'a file whose name is no text',
      [protocol, metaData, { add: { ...add, path: 'x\ud800.parquet' } }],
      /path of a file is no URI/,
    ],
    [
      'another format',
      [protocol, { metaData: { ...metaData.metaData, format: { provider: 'orc' } } }],
      /format 'orc' of Delta/,
    ],
    [
      'a type that is not known',
      [protocol, { metaData: { ...metaData.metaData, schemaString: schemaString.replace('"long"', '"variant"') } }],
      /type 'variant' of the column 'Id' of Delta/,
    ],
    ['no metadata', [protocol], /no protocol or no metadata/],
    [
      'a schema that is none',
      [protocol, { metaData: { ...metaData.metaData, schemaString: '{' } }],
      /its schema is no JSON/,
    ],
    [
      'partitions by what is not there',
      [protocol, { metaData: { ...metaData.metaData, partitionColumns: ['X'] } }],
      /partitioned by a column that it has not/,
    ],
  ])('%s', async (_what, actions, why) => {
    log(0, ...actions);
    await expect(define('made')).rejects.toThrow(why);
  });

  it('deletion vectors of files that were removed since are none', async () => {
    log(0, readers('deletionVectors', 'columnMapping'), metaData, { add: { ...add, deletionVector: vector } }, { add });
    log(1, { remove: { path: add.path, deletionVector: vector } });
    await define('made');
    expect((await run('.show external table D artifacts')).map(({ Uri }) => Uri)).toEqual([`${box}/made/a.parquet`]);
  });

  it('a log that is not whole', async () => {
    await expect(define('nowhere')).rejects.toThrow(/no log in the folder _delta_log/);
    log(0, protocol, metaData);
    log(2, { add });
    await expect(define('made')).rejects.toThrow(/a version of its log is missing/);
    storage().blobs.set(commit(1), Buffer.from('{"add":'));
    await expect(define('made')).rejects.toThrow(/a line of its log is no JSON/);
    storage().blobs.clear();
    log(4, { add });
    storage().blobs.set(commit(3).replace('.json', `.checkpoint.${'a'.repeat(36)}.parquet`), Buffer.from(''));
    await expect(define('made')).rejects.toThrow(/'v2Checkpoint' of Delta tables is not built/);
    storage().blobs.clear();
    put('parts', 'made');
    storage().blobs.delete(`${commit(4).slice(0, -5)}.checkpoint.0000000002.0000000002.parquet`);
    await expect(define('made')).rejects.toThrow(/a version of its log is missing/);
    storage().blobs.set(`${commit(4).slice(0, -5)}.checkpoint.parquet`, Buffer.from('none'));
    await expect(define('made')).rejects.toThrow(/not valid Parquet/);
  });
});
