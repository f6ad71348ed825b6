import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ColumnView } from '../catalog/catalog-view.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { valueBytesMax } from './convert-value.ts';
import { readDelimited } from './delimited-reader.ts';
import { requireFormat } from './formats.ts';
import { parseMapping } from './ingestion-mapping.ts';
import { readBatch } from './read-batch.ts';

async function read(
  format: string,
  types: Readonly<Record<string, KqlType>>,
  text: string | Uint8Array,
  mapping?: readonly unknown[],
): Promise<unknown[][]> {
  const found = requireFormat(format);
  const { reader } = found;
  if (reader.kind === 'parquet') throw new Error('parquet is read by the engine');
  const columns = Object.entries(types).map(([name, type], index): ColumnView => ({
    columnId: index + 1,
    name,
    type,
    docstring: '',
  }));
  const parsed = mapping === undefined ? undefined : parseMapping(found.mapping, JSON.stringify(mapping));
  const batch = await readBatch(typeof text === 'string' ? Buffer.from(text) : text, {
    format: { ...found, reader },
    columns,
    mapping: parsed,
    ignoreFirstRecord: false,
  });
  return Array.from({ length: batch.rowCount }, (_value, row) => batch.columns.map(({ values }) => values[row]));
}

const refused = async (run: () => unknown): Promise<unknown> => {
  try {
    await run();
    return 'accepted';
  } catch (error) {
    return error instanceof Error && 'code' in error
      ? [error.code, 'position' in error ? error.position : undefined]
      : error;
  }
};

describe('delimited text', () => {
  it('takes quotes, quotes in quotes, line ends in quotes, and both kinds of line ends', async () => {
    expect(await read('csv', { a: 'string', b: 'string' }, '1,"x ""y"""\r\n"a\nb",\n\nlast,z')).toEqual([
      ['1', 'x "y"'],
      ['a\nb', ''],
      ['last', 'z'],
    ]);
  });

  it('fills fields that are missing and leaves out those that are too many', async () => {
    expect(await read('csv', { a: 'long', b: 'string', c: 'real' }, '1\n2,x,0.5,more')).toEqual([
      [1n, '', null],
      [2n, 'x', 0.5],
    ]);
  });

  it.each([
    ['tsv', '1\tx'],
    ['psv', '1|x'],
    ['scsv', '1;x'],
    ['sohsv', '1\u0001x'],
    ['CSV', '1,x'],
  ])('reads %s by its own delimiter', async (format, text) => {
    expect(await read(format, { a: 'long', b: 'string' }, text)).toEqual([[1n, 'x']]);
  });

  it('takes backslashes as escapes in TSVE, where quotes mean nothing', async () => {
    expect(await read('tsve', { a: 'string', b: 'string' }, 'a\\tb\\\\\t"c"')).toEqual([['a\tb\\', '"c"']]);
  });

  it('reads long fields in turns, with doubled quotes and escapes', () => {
    const rules = { delimiter: ',', escaping: 'quotes' } as const;
    const quotes = '""'.repeat(50_000);
    const steps = [...readDelimited(`${'x'.repeat(100_000)},"${quotes}",z\n1,2,3`, rules)];
    const [first, second] = steps.filter((step) => step !== undefined);
    expect(first?.fields.map((field) => field.length)).toEqual([100_000, 50_000, 1]);
    expect(second).toMatchObject({ line: 2, fields: ['1', '2', '3'] });
    expect(steps.length).toBeGreaterThan(40);
    const escaped = [...readDelimited('\\t'.repeat(50_000), { delimiter: '\t', escaping: 'backslash' })];
    expect(escaped.at(-1)?.fields).toEqual(['\t'.repeat(50_000)]);
  });

  it('says line and column of a quote that is not closed, and of text after a closed one', async () => {
    expect(await refused(() => read('csv', { a: 'string' }, 'ok\nx,"no'))).toEqual([
      'MalformedData',
      { line: 2, column: 3 },
    ]);
    expect(await refused(() => read('csv', { a: 'string' }, '"a"b'))).toEqual([
      'MalformedData',
      { line: 1, column: 4 },
    ]);
  });

  it.each([
    [[0x31, 0x0a, 0x63, 0xe9, 0x2c], 2, 2],
    [[0xef, 0xbb, 0xbf, 0xc3, 0xa9, 0xc3], 1, 2],
    [[0xef, 0xbf, 0xbd, 0xf0, 0x9f, 0x98, 0x80, 0xff], 1, 3],
  ])('says where text is not UTF-8: %#', async (bytes, line, column) => {
    expect(await refused(() => read('csv', { a: 'string' }, Uint8Array.from(bytes)))).toEqual([
      'MalformedData',
      { line, column },
    ]);
  });

  it('gives back whatever was quoted', async () => {
    const field = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'ü', '\t') });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(field, field), { minLength: 1, maxLength: 8 }), async (rows) => {
        const text = rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(',')).join('\n');
        expect(await read('csv', { a: 'string', b: 'string' }, text)).toEqual(rows);
      }),
    );
  });
});

describe('values', () => {
  it('of a type that they cannot be read as are null', async () => {
    const types = {
      i: 'int',
      l: 'long',
      r: 'real',
      d: 'decimal',
      t: 'datetime',
      s: 'timespan',
      g: 'guid',
      b: 'bool',
    } as const;
    expect(
      await read('csv', types, 'x,x,x,x,x,x,x,x\n2147483648,9223372036854775808,1e400,1e,2024-02-30,25:61,1-2,2'),
    ).toEqual([
      [null, null, null, null, null, null, null, null],
      [null, null, Infinity, null, null, null, null, true],
    ]);
  });

  it('keep all digits of longs, decimals and ticks', async () => {
    const types = { l: 'long', d: 'decimal', t: 'datetime', s: 'timespan', h: 'long' } as const;
    expect(await read('csv', types, '-9223372036854775808,-12.5e-3,0001-01-01,-1.00:00:00.0000001,0xff')).toEqual([
      [-9223372036854775808n, '-0.0125', 0n, -864000000001n, 255n],
    ]);
  });

  it('that the service would hold and this engine cannot are refused', async () => {
    const wide = '1'.repeat(21);
    expect(await refused(() => read('csv', { n: 'long', d: 'decimal' }, `1,2\n3,${wide}`))).toEqual([
      'MalformedData',
      { line: 2, column: 2 },
    ]);
    expect(await read('json', { d: 'decimal' }, `{"d":"${'1'.repeat(40)}"}`)).toEqual([[null]]);
  });

  it('of dynamic columns are JSON as it was written, or text as a JSON string', async () => {
    expect(await read('csv', { j: 'dynamic' }, '"{""a"": [1.0, 12345678901234567890]}"\nplain\nnull\n')).toEqual([
      ['{"a":[1.0,12345678901234567890]}'],
      ['"plain"'],
      [null],
    ]);
  });
});

describe('JSON', () => {
  const types = { n: 'long', s: 'string', j: 'dynamic' } as const;

  it('fills columns by the names of properties', async () => {
    expect(await read('json', types, '{"n":9007199254740993,"s":{"x": 1},"j":[true, null]}\n{"other":1}\n')).toEqual([
      [9007199254740993n, '{"x":1}', '[true,null]'],
      [null, '', null],
    ]);
  });

  it('follows the paths of a mapping', async () => {
    const mapping = [
      { column: 'n', Properties: { Path: "$.a['b c'][1]" } },
      { columnName: 's', path: '$.t', columnType: 'string' },
      { column: 'j', path: '$', transform: 'DropMappedFields' },
    ];
    expect(await read('multijson', types, '[{"a":{"b c":[1,2]},"t":"x","rest":{"y":1}}]', mapping)).toEqual([
      [2n, 'x', '{"a":{"b c":[1,2]},"rest":{"y":1}}'],
    ]);
  });

  it('knows unix times, constants, line numbers and arrays of properties', async () => {
    const mapping = [
      { column: 't', path: '$.t', transform: 'DateTimeFromUnixMilliseconds' },
      { column: 'c', constValue: 'fixed' },
      { column: 'l', transform: 'SourceLineNumber', path: '$' },
      { column: 'j', path: '$.e', transform: 'PropertyBagArrayToDictionary' },
    ];
    const text = '\n{"t":1,"e":[{"n1":"v1"},{"n2":"v2"}]}';
    expect(await read('json', { t: 'datetime', c: 'string', l: 'long', j: 'dynamic' }, text, mapping)).toEqual([
      [621355968000010000n, 'fixed', 2n, '{"n1":"v1","n2":"v2"}'],
    ]);
  });

  it('says where a record is malformed, not an object, or on several lines', async () => {
    expect(await refused(() => read('json', types, '{"n":1}\n{"n":}'))).toEqual([
      'MalformedData',
      { line: 2, column: 6 },
    ]);
    expect(await refused(() => read('json', types, '[1]'))).toMatchObject(['MalformedData', {}]);
    expect(await refused(() => read('json', types, '{"n":\n1}'))).toMatchObject(['MalformedData', {}]);
    expect(await read('multijson', types, '{"n":\n1}{"n":2}')).toEqual([
      [1n, '', null],
      [2n, '', null],
    ]);
    expect(await refused(() => read('singlejson', types, '{"n":1}{"n":2}'))).toMatchObject(['MalformedData', {}]);
    expect(await refused(() => read('json', types, '['.repeat(5_000)))).toMatchObject(['MalformedData', {}]);
  });

  it('reads what JSON.stringify writes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ maxDepth: 3 }), async (value) => {
        const [[text] = []] = await read('json', { j: 'dynamic' }, JSON.stringify({ j: value }));
        expect(value === null ? null : JSON.parse(String(text))).toEqual(
          value === null ? text : JSON.parse(JSON.stringify(value)),
        );
      }),
    );
  });
});

describe('ingestion mappings', () => {
  it.each([
    ['json', 'no array'],
    ['json', [{ column: 'a' }]],
    ['json', [{ column: 'a', path: '$..b' }]],
    ['json', [{ column: 'a', path: '$.b', transform: 'BytesAsBase64' }]],
    ['json', [{ column: 'a', path: '$.b', transform: 'Nonsense' }]],
    ['csv', [{ column: 'a' }]],
    [
      'csv',
      [
        { column: 'a', Ordinal: 0 },
        { column: 'a', Ordinal: 1 },
      ],
    ],
    ['csv', [{ column: 'a', Ordinal: 0, datatype: 'strange' }]],
    ['csv', [{ columnName: 'a', Ordinal: 0, columnType: 'strange' }]],
  ] as const)('of %s that cannot be followed are refused: %j', async (kind, mapping) => {
    expect(await refused(() => parseMapping(kind, JSON.stringify(mapping)))).toEqual(['InvalidMapping', undefined]);
  });

  it('choose fields by ordinal', async () => {
    const mapping = [
      { column: 'b', Ordinal: '0' },
      { Name: 'a', Properties: { ConstValue: '7' } },
    ];
    expect(await read('csv', { a: 'long', b: 'string', c: 'long' }, 'x,1', mapping)).toEqual([[7n, 'x', null]]);
  });
});

describe('a body that is large', () => {
  const units = 1 << 20;
  const wide = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`c${index}`, 'long' as const]));
  const long = (item: string, between: string): string =>
    new Array(Math.ceil(units / item.length)).fill(item).join(between);
  it.each([
    ['csv', { n: 'long', s: 'string' }, long('1,abcdef', '\n')],
    ['csv', { n: 'long', s: 'string' }, long('1', ',')],
    ['csv', wide, long('1', '\n').slice(0, 8_192)],
    ['txt', { s: 'string' }, long('some text', '\n')],
    ['json', { n: 'long', s: 'string' }, long('{"n":1,"s":"x"}', '\n')],
    ['multijson', { n: 'long', s: 'string' }, `[${long('{"n":1,"s":"x"}', ',')}]`],
    ['multijson', { j: 'dynamic' }, `{"j":[${long('[1,{"a":"b"}]', ',')}]}`],
    ['multijson', { j: 'dynamic' }, `{"j":{${long('"name":true', ',')}}}`],
    ['csv', { s: 'string' }, Buffer.concat([Buffer.from(long('text', '\n')), Buffer.from([0xff])])],
  ] as const)('leaves others their turns while it is read: %s %#', async (format, types, body) => {
    let turns = 0;
    let isOver = false;
    const others = (): void => {
      turns += 1;
      if (!isOver) setImmediate(others);
    };
    setImmediate(others);
    await refused(() => read(format, types, body));
    isOver = true;
    const values = types === wide ? 4_096 * 400 : units;
    expect(turns).toBeGreaterThanOrEqual(Math.floor(values / 65_536));
  });
});

describe('values of more than 1 MiB', () => {
  const long = 'é'.repeat(valueBytesMax / 2);
  const types = { a: 'string', b: 'dynamic', c: 'long' } as const;

  it.each([
    ['csv', (text: string) => `"${text}","""${text}""",1`],
    ['tsve', (text: string) => `${text}\t"${text}"\t1`],
    ['json', (text: string) => JSON.stringify({ a: text, b: text, c: 1 })],
  ])('are cut at a character where they are text, and null where they are dynamic: %s', async (format, textOf) => {
    expect(await read(format, types, textOf(`${long}é`))).toEqual([[long, null, 1n]]);
    expect(await read(format, types, textOf(`x${long}`))).toEqual([[`x${long.slice(1)}`, null, 1n]]);
    const fits = long.slice(1);
    expect(await read(format, types, textOf(fits))).toEqual([[fits, JSON.stringify(fits), 1n]]);
  });

  it('are cut where a file is one value', async () => {
    expect(await read('raw', { a: 'string' }, `${long}more`)).toEqual([[long]]);
  });
});
