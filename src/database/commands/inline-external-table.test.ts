import { beforeEach, describe, expect, it } from 'vitest';
import { box, storedCommands } from '../../../tests/support/stored-commands.ts';
import { deltaVector } from '../../../tests/support/delta-vectors.ts';

const { storage, run, query } = storedCommands();

const lake = (name: string): string => `inline_external_table kind=delta (h@'${box}/${name};canary')`;
const csv = (clauses: string, path: string, columns = 'A: long, B: string'): string =>
  `inline_external_table (${columns}) kind=storage ${clauses} dataformat=csv (h@'${box}/${path};canary')`;

beforeEach(() => {
  for (const name of ['changed', 'partitioned'])
    for (const [path, bytes] of deltaVector(name)) storage().blobs.set(`${box}/${name}/${path}`, bytes);
  const texts = {
    ...{ 'f/a.csv': '1,one\n2,two\n', 'f/b.csv': '3,three\n', 'p/P=x/a.csv': '4,four\n', 'p/P=y/a.csv': '5,five\n' },
    ...{ 'd/2026/01/01/a.csv': '6,2026-01-01\n', 'd/2026/01/02/a.csv': '7,2026-01-02T02:00:00Z\n', 'd/x.csv': '8,8\n' },
  };
  for (const [path, text] of Object.entries(texts)) storage().blobs.set(`${box}/${path}`, Buffer.from(text));
});
/** Of files of rows. */
const opened = (): readonly string[] => storage().read.filter((path) => /\.(csv|snappy\.parquet)$/.test(path));

describe('inline_external_table kind=delta', () => {
  it('has the columns of the log, wherever in a query they are named', async () => {
    const rows = [
      [11n, 'row 11', null],
      [12n, 'row 12', null],
      [20n, 'row 20', 1.5],
      [30n, 'row 30', 2.5],
    ];
    expect(await query(`${lake('changed')} | order by Id asc`)).toEqual(rows);
    expect(await query(`let T = ${lake('changed')}; T | summarize Id = max(Id) | join kind=inner T on Id`)).toEqual([
      [30n, ...(rows[3] ?? [])],
    ]);
    expect(await query(`union (print Id = 1), (${lake('changed')} | project Id) | count`)).toEqual([[5n]]);
    expect(
      await query(`let f = (a: string) { inline_external_table kind=delta (a) }; f('${box}/changed;canary') | count`),
    ).toEqual([[4n]]);
    await run(`.create function F() { ${lake('changed')} }`);
    expect(await query('F() | where Id > 20 | project Id')).toEqual([[30n]]);
    expect(await run(`.set Copy <| ${lake('changed')} | where Id > 11`)).toMatchObject([{ RowCount: 3n }]);
    expect(await run(`.set Names <| ${lake('changed')} | getschema`)).toMatchObject([{ RowCount: 3n }]);
  });

  it('has partitions as columns behind the others, and reads only files that are wanted', async () => {
    expect(await query(`${lake('partitioned')} | getschema | project ColumnName, ColumnType`)).toEqual([
      ...[
        ['Id', 'long'],
        ['Text', 'string'],
        ['Day', 'datetime'],
        ['Number', 'int'],
      ],
    ]);
    storage().read.length = 0;
    expect(await query(`${lake('partitioned')} | where Text == 'plain' | distinct Id`)).toEqual([[2n]]);
    expect(opened().length).toBeLessThan(5);
  });

  it('has columns of its own that are columns of the table', async () => {
    const of = (columns: string): string => lake('partitioned').replace('table', `table (${columns})`);
    expect(await query(`${of('Number: long, Id: real')} | where Id == 1`)).toEqual([[7n, 1]]);
    for (const [columns, why] of [
      ['Nope: string', "the Delta table has no column 'Nope'"],
      ['Id: string', "the column 'Id' of the Delta table is of type 'long', not 'string'"],
      ['Id: int', "the column 'Id' of the Delta table is of type 'long', not 'int'"],
    ] as const)
      await expect(query(of(columns)), columns).rejects.toThrow(why);
  });

  it.each([
    ['', ' | where Nope > 1', /Failed to resolve .* named 'Nope'/],
    [' dataformat=parquet', '', /kind=delta does not support dataformat/],
    [' partition by (P: string)', '', /kind=delta does not support partition by/],
  ])('is refused with%s%s', async (clause, after, why) => {
    await expect(query(lake('changed').replace('delta', `delta${clause}`) + after)).rejects.toThrow(why);
  });

  it('takes one address, and no properties', async () => {
    await expect(query(lake('changed').replace("canary')", `canary', '${box}/b')`))).rejects.toThrow(
      'exactly one root',
    );
    await expect(query(`${lake('changed')} with (ignoreFirstRecord=true)`)).rejects.toThrow(
      "'ignorefirstrecord' is not supported in inline_external_table of kind 'delta'",
    );
    const error = await query(lake('nowhere')).catch(String);
    expect(error).toMatch(/inline_external_table: .*no log/);
    expect(error).not.toContain('canary');
  });
});

describe('inline_external_table kind=storage', () => {
  it('reads what lies below an address, or the blob that it is', async () => {
    expect(await query(`${csv('', 'f')} | order by A asc`)).toEqual([
      [1n, 'one'],
      [2n, 'two'],
      [3n, 'three'],
    ]);
    expect(await query(`${csv('', 'f/a.csv')} with (ignoreFirstRecord=true)`)).toEqual([[2n, 'two']]);
    const mapping = '[{"column":"A","Properties":{"Ordinal":"0"}},{"column":"B","Properties":{"ConstValue":"k"}}]';
    expect(await query(`${csv('', 'f/b.csv')} with (ingestionMapping='${mapping}')`)).toEqual([[3n, 'k']]);
    await expect(query(csv('', 'none'))).rejects.toThrow('inline_external_table: There is no');
  });

  it('has partitions, by which files are left out', async () => {
    const table = csv('partition by (P: string) pathformat = ("P=" P)', 'p');
    expect(await query(`${table} | order by A asc`)).toEqual([
      [4n, 'four', 'x'],
      [5n, 'five', 'y'],
    ]);
    storage().read.length = 0;
    expect(await query(`${table} | where P == 'x' | project A`)).toEqual([[4n]]);
    expect(opened()).toEqual([`${box}/p/P=x/a.csv`]);
    const days = csv(
      'partition by (Day: datetime = startofday(At)) pathformat = (datetime_pattern("yyyy/MM/dd", Day))',
      ...(['d', 'A: long, At: datetime'] as const),
    );
    storage().read.length = 0;
    expect(await query(`${days} | where At > datetime(2026-01-02) | project A`)).toEqual([[7n]]);
    expect(opened()).toEqual([`${box}/d/2026/01/02/a.csv`]);
  });

  it.each([
    ['inline_external_table kind=storage dataformat=csv', "parsed at 'kind'"],
    ['inline_external_table (A: long) kind=storage dataformat=w3clogfile', 'Data stream type w3clogfile'],
    ['inline_external_table (A: long) kind=sql dataformat=csv', "could not be parsed at 'sql'"],
    [
      'inline_external_table (A: long) kind=storage partition by (P: string) pathformat=("x") dataformat=csv',
      "parsed at ')'",
    ],
  ])('%s is refused', async (head, why) => {
    await expect(query(`${head} (h@'${box}/f;canary')`)).rejects.toThrow(why);
  });

  it('knows no other property, and is external data to whoever bars it', async () => {
    await expect(query(`${csv('', 'f')} with (namePrefix='a')`)).rejects.toThrow("'nameprefix' is not supported");
    for (const barred of [{ externalData: true }, { externalTables: true }])
      for (const text of [csv('', 'f'), lake('changed')])
        await expect(query(text, { barred })).rejects.toThrow(/request_external_(data|table)_disabled/);
    await run(
      `.alter cluster policy callout '[{"CalloutType": "external_data", "CalloutUriRegex": "acc.blob", "CanCall": false}]'`,
    );
    try {
      for (const text of [csv('', 'f'), lake('changed')]) await expect(query(text)).rejects.toThrow('callout policy');
    } finally {
      await run(`.alter cluster policy callout '[]'`);
    }
  });

  it('is in no materialized view and in no update policy', async () => {
    await run('.create table T (A: long, B: string)');
    await expect(
      run(`.create materialized-view V on table T { ${csv('', 'f')} | summarize count() by A }`),
    ).rejects.toThrow();
    await expect(
      run(
        `.alter table T policy update @'[{"IsEnabled": true, "Source": "T", "Query": "${csv('', 'f').replaceAll("'", '\\"')}"}]'`,
      ),
    ).rejects.toThrow();
  });
});
