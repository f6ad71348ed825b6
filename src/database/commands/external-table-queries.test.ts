import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, it } from 'vitest';
import { box, storedCommands } from '../../../tests/support/stored-commands.ts';

const { cluster, storage, run, query } = storedCommands();
const put = (path: string, content: string | Buffer): void =>
  void storage().blobs.set(`${box}/${path}`, Buffer.from(content));
const define = (name: string, columns: string, more: string, properties = 'folder="F"') =>
  run(
    `.create-or-alter external table ${name} (${columns}) kind=storage ${more} (h@'${box}/f;canary') with (${properties})`,
  );
/** Paths that were opened, below the folder. */
const read = (): readonly string[] =>
  storage()
    .read.map((path) => path.slice(`${box}/f/`.length))
    .sort();

describe('external_table()', () => {
  it('reads every file below its folder, however it is packed', async () => {
    await define('Plain', 'a: long, b: string', 'dataformat=csv');
    put('f/one.csv', '1,one\n');
    put('f/deep/er/two.csv.gz', gzipSync('2,two\n'));
    put('f/empty.csv', '');
    put('f2/other.csv', '9,other\n');
    expect(await query('external_table("Plain") | order by a asc')).toEqual([
      [1n, 'one'],
      [2n, 'two'],
    ]);
    expect(await query('external_table("Plain") | count')).toEqual([[2n]]);
    expect(await query('let E = external_table("Plain"); E | join kind=inner E on a | summarize n = count()')).toEqual([
      [2n],
    ]);
  });

  it('is empty where no file is', async () => {
    await define('Empty', 'a: long, b: string', 'dataformat=csv');
    expect(await query('external_table("Empty") | count')).toEqual([[0n]]);
  });

  it('reads only files that are called as it says, without their headers', async () => {
    await define(
      'Named',
      'a: long, b: string',
      'dataformat=csv',
      'includeHeaders="FirstFile", namePrefix="in", fileExtension=".txt"',
    );
    put('f/x/in_2.txt', 'a,b\n1,one\n');
    put('f/x/in_10.txt', '2,two\n');
    put('f/y/in_1.txt', 'a,b\n3,three\n');
    put('f/x/out.txt', '8,no\n');
    put('f/x/in_3.csv', '9,no\n');
    expect(await query('external_table("Named") | order by a asc | project a')).toEqual([[1n], [2n], [3n]]);
    await define('Named', 'a: long, b: string', 'dataformat=csv', 'includeHeaders="All", fileExtension=".txt"');
    expect(await query('external_table("Named") | order by a asc | project a')).toEqual([[1n], [3n]]);
  });

  it('reads what an export to it has left, in every format that is written', async () => {
    for (const format of ['csv', 'tsv', 'json', 'parquet']) {
      await define(`Left_${format}`, 'a: long, b: string, c: datetime', `dataformat=${format}`, 'includeHeaders="All"');
      await run(`.export to table Left_${format} <| print 1, 'o"n,e', datetime(2026-01-02)`);
      expect(
        await query(`external_table("Left_${format}") | project a, b, c = format_datetime(c, "yyyy-MM-dd")`),
      ).toEqual([[1n, 'o"n,e', '2026-01-02']]);
      storage().blobs.clear();
    }
  });

  it('has a bare name for nobody, and no rows of a name that is not there', async () => {
    await define('Alone', 'a: long, b: string', 'dataformat=csv');
    await expect(query('Alone')).rejects.toThrow(/Alone/);
    await expect(query('external_table("Nowhere")')).rejects.toThrow(/Nowhere/);
    await expect(query('external_table("Alone", "none")')).rejects.toThrow(
      /'none' of kind 'MappingPersistent' was not found/,
    );
    await expect(query('external_table("Alone", 1h)')).rejects.toThrow(/Query acceleration/);
    await expect(query('union *')).rejects.toThrow("Failed to resolve table expression named '*'"); // there is no other
  });

  it('says which table could not be read, and leaves nothing behind', async () => {
    await define('Broken', 'a: long, b: string', 'dataformat=csv');
    put('f/broken.csv', '7,"never closed');
    await expect(query('external_table("Broken")')).rejects.toThrow(/external_table\('Broken'\): .*quote/i);
    await define('Broken', 'a: long, b: string', 'dataformat=parquet');
    await expect(query('external_table("Broken")')).rejects.toThrow(/external_table\('Broken'\)/);
  });

  it('ends when its query is cancelled', async () => {
    await define('Slow', 'a: long, b: string', 'dataformat=csv');
    put('f/one.csv', '1,one\n');
    const cancelled = new AbortController();
    storage().onRead = () => cancelled.abort(new Error('cancelled'));
    await expect(query('external_table("Slow")', { signal: cancelled.signal })).rejects.toThrow('cancelled');
  });

  it('is for those alone who may read its database', async () => {
    await define('Closed', 'a: long, b: string', 'dataformat=csv');
    put('f/one.csv', '1,one\n');
    const ingestor = [{ ...cluster().data.database, roles: ['Ingestor' as const] }];
    await expect(query('external_table("Closed")', { clusterRoles: [], databases: ingestor })).rejects.toThrow(
      /not authorized/,
    );
    expect(storage().read).toEqual([]);
  });
});

describe('parts of an external table', () => {
  it('are mappings that queries name', async () => {
    await define('Mapped', 'a: long, b: string', 'dataformat=json');
    put('f/one.json', '{"x": 1, "y": {"z": "one"}}\n');
    const mapping = (path: string) =>
      `"M" '[{"Column": "a", "Properties": {"Path": "$.x"}}, {"Column": "b", "Properties": {"Path": "${path}"}}]'`;
    await expect(run(`.alter external table Mapped mapping ${mapping('$.y.z')}`)).rejects.toThrow(/'M'/);
    await run(`.create external table Mapped mapping ${mapping('$.y')}`);
    await expect(run(`.create external table Mapped mapping ${mapping('$.y')}`)).rejects.toThrow(/exists/);
    expect(await run(`.alter external table Mapped mapping ${mapping('$.y.z')}`)).toMatchObject([
      { Name: 'M', Kind: 'Json' },
    ]);
    expect(await query('external_table("Mapped", "M")')).toEqual([[1n, 'one']]);
    expect(await query('external_table("Mapped")')).toEqual([[null, '']]);
    await expect(
      run(`.create external table Mapped mapping "N" '[{"Column": "none", "Properties": {"Path": "$.x"}}]'`),
    ).rejects.toThrow(/names the column 'none'/);
    await define('Mapped', 'a: long, b: string', 'dataformat=json');
    expect(await run('.show external table Mapped mapping "M"')).toEqual(
      await run('.show external table Mapped mappings'),
    );
    expect(await run('.drop external table Mapped mapping "M"')).toEqual([]);
    await expect(query('external_table("Mapped", "M")')).rejects.toThrow(/was not found/);
  });

  it('are files, texts and details', async () => {
    await define('Parts', 'a: long, c: string', 'partition by (Name: string, Day: datetime) dataformat=csv');
    put('f/ann/2026/01/02/x.csv', '1,one\n');
    put('f/ann/other/x.csv', '1,one\n');
    const file = {
      Uri: `${box}/f/ann/2026/01/02/x.csv`,
      ...{ Partition: '{"Name":"ann","Day":"2026-01-02T00:00:00.0000000Z"}', Size: 6n },
    };
    expect(await run('.show external table Parts artifacts')).toEqual([file]);
    expect(await run('.show external table Parts artifacts limit 1')).toEqual([file]);
    expect(await run('.show external table Parts artifacts limit 0')).toEqual([]);
    await run('.alter external table Parts docstring "of mine"');
    expect(await run('.alter external table Parts folder "Box"')).toEqual([
      { TableName: 'Parts', Folder: 'Box', DocString: 'of mine' },
    ]);
    expect(await run('.show external table Parts details')).toEqual([
      { TableName: 'Parts', QueryAccelerationPolicy: '', QueryAccelerationState: '' },
    ]);
  });
});

describe('partitions', () => {
  beforeEach(() => {
    for (const customer of ['ann', 'bob'])
      for (const day of ['20260101', '20260102', '20260201'])
        put(`f/customer=${customer}/date=${day}/x.csv`, `${day},${customer}\n`);
  });
  const virtual =
    'partition by (CustomerName: string, Date: datetime) pathformat=("customer=" CustomerName "/date=" datetime_pattern("yyyyMMdd", Date)) dataformat=csv';

  it('that only paths have are columns after the others, and spare files', async () => {
    await define('Virtual', 'n: long, c: string', virtual);
    expect(
      await query(
        'external_table("Virtual") | where CustomerName == "ann" and Date between (datetime(2026-01-02) .. 1d) | extend Date = format_datetime(Date, "yyyy-MM-dd")',
      ),
    ).toEqual([[20260102n, 'ann', 'ann', '2026-01-02']]);
    expect(read()).toEqual(['customer=ann/date=20260102/x.csv']);
    storage().read.length = 0;
    expect(
      await query(
        'external_table("Virtual") | where CustomerName in ("bob", "carl") | summarize n = count(), day = format_datetime(max(Date), "yyyy-MM-dd")',
      ),
    ).toEqual([[3n, '2026-02-01']]);
    expect(read().every((path) => path.startsWith('customer=bob/'))).toBe(true);
    expect(read()).toHaveLength(3);
  });

  it('are asked for by a beginning of paths that all of them have', async () => {
    await define('Virtual', 'n: long, c: string', virtual);
    const listed: string[] = [];
    storage().onRead = (path) => void listed.push(path);
    expect(await query('external_table("Virtual") | where CustomerName == "bob" | count')).toEqual([[3n]]);
    expect(listed).toHaveLength(3);
  });

  it.each([
    ['startofday(At)', 'datetime(2026-01-02 10:00)', ['20260102']],
    ['startofmonth(At)', 'datetime(2026-01-20)', ['20260101', '20260102']],
    ['bin(At, 1d)', 'datetime(2026-02-01 23:59)', ['20260201']],
    ['startofweek(At)', 'datetime(2026-01-05)', ['20260101', '20260102']],
  ])('of %s spare files that cannot have a row', async (call, at, wanted) => {
    await define(
      'Of',
      'At: datetime, c: string',
      `partition by (Part: string = c, Day: datetime = ${call}) pathformat=("customer=" Part "/date=" datetime_pattern("yyyyMMdd", Day)) dataformat=csv`,
    );
    storage().blobs.forEach((_bytes, path) => storage().blobs.set(path, Buffer.from('2026-01-02,ann\n')));
    await query(`external_table("Of") | where At == ${at} and c == "ann"`);
    expect(read()).toEqual(wanted.map((day) => `customer=ann/date=${day}/x.csv`));
  });

  it.each(['csv', 'parquet'])('are folders of an export as %s, and say on the way back which', async (format) => {
    storage().blobs.clear();
    await define(
      'Way',
      'At: datetime, c: string',
      `partition by (Part: string = c, Id: long = hash(c, 10), Week: datetime = startofweek(At), Kind: string) pathformat=("p=" Part "/" Id "/" datetime_pattern("yyyyMMdd", Week) "/" Kind) dataformat=${format}`,
    );
    await run(
      '.export to table Way <| datatable (At: datetime, c: string, Kind: string) [datetime(2026-01-07 10:00), "ann", "x", datetime(2026-01-03), "", "y/z", datetime(null), "ann", "x"]',
    );
    const [hash] = (await query('print hash("ann", 10), hash("", 10)'))[0] ?? [];
    const [[, empty] = []] = await query('print hash("ann", 10), hash("", 10)');
    const folders = [...storage().blobs.keys()].map((path) => path.slice(`${box}/f/`.length).replace(/\/[^/]*$/, ''));
    expect(folders.sort()).toEqual(
      [
        `p=ann/${String(hash)}/20260104/x`,
        `p=ann/${String(hash)}/__DEFAULT_PARTITION__/x`,
        `p=__DEFAULT_PARTITION__/${String(empty)}/20251228/__DEFAULT_PARTITION__`,
      ].sort(),
    );
    expect(await query('external_table("Way") | where c == "ann" | summarize n = count() by Kind')).toEqual([
      ['x', 2n],
    ]);
    expect(await query('external_table("Way") | where At == datetime(2026-01-03) | project c, Kind')).toEqual([
      ['', ''],
    ]);
  });

  it('by a hash are read, whatever it is', async () => {
    await define(
      'Hashed',
      'n: long, c: string',
      'partition by (Id: long = hash(c, 10)) pathformat=("id=" Id) dataformat=csv',
    );
    put('f/id=7/a.csv', '1,one\n');
    put('f/id=none/b.csv', '2,two\n');
    expect(await query('external_table("Hashed") | where c == "one" | project n')).toEqual([[1n]]);
  });
});
