import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import { fuzz } from '../../../tests/support/fuzz.ts';
import { MemoryFile } from '../../encryption/extent-files/memory-file.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { DataError } from '../catalog/data-error.ts';
import type { PlainFile } from '../extents/extent-files.ts';
import { collect } from '../extents/collect.ts';
import { bytesSource } from './data-source.ts';
import { requireFormat } from './formats.ts';
import type { MappedColumn } from './ingestion-mapping.ts';
import { blockBytes, UnlikeTextError } from './record-blocks.ts';
import type { StageOptions } from './source-stage.ts';
import { readStaged, stageSources } from './source-stage.ts';

let engine: EngineDatabase;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(() => engine.close());

const opened = new Set<string>();
const files = {
  create: async (): Promise<PlainFile> => {
    const file = await MemoryFile.create();
    opened.add(file.path);
    const discard = (): Promise<void> => {
      opened.delete(file.path);
      return file.close();
    };
    return { path: file.path, discard, seal: () => Promise.reject(new Error('nothing is sealed here')) };
  },
};

const types = [
  ...(['string', 'long', 'int', 'real', 'bool', 'decimal'] as const),
  ...(['datetime', 'timespan', 'guid', 'dynamic'] as const),
];
const columnsOf = (list: readonly KqlType[]) =>
  list.map((type, index) => ({ columnId: index + 1, name: `c${index}`, type }));

type Options = Partial<StageOptions> & { readonly file?: string };

async function read(texts: readonly (string | Uint8Array)[], list: readonly KqlType[], options: Options) {
  const connection = await engine.connect();
  const { file = 'csv', ...more } = options;
  const columns = columnsOf(list);
  try {
    const staged = await stageSources(connection, files, {
      ...{ columns, format: requireFormat(file), mapping: undefined, ignoreFirstRecord: false, signal: undefined },
      sources: texts.map((text, index) => bytesSource(`${index}.${file}`, Buffer.from(text))),
      ...more,
    });
    try {
      const outputs = columns.map(({ columnId, type }) =>
        type === 'decimal' || type === 'guid' ? `CAST(c${columnId} AS VARCHAR)` : `c${columnId}`,
      );
      return await readStaged(staged, (sql) => collect(connection, `SELECT ${outputs.join(', ')} FROM (${sql})`));
    } finally {
      await staged.discard();
    }
  } catch (error) {
    return error instanceof UnlikeTextError ? 'unlike' : error instanceof DataError ? error.message : error;
  } finally {
    connection.close();
  }
}

/** @returns whether the engine has read it: then what it read is what the readers in JavaScript read */
async function agrees(texts: readonly (string | Uint8Array)[], list: readonly KqlType[], options: Options = {}) {
  const found = await read(texts, list, { ...options, withEngine: true });
  expect(opened.size).toBe(0);
  if (found === 'unlike') return false;
  expect(found).toEqual(await read(texts, list, options));
  return true;
}

/** Texts for a column of the type; the first ones are what is usual. */
const usual: Readonly<Record<KqlType, readonly string[]>> = {
  string: ['', 'a', ' a ', 'text, "quoted"', 'é😀', "it's", '\\', '\ttab', '  ', 'null', 'NULL', '#no comment', '%d'],
  long: ['', '0', '-0', '12', '-9', '007', '999999999999999999', 'n/a', 'x', '1.5', '-1.0', 'null', 'NaN'],
  int: ['', '0', '2147483647', '2147483648', '-2147483648', '-2147483649', '99999999999', 'abc', '0.5'],
  real: ['', '0', '-0', '-0.0', '1.5', '0.1', '1e5', '1.5E-7', '123456789012345678', '9'.repeat(99), 'x', '2.50'],
  bool: ['', 'true', 'False', 'TRUE', '0', '1', 'yes', 'no'],
  decimal: ['', '0', '-0', '1.5', '-12345678901234567890.123456789012345678', '00.10', 'x'],
  datetime: [
    ...['', '2026-01-01', '2026-02-30', '2024-02-29T23:59:59Z', '2026-01-01 00:00:08.64', '2026-13-01'],
    ...['2026-01-01T00:00:00.1234567Z', '2026-01-01T00:00:00.9999999', '9999-12-31T23:59:59.999999', 'never'],
    ...['1000-01-01 00:00:00', '1900-02-29', '2026-01-01T00:00:00.000001Z', '1582-10-10', 'a-b/c'],
  ],
  timespan: ['', '00:00:00', '23:59:59', '01:02:03', 'x', 'none at all'],
  guid: ['', '74be27de-1e4e-49d9-b579-fe0b331d3642', '74BE27DE-1E4E-49D9-B579-FE0B331D3642', 'x', 'none'],
  dynamic: [
    ...['', 'null', 'true', 'false', '1', '-0', '1.50', 'text', 'some text', '{}', '[]', '{"a":1}', '[1,"x",null]'],
    ...['{"a":1,"b":[true,false,null],"c":"é"}', '{"a":{"b":{"c":1}}}', '[{"a":1},{"b":2}]', '{"a":0.1,"b":""}'],
    ...['nullx', 'true x', 'Infinity', 'NaN', '123456789012345678901234567890'],
  ],
};
const hostile: Readonly<Record<KqlType, readonly string[]>> = {
  string: ['x'.repeat(70_000), '\u0000', '\u001a', '\ufeff', '\u2028', 'a"b', '"', '""', "','", '\r', 'a\nb', '\n\n'],
  long: ['+5', ' 12 ', '12 ', '0x1F', '0xffffffffffffffff', '9223372036854775807', '9223372036854775808', '1_000'],
  int: ['+5', ' 12', '0x7fffffff', '0xffffffff', '1e3', '１２'],
  real: ['.5', '5.', '+1', '1e400', '-1e400', '1e-400', 'nan', 'inf', '-Infinity', ' 1', '0x10', '1_0', '1e'],
  bool: ['t', ' true', '2', '0x1', '-1', '00', 'truE '],
  decimal: ['.5', '1e3', '+1', '1.'.padEnd(30, '9'), '9'.repeat(21), '1'.repeat(40), ' 1'],
  datetime: [
    ...['2026', '01/02/2026', '20260101', '2026-1-1', '2026-01-01T24:00:00', '2026-01-01T23:59:60', '0000-01-01'],
    ...['0001-01-01T00:00:00', '2026-01-01T00:00:00+01:00', '2026-01-01T00:00:00.12345678', 'Mon, 05 Jan 2026 10:00'],
    ...['2026-01-01 10:00 PM', ' 2026-01-01', '2026-01-01\u00a0', 'infinity', 'epoch', '2026-01-01 00:00:00 UTC'],
  ],
  timespan: ['1.02:03:04', '1d', '24:00:00', '-01:00:00', '01:02:03.1234567', '5', '1:2:3', '99999999999d'],
  guid: ['{74be27de-1e4e-49d9-b579-fe0b331d3642}', '74be27de1e4e49d9b579fe0b331d3642', 'abc', '(x)'],
  dynamic: [
    ...['{"a":1,"a":2}', '{"a":{"b":1,"b":2}}', '{"b":":","b":1}', '["a",":b",{"k":1,"k":2}]', '[NaN]', '[1,]', '{'],
    ...['[-Infinity]', '{"a": 1}', '[1.50]', '[1e5]', '[-0]', '["\\u001F"]', '["\\/"]', '{"a\\"b":1}', '[01]', '"x"'],
    ...['['.repeat(150) + ']'.repeat(150), '['.repeat(250) + ']'.repeat(250), `["${'x'.repeat(500)}"]`, ' {}', '[1] x'],
    ...['{"a":1}{"b":2}', 'a"b', 'a\\b', '/* c */ 1', "{'a':1}", '{"":1,"":2}', '[1E400]', '{"a":1,"b":2,"c":3,"a":4}'],
  ],
};

const written = (value: string, delimiter: string, isQuoted: boolean): string =>
  isQuoted || new RegExp(`["\r\n${delimiter === '|' ? '\\|' : delimiter}]`).test(value)
    ? `"${value.replaceAll('"', '""')}"`
    : value;

const delimiters = { csv: ',', tsv: '\t', psv: '|', scsv: ';', sohsv: '\u0001' };

describe('text that the engine reads', () => {
  it.each(types)('is what the readers of records and values make of it: %s', async (type) => {
    const all = usual[type].map((value, index) => `${index},${written(value, ',', index % 3 === 0)}`);
    expect(await agrees([all.join('\n')], ['long', type])).toBe(true);
    for (const value of hostile[type]) {
      await agrees([`1,${value}\n2,x`], ['long', type]);
      await agrees([`1,${written(value, ',', false)}`], ['long', type]);
    }
  });

  it('is so for any rows, delimiters and line ends', async () => {
    const row = fc.tuple(
      ...types.map((type) =>
        fc.tuple(
          fc.oneof(
            { weight: 60, arbitrary: fc.constantFrom(...usual[type]) },
            { weight: 1, arbitrary: fc.constantFrom(...hostile[type]) },
          ),
          fc.boolean(),
        ),
      ),
    );
    const runs = fuzz(200, 50);
    let byEngine = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1, maxLength: 6 }),
        fc.constantFrom(...(Object.keys(delimiters) as (keyof typeof delimiters)[])),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        fc.integer({ min: 0, max: 3 }),
        async (rows, file, end, ignoreFirstRecord, shape) => {
          const lines = rows.map((fields) =>
            fields.map(([value, isQuoted]) => written(value, delimiters[file], isQuoted)).join(delimiters[file]),
          );
          const text = `${shape === 1 ? '\ufeff' : ''}${lines.join(end)}${shape === 2 ? '' : end}`;
          if (await agrees(shape === 3 ? [text, text] : [text], types, { file, ignoreFirstRecord })) byEngine += 1;
        },
      ),
      runs,
    );
    expect(byEngine).toBeGreaterThan(runs.numRuns / 5);
  });

  it('is so for text of any form', async () => {
    const unit = fc.constantFrom('a', '"', '"', ',', ',', '\n', '\n', '\r', ' ', 'é', '1', '\\', '#', "'", '\ufeff');
    const options = fc.record({ ignoreFirstRecord: fc.boolean(), recordsInEach: fc.boolean() });
    const list = fc.constantFrom<KqlType[][]>(['string'], ['string', 'string'], ['long', 'string', 'dynamic']);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit, maxLength: 24 }), list, options, async (text, columns, how) => {
        await agrees([text], columns, how);
      }),
      fuzz(1_000, 150),
    );
    for (const bytes of [[0x31, 0xff], [0xff, 0xfe, 0x31, 0x00], [0x31, 0xc3], []])
      await agrees([Uint8Array.from(bytes)], ['string', 'string']);
  });

  it('has the values of a few texts without a frequent form; more of them, and long ones, are left to others', async () => {
    const odd: Partial<Record<KqlType, readonly string[]>> = {
      ...{ long: ['+5', ' 12 ', '0x1F', '9223372036854775807', "it's 1"], int: ['+5', '0x7fffffff', '1e3'] },
      ...{ real: ['.5', '-.0', '+1', '1e400', 'nan', '-Infinity', '0x10'], bool: [' true', '2', '-1', '0'] },
      ...{ decimal: ['.5', '1e3', ' 1'], timespan: ['1.02:03:04', '1d', '-01:00:00', '5'] },
      ...{ datetime: ['2026', '01/02/2026', '2026-01-01T00:00:00+01:00', 'infinity'], guid: ['abc', '(x)'] },
      ...{ dynamic: ['{"a":1,"a":2}', '[1.50]', '["\\u001F"]', "{'a':1}", 'a\\b', '[NaN]', '[1] x'] },
    };
    for (const [type, values] of Object.entries(odd)) {
      const lines = [...usual[type as KqlType], ...values].map(
        (value, index) => `${index},${written(value, ',', false)},${written(value, ',', true)}`,
      );
      const columns: KqlType[] = ['long', type as KqlType, 'string'];
      expect(await agrees([`${lines.join('\n')}\n`, lines.toReversed().join('\n')], columns), type).toBe(true);
    }
    const many = (count: number): string => Array.from({ length: count }, (_each, index) => `+${index}`).join('\n');
    expect(await agrees([many(256)], ['long'])).toBe(true);
    expect(await agrees([many(257)], ['long'])).toBe(false);
    expect(await agrees([`+${'1'.repeat(1_000)}`], ['long'])).toBe(false);
    expect(await agrees([`1\n${'9'.repeat(21)}`], ['decimal'])).toBe(false);
  });

  it('is so for rows with another number of fields than the table has columns', async () => {
    expect(await agrees(['1,a,more\n2,b,more'], ['long', 'string'])).toBe(true);
    expect(await agrees(['1\n2'], ['long', 'string', 'real'])).toBe(true);
    for (const text of ['1,a\n2', '1\n2,b', '1,a,\n2,b', '1,a\n2,b,', '1,a\n2,b,c', ',\n,,', '""\n""', '"",""\n""'])
      await agrees([text], ['long', 'string']);
  });

  it('is so for mappings to places and of constants; other mappings are left to others', async () => {
    const mapping: MappedColumn[] = [
      { column: 'c0', source: { kind: 'ordinal', ordinal: 2 } },
      { column: 'c1', source: { kind: 'constant', text: "it's" } },
      { column: 'c2', source: { kind: 'ordinal', ordinal: 9 } },
      { column: 'c3', source: { kind: 'constant', text: '2026-01-01' } },
    ];
    const columns: KqlType[] = ['long', 'string', 'string', 'datetime', 'string', 'real'];
    expect(await agrees(['a,b,3\nc,d,4'], columns, { mapping })).toBe(true);
    const numbered: MappedColumn[] = [{ column: 'c0', source: { kind: 'sourceLineNumber' } }];
    expect(await agrees(['a,b\n"c\nd",e\nf,g'], ['long'], { mapping: numbered })).toBe(true);
  });

  it('keeps the order of rows over blocks, and records whole', async () => {
    const line = (index: number): string => `${index},"row ""${index}""\nof two lines",${'x'.repeat(index % 400)}`;
    const count = Math.ceil((blockBytes * 9) / 230);
    const lines = Array.from({ length: count }, (_each, index) => line(index));
    const rows = await read([lines.join('\n')], ['long', 'string', 'string'], { withEngine: true });
    const isRight = ([number, text, end]: readonly unknown[], index: number): boolean =>
      number === BigInt(index) && text === `row "${index}"\nof two lines` && end === 'x'.repeat(index % 400);
    expect(rows).toHaveLength(count);
    expect((rows as unknown[][]).findIndex((row, index) => !isRight(row, index))).toBe(-1);
    const tooMany = 'There are more than 2 records.';
    expect(await read(['1,a\n2,b\n3,c'], ['long'], { withEngine: true, rowsMax: 2 })).toBe(tooMany);
    expect(await read(['1,a\n2,b\n3,c'], ['long'], { rowsMax: 2 })).toBe(tooMany);
    expect(await read(['1,a\n2,b\n3,c'], ['long'], { withEngine: true, rowsMax: 3 })).toEqual([[1n], [2n], [3n]]);
  });

  it('leaves fields that are cut, and records longer than a block, to others', async () => {
    const long = 'x'.repeat(1024 * 1024);
    expect(await agrees([`1,${long}\n2,b`], ['long', 'string'])).toBe(true);
    expect(await read([`1,${long}x\n2,b`], ['long', 'string'], { withEngine: true })).toBe('unlike');
    expect(await read([`1,${long.repeat(5)}\n2,b`], ['long', 'string'], { withEngine: true })).toBe('unlike');
  });
});
