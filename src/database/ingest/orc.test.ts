import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refusal } from '../../../tests/support/refusal.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { formatDatetime } from '../../kql/values/ticks.ts';
import { DataError } from '../catalog/data-error.ts';
import { requireFormat } from './formats.ts';
import { parseMapping } from './ingestion-mapping.ts';
import { readBatch } from './read-batch.ts';

const vector = (name: string): Buffer =>
  readFileSync(join(import.meta.dirname, '..', '..', '..', 'vectors', 'orc', `${name}.orc`));

async function read(
  body: Uint8Array,
  columns: Readonly<Record<string, KqlType>>,
  mapping?: Readonly<Record<string, object>>,
): Promise<unknown[][]> {
  const mapped = mapping && Object.entries(mapping).map(([Column, Properties]) => ({ Column, Properties }));
  const batch = await readBatch(body, {
    ...{ format: { ...requireFormat('ORC'), reader: { kind: 'orc' } }, ignoreFirstRecord: true },
    columns: Object.entries(columns).map(([name, type], index) => ({ columnId: index + 1, name, type })),
    mapping: mapped && parseMapping('orc', JSON.stringify(mapped)),
  });
  const shown = (value: unknown, type: KqlType): unknown =>
    typeof value === 'bigint' && type === 'datetime' ? formatDatetime(value) : value;
  return Array.from({ length: batch.rowCount }, (_value, row) =>
    batch.columns.map(({ values, type }) => shown(values[row], type)),
  );
}

const column = async (name: string, type: KqlType, of = 'scalars.zlib'): Promise<unknown[]> =>
  (await read(vector(of), { [name]: type })).flat();

const count = 6000;
const numbers: Readonly<Record<string, (n: bigint) => bigint>> = {
  Repeated: (n) => (n < 3000n ? 7n : -7n),
  Direct: (n) => (((n * 7919n + 13n) * 104729n) % 1000003n) - 500000n,
  Step: (n) => 1000n + 3n * n,
  Down: (n) => 10n ** 12n - n * n,
  Patched: (n) => ((n * 31n) % 97n) + (n % 100n === 50n ? 2n ** 40n + n : 0n),
  Wide: (n) => ((n * 0x9e3779b97f4a7c15n) % 2n ** 64n) - 2n ** 63n,
  Low: (n) => (n % 2n === 1n ? -(2n ** 62n) + n : 2n ** 62n - n),
};

describe('ORC', () => {
  it.each(['uncompressed', 'zlib', 'snappy', 'lz4', 'zstd'])(
    'packed as %s has each column by its name',
    async (packing) => {
      const columns = { Long: 'long', Text: 'string', Boolean: 'bool', Missing: 'real' } as const;
      expect(await read(vector(`scalars.${packing}`), columns)).toEqual([
        [1n, 'grüße, ☕', true, null],
        [-(2n ** 63n), '', false, null],
        [null, '', null, null],
        [2n ** 63n - 1n, 'x'.repeat(300), true, null],
      ]);
    },
  );

  it.each<[string, KqlType, unknown[]]>([
    ['Byte', 'int', [1, -128, null, 127]],
    ['Short', 'int', [1, -(2 ** 15), null, 2 ** 15 - 1]],
    ['Int', 'long', [1n, -(2n ** 31n), null, 2n ** 31n - 1n]],
    ['Float', 'real', [0.5, -Infinity, null, 1.25]],
    ['Double', 'real', [0.1, NaN, null, -1e300]],
    ['Binary', 'string', ['{"a":1}', '', '', '//4=']],
    [
      'Date',
      'datetime',
      ['2026-01-02T00:00:00.0000000Z', '1969-12-31T00:00:00.0000000Z', null, '0001-01-01T00:00:00.0000000Z'],
    ],
    [
      'Time',
      'datetime',
      ['2026-01-02T03:04:05.6789010Z', '1969-12-31T23:59:59.5000000Z', null, '2014-12-31T23:59:59.0010000Z'],
    ],
    [
      'Instant',
      'datetime',
      ['2026-01-02T03:04:05.0000000Z', '1960-01-01T00:00:00.0000000Z', null, '2015-01-01T00:00:00.0000000Z'],
    ],
    ['Decimal', 'string', ['1234567890.1234', '-0.0100', '', '0.0000']],
    ['Wide', 'string', ['12345678901234567890.5', '-1.5', '', '0.0']],
    ['List', 'dynamic', ['[1,2]', '[]', null, '[null,3]']],
    ['Map', 'dynamic', ['{"a":"1","b":null}', '{}', null, '{"c":"3"}']],
    [
      'Struct',
      'dynamic',
      ['{"Name":"start","Level":1.5}', '{"Name":null,"Level":null}', null, '{"Name":"end","Level":2.5}'],
    ],
    ['Deep', 'dynamic', ['[{"k":[1,2]}]', '[]', null, '[{"k":null},{"k":[]}]']],
  ])('%s as %s', async (name, type, values) => {
    expect(await column(name, type)).toEqual(values);
  });

  it.each(['0.11', '0.12'])('of version %s has numbers in every kind of run, over several stripes', async (version) => {
    const names = Object.keys(numbers);
    const rows = await read(vector(`runs.${version}`), Object.fromEntries(names.map((name) => [name, 'long'])));
    const expected = Array.from({ length: count }, (_value, n) => names.map((name) => numbers[name]?.(BigInt(n))));
    expect(rows).toEqual(expected);
    const others = await read(vector(`runs.${version}`), {
      Word: 'string',
      Unique: 'string',
      Flag: 'bool',
      Short: 'int',
    });
    expect(others).toEqual(
      Array.from({ length: count }, (_value, n) => [
        ...[['red', 'green', 'blue', ''][n % 4], `row ${n}`],
        ...[n % 7 === 0 ? null : n % 3 === 0, (Math.floor(n / 50) % 128) - 64],
      ]),
    );
  });

  it('goes down paths, and is transformed as mappings ask', async () => {
    const columns = { N: 'string', R: 'dynamic', D: 'long', U: 'datetime', Row: 'long' } as const;
    const mapping = {
      N: { Path: '$.Struct.Name' },
      R: { Path: '$.Struct', Transform: 'DropMappedFields' },
      D: { Path: '$.Deep[0].k[1]' },
      U: { Field: 'Unix', Transform: 'DateTimeFromUnixSeconds' },
      Row: { Transform: 'SourceLineNumber' },
    };
    const begin = '2020-01-01T00:00:00.0000000Z';
    expect(await read(vector('scalars.snappy'), columns, mapping)).toEqual([
      ['start', '{"Level":1.5}', 2n, begin, 1n],
      ['', '{"Level":null}', null, begin, 2n],
      ['', null, null, begin, 3n],
      ['end', '{"Level":2.5}', null, begin, 4n],
    ]);
  });

  it('is refused where it is cut, changed, or no ORC, and by the name of what is not read here', async () => {
    const columns = { Long: 'long', Text: 'string', Deep: 'dynamic' } as const;
    const file = vector('scalars.zlib');
    for (let length = 0; length < file.length; length += 97)
      expect((await refusal(read(file.subarray(0, length), columns)))[0], `${length} bytes`).toBe('MalformedData');
    expect(await refusal(read(Buffer.from('a,b,c'), columns))).toEqual([
      ...['MalformedData', 'The ORC file is none: it does not begin as one.'],
    ]);
    // Only what its tail says of how it is packed.
    const lzo = Buffer.from(vector('scalars.zstd'));
    const tail = lzo.length - 1 - (lzo.at(-1) ?? 0);
    lzo[lzo.indexOf(Buffer.from([0x10, 5]), tail) + 1] = 3;
    const [code, text] = await refusal(read(lzo, columns));
    expect([code, text.includes('orc packed by lzo')]).toEqual(['FormatNotSupported', true]);
  });

  it('whose bytes were changed is refused, or read as what it then says', async () => {
    const columns = { Long: 'long', Text: 'string', Deep: 'dynamic', Map: 'dynamic', Decimal: 'real' } as const;
    const file = vector('scalars.uncompressed');
    const outcomes = new Set<string>();
    for (let at = 3; at < file.length; at += 11) {
      const changed = Buffer.from(file);
      changed[at] = (changed[at] ?? 0) ^ 0xff;
      const outcome = await read(changed, columns).then(
        () => 'read',
        (error: unknown) => (error instanceof DataError ? error.code : `${at}: ${String(error)}`),
      );
      outcomes.add(outcome);
    }
    expect([...outcomes].sort()).toEqual(['MalformedData', 'read']);
  });
});

describe('an ORC file that was made to do harm', () => {
  const varint = (value: number): number[] =>
    value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
  const field = (number: number, value: number | readonly number[]): number[] =>
    typeof value === 'number'
      ? [...varint(number * 8), ...varint(value)]
      : [...varint(number * 8 + 2), ...varint(value.length), ...value];

  /** A file of one footer. */
  function fileOf(footer: readonly number[]): Buffer {
    const tail = [...field(1, footer.length), ...field(2, 0), ...field(8000, [...Buffer.from('ORC')])];
    return Buffer.from([...Buffer.from('ORC'), ...footer, ...tail, tail.length]);
  }
  const struct = (...children: readonly number[]): number[] =>
    field(4, [...field(1, 12), ...children.flatMap((child) => [...field(2, child), ...field(3, [97])])]);

  it('by columns that are inside of each other again and again', async () => {
    const types = Array.from({ length: 40 }, (_value, id) => struct(id + 1, id + 1)).flat();
    const file = fileOf([...types, ...struct()]);
    expect((await refusal(read(file, { a: 'dynamic' })))[1]).toContain('has columns that make no sense');
  });

  it('by more records than there may be, which take no byte', async () => {
    const stripe = field(3, [...field(1, 3), ...field(4, 0), ...field(5, 2 ** 40)]);
    const format = { ...requireFormat('orc'), reader: { kind: 'orc' } } as const;
    const options = { format, columns: [], mapping: undefined, ignoreFirstRecord: false, rowsMax: 99 };
    expect((await refusal(readBatch(fileOf([...stripe, ...struct()]), options)))[0]).toBe('PayloadTooLarge');
  });
});
