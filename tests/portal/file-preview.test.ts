import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { typeOf, UnreadableFile } from '../../portal/src/query/ingest/column.ts';
import { commandsOf, formatOf, previewFile, tableNameOf } from '../../portal/src/query/ingest/plan-file.ts';
import { previewParquet } from '../../portal/src/query/ingest/parquet-schema.ts';
import { csvRecords, previewCsv, previewJson } from '../../portal/src/query/ingest/text-files.ts';

const vectors = join(import.meta.dirname, '..', '..', 'vectors', 'parquet');
const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(join(vectors, name)));

describe('the first rows of a text', () => {
  it('are records of RFC 4180, with where the last whole one ends', () => {
    const text = 'a,"b ""quoted"", and\nmore",\r\n1,2,3\r\nhalf,';
    const { records, ends } = csvRecords(text, false, 9);
    expect(records).toEqual([
      ['a', 'b "quoted", and\nmore', ''],
      ['1', '2', '3'],
    ]);
    expect(text.slice(ends[0])).toBe('1,2,3\r\nhalf,');
    expect(csvRecords('1,2', true, 9).records).toEqual([['1', '2']]);
  });

  it('name columns and tell their types', () => {
    const preview = previewCsv('When,n,x,ok,Bag,text\n2026-01-01T00:00:00Z,1,1.5,true,"{""a"":1}",a\n', true, true);
    expect(preview.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      ...['When datetime', 'n long', 'x real', 'ok bool', 'Bag dynamic', 'text string'],
    ]);
    expect(previewCsv('1,2\n', true, false).columns.map(({ name }) => name)).toEqual(['Column1', 'Column2']);
    const json = previewJson('{"b":1,"a":{"c":2}}\n{"d":null,"b":2}\n{"cut', false);
    expect(json.columns).toEqual([
      { name: 'b', type: 'long', samples: ['1', '2'] },
      { name: 'a', type: 'dynamic', samples: ['{"c":2}', ''] },
      { name: 'd', type: 'string', samples: ['', ''] },
    ]);
    expect(typeOf(['1', 'x'])).toBe('string');
  });

  it.each(['[1]\n', 'no\n', '\n', '7\n'])('refuse %j as lines of JSON', (text) => {
    expect(() => previewJson(text, true)).toThrow(UnreadableFile);
  });
});

describe('the footer of a Parquet file', () => {
  it.each([
    ['bytes', 2, 'id: long, bytes: string'],
    ['decimals', 3, 'wide: decimal'],
    ['wide-decimal', 2, 'd: decimal'],
    ['int96', 3, 't: datetime'],
    ['nested', 3, 'id: long, event: dynamic, tags: dynamic, counts: dynamic'],
    [
      'scalars',
      3,
      'bool: bool, int8: int, uint8: int, int32: int, int64: long, uint64: long, float: real, double: real, string: string, number text: string, json: dynamic, bytes: string, date: datetime, timestamp ms: datetime, timestamp us: datetime, timestamp ns: datetime, timestamp local: datetime, time us: long, uuid: guid, decimal i32: decimal, decimal i64: decimal',
    ],
  ])('%s.parquet, of another writer, says how many rows and which columns', (name, rows, columns) => {
    const found = previewParquet(bytesOf(`${name}.parquet`));
    expect(found.rows).toBe(rows);
    expect(found.columns.map((one) => `${one.name}: ${one.type}`).join(', ')).toBe(columns);
  });

  it('is refused wherever it is cut or changed, or read as something', () => {
    const bytes = bytesOf('nested.parquet');
    const end = bytes.byteLength;
    for (let cut = 0; cut < end; cut += 7) expect(() => previewParquet(bytes.slice(0, cut))).toThrow(UnreadableFile);
    for (let at = Math.max(4, end - 2_000); at < end - 8; at += 1) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      try {
        previewParquet(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(UnreadableFile);
      }
    }
  });
});

describe('what is sent for a file', () => {
  it('quotes whatever names it has', () => {
    const { before, after } = commandsOf({
      ...{ where: { host: 'h', database: 'db' }, table: 'a"]\\', isNew: true, format: 'json', named: false },
      columns: [{ source: "it's\n", ordinal: 0, column: 'c"', type: 'string' }],
    });
    expect(before[0]).toBe(String.raw`.create table ["a\"]\\"] (["c\""]: string)`);
    expect(before[2]).toBe(
      String.raw`.create-or-alter table ["a\"]\\"] ingestion json mapping 'kustody_portal_file' '[{"Column":"c\\"","Properties":{"Path":"$[\'it\\\\\'s\\n\']"}}]'`,
    );
    expect(after).toContain('.drop table');
  });

  it('follows from the name of the file, and is no more than one ingestion carries', async () => {
    expect(['a.PARQUET', 'b.ndjson', 'c.txt'].map(formatOf)).toEqual(['parquet', 'json', 'csv']);
    expect(['my data-1.csv', '<img src=x>.csv', '2026.csv', '.csv'].map(tableNameOf)).toEqual([
      ...['my_data_1', 'img_src_x', 'File_2026', 'File'],
    ]);
    await expect(previewFile(new Blob([new Uint8Array(4 * 1024 * 1024 + 1)]), 'csv', true)).rejects.toThrow(/bytes/);
  });
});
