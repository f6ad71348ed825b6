import { describe, expect, it } from 'vitest';
import type { KqlType } from '../../kql/plan/types.ts';
import { formatOfName, requireFormat } from './formats.ts';
import { parseMapping } from './ingestion-mapping.ts';
import { readBatch } from './read-batch.ts';

/** As IIS writes them. */
const log = `#Software: Microsoft Internet Information Services 10.0
#Version: 1.0
#Date: 2026-01-02 03:04:05
#Fields: date time s-ip cs-method cs-uri-query sc-status cs(User-Agent) time-taken
2026-01-02 03:04:05 10.0.0.4 GET - 200 Mozilla/5.0+(X11) 15
2026-01-02 03:04:06 10.0.0.4 POST a=b&c="d" 404 "an agent with ""blanks""" 7

#Fields: sc-status date
500 2026-01-03
`;

async function read(
  text: string,
  columns: Readonly<Record<string, KqlType>>,
  mapping?: Readonly<Record<string, object>>,
) {
  const format = { ...requireFormat('W3CLogFile'), reader: { kind: 'w3c' } } as const;
  const mapped = mapping && Object.entries(mapping).map(([Column, Properties]) => ({ Column, Properties }));
  const batch = await readBatch(Buffer.from(text), {
    ...{ format, ignoreFirstRecord: true },
    columns: Object.entries(columns).map(([name, type], index) => ({ columnId: index + 1, name, type })),
    mapping: mapped && parseMapping('w3clogfile', JSON.stringify(mapped)),
  });
  return Array.from({ length: batch.rowCount }, (_value, row) => batch.columns.map(({ values }) => values[row]));
}

describe('a W3C log', () => {
  it('has each field in the column of its name, as its lines #Fields say', async () => {
    const columns = {
      'sc-status': 'int',
      'cs-uri-query': 'string',
      'cs(User-Agent)': 'string',
      date: 'string',
    } as const;
    expect(await read(log, columns)).toEqual([
      [200, '', 'Mozilla/5.0+(X11)', '2026-01-02'],
      [404, 'a=b&c="d"', 'an agent with "blanks"', '2026-01-02'],
      [500, '', '', '2026-01-03'],
    ]);
  });

  it('is mapped by names of fields, with the number of the line', async () => {
    const columns = { Status: 'long', Taken: 'real', Row: 'long', Kind: 'string' } as const;
    const mapping = {
      ...{ Status: { Field: 'sc-status' }, Taken: { Field: 'time-taken' } },
      ...{ Row: { Transform: 'SourceLineNumber' }, Kind: { ConstValue: 'iis' } },
    };
    expect(await read(log.replaceAll('\n', '\r\n'), columns, mapping)).toEqual([
      [200n, 15, 5n, 'iis'],
      [404n, 7, 6n, 'iis'],
      [500n, null, 9n, 'iis'],
    ]);
    await expect(read(log, { A: 'string' }, { A: { Path: '$.date' } })).rejects.toThrow("needs a 'Field'");
    const seconds = { A: { Field: 'date', Transform: 'DateTimeFromUnixSeconds' } };
    await expect(read(log, { A: 'datetime' }, seconds)).rejects.toThrow('not supported for w3clogfile');
  });

  it('without the names of its fields is refused with the line', async () => {
    await expect(read('#Version: 1.0\n1 2 3\n', { a: 'string' })).rejects.toThrow('(line 2, column 1)');
    expect(await read('', { a: 'string' })).toEqual([]);
  });

  it('is what a file with the ending log is', () => {
    expect([formatOfName('u_ex260102.log.gz'), formatOfName('a.avro'), formatOfName('a.logs')]).toEqual([
      ...['w3clogfile', 'avro', undefined],
    ]);
  });
});
