import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { box, storedCommands } from '../../../tests/support/stored-commands.ts';

const { cluster, storage, run } = storedCommands();
const to = (format: string, query: string, properties = ''): string =>
  `.export to ${format} (h@"${box};secretKey")${properties === '' ? '' : ` with (${properties})`} <| ${query}`;
const texts = (): string[] => [...storage().blobs.values()].map(String);

const row =
  'print b = true, i = int(1), l = 9007199254740993, r = 1.5, m = decimal(1.25), s = "a,\\"b\\"\\nc", t = datetime(2026-01-02 03:04:05.1234567), d = 1d, g = guid(74be27de-1e4e-49d9-b579-fe0b331d3642), j = dynamic({"a":[1]})';

describe('.export to text', () => {
  it('writes every type as the command reads it again', async () => {
    const [answer] = await run(to('csv', row, 'includeHeaders="all", namePrefix="out"'));
    const [path = '', bytes] = [...storage().blobs][0] ?? [];
    expect(path).toMatch(/^https:\/\/acc\.blob\.core\.windows\.net\/box\/out_1_[0-9a-f]{32}\.csv$/);
    expect(answer).toEqual({ Path: path, NumRecords: 1n, SizeInBytes: BigInt(bytes?.byteLength ?? 0) });
    expect(String(bytes)).toBe(
      'b,i,l,r,m,s,t,d,g,j\r\n' +
        'true,1,9007199254740993,1.5,1.25,"a,""b""\nc",2026-01-02T03:04:05.1234567Z,1.00:00:00,74be27de-1e4e-49d9-b579-fe0b331d3642,"{""a"":[1]}"\r\n',
    );
  });

  it('writes lines of JSON, with all digits of a long and dynamics as they are', async () => {
    await run(to('json', row));
    expect(texts()).toEqual([
      '{"b":true,"i":1,"l":9007199254740993,"r":1.5,"m":"1.25","s":"a,\\"b\\"\\nc","t":"2026-01-02T03:04:05.1234567Z","d":"1.00:00:00","g":"74be27de-1e4e-49d9-b579-fe0b331d3642","j":{"a":[1]}}\n',
    ]);
  });

  it('leaves nulls empty, and separates by tabs', async () => {
    await run(to('tsv', 'print a = long(null), s = "x\\ty", b = bool(null)', 'encoding="UTF8BOM"'));
    expect(texts()).toEqual(['\ufeff\t"x\ty"\t\r\n']);
  });

  it('packs with gzip, and says so at the end of the name', async () => {
    const [answer] = await run(`.export compressed to csv (h@"${box};k") <| range a from 1 to 3 step 1`);
    const [path = '', bytes] = [...storage().blobs][0] ?? [];
    expect(path).toMatch(/\.csv\.gz$/);
    expect(answer?.['SizeInBytes']).toBe(BigInt(bytes?.byteLength ?? 0));
    expect(String(gunzipSync(bytes ?? Buffer.alloc(0)))).toBe('1\r\n2\r\n3\r\n');
  });

  it('leaves no blob when there are no rows', async () => {
    expect(await run(to('csv', 'print a = 1 | where a == 2', 'includeHeaders="all"'))).toEqual([]);
    expect(storage().blobs.size).toBe(0);
  });
});

it('.export to parquet writes what .ingest into reads', async () => {
  // A timespan is ticks in Parquet.
  const [answer] = await run(
    to('parquet', `${row} | extend d = tolong(d)`, 'compressionType="zstd", parquetDatetimePrecision="microsecond"'),
  );
  expect(answer?.['NumRecords']).toBe(1n);
  await run(
    '.create table Back (b:bool, i:int, l:long, r:real, m:decimal, s:string, t:datetime, d:long, g:string, j:dynamic)',
  );
  await run(`.ingest into table Back (h"${String(answer?.['Path'])}") with (format="parquet")`);
  await run(to('json', 'Back'));
  expect(texts().at(-1)).toBe(
    '{"b":true,"i":1,"l":9007199254740993,"r":1.5,"m":"1.25","s":"a,\\"b\\"\\nc","t":"2026-01-02T03:04:05.1234560Z","d":864000000000,"g":"74be27de-1e4e-49d9-b579-fe0b331d3642","j":{"a":[1]}}\n',
  );
});

describe('what is told of an export', () => {
  it('is told before anything is there, for each blob, and at its end', async () => {
    storage().onNote = ({ step }) => expect(storage().blobs.size).toBe(step === 'begun' ? 0 : 1);
    await run(to('csv', 'range a from 1 to 3 step 1'));
    const note = { database: 'db', container: box };
    expect(storage().notes).toEqual([
      { step: 'begun', ...note, rows: 0, bytes: 0 },
      { step: 'written', ...note, rows: 3, bytes: 9 },
      { step: 'completed', ...note, rows: 3, bytes: 9 },
    ]);
  });

  it('stops an export that may not begin', async () => {
    storage().onNote = () => {
      throw new Error('The cluster may not use its key now.');
    };
    await expect(run(to('csv', 'print 1'))).rejects.toThrow('may not use its key');
    expect(storage().blobs.size).toBe(0);
  });

  it('says that it failed when storage refuses', async () => {
    storage().onWrite = () => {
      throw new Error('no');
    };
    await expect(run(to('csv', 'print 1'))).rejects.toThrow('no');
    expect(storage().notes.map(({ step }) => step)).toEqual(['begun', 'failed']);
  });
});

it('ends at once when the cluster stops to serve, also behind the answer', async () => {
  storage().onWrite = () => storage().end(new Error('The cluster is suspended.'));
  const [started] = await run(`.export async to csv (h@"${box};k") <| range a from 1 to 2000000 step 1`);
  await cluster().settle();
  const id = String(started?.['OperationId']);
  expect(await run(`.show operations ${id} | project Operation, State`)).toEqual([
    { Operation: 'DataExport', State: 'Failed' },
  ]);
  expect(storage().blobs.size).toBe(0);
  await expect(run(`.show operation ${id} details`)).rejects.toThrow('has no details');
});

it('keeps what an async export answered', async () => {
  const [started] = await run(`.export async to csv (h@"${box};k") <| range a from 1 to 3 step 1`);
  await cluster().settle();
  expect(await run(`.show operation ${String(started?.['OperationId'])} details`)).toEqual([
    { Path: [...storage().blobs.keys()][0], NumRecords: 3n, SizeInBytes: 9n },
  ]);
});

it('spreads blobs over all targets, none larger than its limit', async () => {
  const rows = await run(
    `.export to csv (h@"${box};k", h@"https://other.blob.core.windows.net/x/in/it;k") with (sizeLimit=100000000) <| range a from 1 to 3000 step 1 | extend s = strrep(strrep("x", 1000), 70)`,
  );
  expect(rows.map(({ NumRecords }) => NumRecords)).toEqual([1428n, 1428n, 144n]);
  expect(rows.map(({ Path }) => String(Path).replace(/[0-9a-f-]{36}_(\d)_[0-9a-f]{32}/, '$1'))).toEqual([
    `${box}/1.csv`,
    'https://other.blob.core.windows.net/x/in/it/2.csv',
    `${box}/3.csv`,
  ]);
});

describe('what is refused', () => {
  it.each([
    [to('csv', 'print 1', 'sizeLimit=10'), /'sizeLimit' is a whole number from 100000000 to 4000000000/],
    [to('csv', 'print 1', 'compressionType="snappy"'), /'compressionType' is one of gzip/],
    [to('csv', 'print 1', 'includeHeaders="some"'), /'includeHeaders' is one of none, all, firstFile/],
    [to('csv', 'print 1', 'namePrefix="../x"'), /'namePrefix' is no part of a blob's name/],
    [to('csv', 'print 1', 'nosuch=1'), /The property 'nosuch' is not supported/],
    [to('orc', 'print 1'), /Data is exported as csv, tsv, json, parquet, not as 'orc'|could not be parsed at 'orc'/],
  ])('%s', async (text, why) => {
    await expect(run(text)).rejects.toThrow(why);
    expect(storage().notes).toEqual([]);
  });

  it('to export what one may not read', async () => {
    const nobody = { clusterRoles: [], databases: [{ ...cluster().data.database, roles: ['Ingestor' as const] }] };
    await expect(run(to('csv', 'print 1'), nobody)).rejects.toThrow(/not authorized/);
  });
});
