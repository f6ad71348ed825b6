import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { refusal } from '../../../tests/support/refusal.ts';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { formatDatetime, formatTimespan } from '../../kql/values/ticks.ts';

const vector = (name: string): Buffer =>
  readFileSync(join(import.meta.dirname, '..', '..', '..', 'vectors', 'parquet', `${name}.parquet`));

let engine: EngineDatabase;
let fixture: DataFixture;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(() => engine.close());
beforeEach(async () => {
  fixture = await openDataFixture({ engine });
  return () => fixture.close();
});

interface Mapped {
  readonly Column: string;
  readonly Properties: Readonly<Record<string, string>>;
}

/** Ingests into a new table and reads it back, in the order of the file. */
async function ingested(
  body: Uint8Array,
  columns: Readonly<Record<string, KqlType>>,
  mapping?: readonly Mapped[],
): Promise<unknown[][]> {
  await fixture.table('T', columns);
  await fixture.ingest('T', 'parquet', '', { body, ...(mapping && { mapping: JSON.stringify(mapping) }) });
  const values = await fixture.rows('T');
  const types = Object.values(columns);
  const shown = (value: unknown, type: KqlType | undefined): unknown => {
    if (typeof value !== 'bigint') return value;
    if (type === 'datetime') return formatDatetime(value);
    return type === 'timespan' ? formatTimespan(value) : value;
  };
  return values.map((row) => types.map((type, column) => shown(row[column], type)));
}

const from = (field: string): Mapped[] => [{ Column: 'c', Properties: { Path: `$['${field}']` } }];
const scalar = async (field: string, type: KqlType): Promise<unknown[]> =>
  (await ingested(vector('scalars'), { c: type }, from(field))).flat();

describe('fields of Parquet', () => {
  it.each<[string, KqlType, readonly unknown[]]>([
    ['bool', 'bool', [true, false, null]],
    ['bool', 'string', ['true', 'false', '']],
    ['int8', 'int', [-128, 127, null]],
    ['uint8', 'real', [0, 255, null]],
    ['int32', 'bool', [true, true, null]],
    ['int64', 'long', [-(2n ** 63n), 2n ** 63n - 1n, null]],
    ['int64', 'int', [null, null, null]],
    ['int64', 'string', ['-9223372036854775808', '9223372036854775807', '']],
    ['uint64', 'long', [0n, 2n ** 63n - 1n, null]],
    ['float', 'long', [1n, 0n, null]],
    ['float', 'decimal', ['1.500000000000000000', '-0.250000000000000000', null]],
    ['double', 'real', [1e300, NaN, null]],
    ['double', 'long', [null, null, null]],
    ['string', 'string', ['naïve 😀', '', '']],
    ['number text', 'long', [12n, null, null]],
    ['number text', 'dynamic', ['12', '"x"', null]],
    ['json', 'dynamic', ['{"a":[1,2]}', '{"a":null}', null]],
    ['bytes', 'string', ['AB', 'C', '']],
    ['date', 'datetime', ['2024-02-29T00:00:00.0000000Z', '1969-12-31T00:00:00.0000000Z', null]],
    ['timestamp ms', 'datetime', ['2024-02-29T12:34:56.7890000Z', '1969-12-31T23:59:59.9990000Z', null]],
    ['timestamp us', 'datetime', ['2024-02-29T12:34:56.7890120Z', '1969-12-31T23:59:59.9999990Z', null]],
    ['timestamp local', 'datetime', ['2024-02-29T12:34:56.7890120Z', '1969-12-31T23:59:59.9999990Z', null]],
    ['timestamp us', 'string', ['2024-02-29T12:34:56.7890120Z', '1969-12-31T23:59:59.9999990Z', '']],
    ['time us', 'timespan', ['12:34:56.7890120', '00:00:00', null]],
    ['uuid', 'guid', ['12345678-9abc-def0-1234-56789abcdef0', '00000000-0000-0000-0000-000000000001', null]],
    ['decimal i32', 'decimal', ['1234.560000000000000000', '-0.010000000000000000', null]],
    ['decimal i64', 'real', [123456789012.345, -0.001, null]],
    ['decimal i64', 'long', [123456789012n, 0n, null]],
  ])('%s as %s', async (field, type, expected) => {
    expect(await scalar(field, type)).toEqual(expected);
  });

  it('in the forms of other writers', async () => {
    expect(await ingested(vector('decimals'), { wide: 'decimal' })).toEqual([
      ['12345678901234567890.500000000000000000'],
      ['-0.000000001000000000'],
      [null],
    ]);
  });

  it('of decimals that this engine cannot hold are refused, not lost', async () => {
    await expect(ingested(vector('wide-decimal'), { d: 'decimal' })).rejects.toMatchObject({
      code: 'notSupported',
      message: 'Decimals of more than 20 digits before the point are not supported.',
    });
    expect(await fixture.rows('T')).toEqual([]);
  });

  it('of bytes that are no text are refused by name where they are read', async () => {
    expect(await refusal(ingested(vector('bytes'), { id: 'long', bytes: 'string' }))).toEqual([
      'FormatNotSupported',
      "Data format 'parquet with bytes that are no UTF-8 text in a column that is read' is not supported.",
    ]);
    expect(await fixture.rows('T')).toEqual([]);
  });

  it('of bytes that are no text are left out where nobody reads them', async () => {
    expect(await ingested(vector('bytes'), { id: 'long' })).toEqual([[1n], [2n]]);
  });

  it('of times in 96 bits', async () => {
    expect(await ingested(vector('int96'), { t: 'datetime' })).toEqual([
      ['2024-02-29T12:34:56.7890120Z'],
      ['1970-01-01T00:00:00.0000000Z'],
      [null],
    ]);
  });

  it('that are missing are null, those that are too many are left out', async () => {
    expect(await ingested(vector('decimals'), { other: 'long', text: 'string' })).toEqual([
      [null, ''],
      [null, ''],
      [null, ''],
    ]);
  });

  it.each<[string, KqlType, string]>([
    ['bool', 'int', 'BOOLEAN'],
    ['int64', 'datetime', 'INT'],
    ['uint64', 'real', 'UINT64'],
    ['timestamp ms', 'long', 'TIMESTAMP'],
    ['date', 'dynamic', 'DATE'],
    ['string', 'datetime', 'STRING'],
    ['string', 'guid', 'STRING'],
    ['uuid', 'dynamic', 'UUID'],
    ['json', 'long', 'JSON'],
  ])('%s are not taken as %s, as in the service', async (field, type, kind) => {
    expect(await refusal(scalar(field, type))).toEqual([
      'InconsistentMapping',
      `The field '${field}' is of the Parquet type ${kind}, which cannot be converted to the type ${type} of the column 'c'.`,
    ]);
    expect(await fixture.rows('T')).toEqual([]);
  });
});

describe('mappings of Parquet', () => {
  const path = (Column: string, Path: string, more: Record<string, string> = {}): Mapped => ({
    Column,
    Properties: { Path, ...more },
  });

  it('go down into objects, lists and maps', async () => {
    const columns = { a: 'string', b: 'datetime', c: 'real', d: 'string', e: 'long', f: 'long', g: 'dynamic' } as const;
    const mapping = [
      path('a', '$.event.name'),
      path('b', "$['event']['at']"),
      path('c', "$.event.['inner part'].level"),
      path('d', '$.tags[1]'),
      path('e', "$.counts['y z']"),
      path('f', '$.event.nowhere'),
      path('g', '$.tags'),
    ];
    expect(await ingested(vector('nested'), columns, mapping)).toEqual([
      ['start', '2024-02-29T12:34:56.7890000Z', 1.5, 'b', 2n, null, '["a","b"]'],
      ['o\'k "q"', null, NaN, '', null, null, '[]'],
      ['', null, null, '', null, null, null],
    ]);
  });

  it('take objects, and the whole record, as JSON that stays JSON', async () => {
    const rows = await ingested(vector('nested'), { event: 'dynamic', counts: 'dynamic', all: 'dynamic' }, [
      path('event', '$.event'),
      { Column: 'counts', Properties: { Field: 'counts' } },
      path('all', '$'),
    ]);
    const parsed = rows.map((row) => row.map((text): unknown => (text === null ? null : JSON.parse(text as string))));
    const first = { name: 'start', at: '2024-02-29T12:34:56.7890000Z', 'inner part': { level: 1.5 } };
    const second = { name: 'o\'k "q"', at: null, 'inner part': { level: 'NaN' } };
    expect(parsed).toEqual([
      [first, { x: 1, 'y z': 2 }, { id: 1, event: first, tags: ['a', 'b'], counts: { x: 1, 'y z': 2 } }],
      [second, {}, { id: 2, event: second, tags: [], counts: {} }],
      [null, null, { id: 3, event: null, tags: null, counts: null }],
    ]);
  });

  it('go into JSON text', async () => {
    expect(await ingested(vector('scalars'), { c: 'dynamic' }, [path('c', '$.json.a[1]')])).toEqual([
      ['2'],
      [null],
      [null],
    ]);
  });

  it('know constants and unix times', async () => {
    const rows = await ingested(vector('nested'), { k: 'long', s: 'string', t: 'datetime', u: 'datetime' }, [
      { Column: 'k', Properties: { ConstValue: '7' } },
      path('s', "it's constant"),
      path('t', '$.id', { Transform: 'DateTimeFromUnixSeconds' }),
      path('u', "$.event['inner part'].level", { Transform: 'DateTimeFromUnixMilliseconds' }),
    ]);
    expect(rows).toEqual([
      [7n, "it's constant", '1970-01-01T00:00:01.0000000Z', '1970-01-01T00:00:00.0015000Z'],
      [7n, "it's constant", '1970-01-01T00:00:02.0000000Z', null],
      [7n, "it's constant", '1970-01-01T00:00:03.0000000Z', null],
    ]);
  });

  it('leave out what other columns have, and number records', async () => {
    const rows = await ingested(vector('nested'), { rest: 'dynamic', name: 'string', level: 'real', n: 'long' }, [
      path('rest', '$', { Transform: 'DropMappedFields' }),
      path('name', '$.event.name'),
      { Column: 'level', Properties: { Path: "$.event['inner part'].level" } },
      { Column: 'n', Properties: { Transform: 'SourceLineNumber' } },
    ]);
    const parsed = rows.map(([rest, ...others]): unknown[] => [JSON.parse(String(rest)), ...others]);
    const first = { at: '2024-02-29T12:34:56.7890000Z', 'inner part': {} };
    expect(parsed).toEqual([
      [{ id: 1, event: first, tags: ['a', 'b'], counts: { x: 1, 'y z': 2 } }, 'start', 1.5, 1n],
      [{ id: 2, event: { at: null, 'inner part': {} }, tags: [], counts: {} }, 'o\'k "q"', NaN, 2n],
      [{ id: 3, event: null, tags: null, counts: null }, '', null, 3n],
    ]);
  });

  it('make dictionaries of objects and maps, of which each name has its first value', async () => {
    const dictionary = { Transform: 'PropertyBagArrayToDictionary' };
    const columns = { structs: 'dynamic', maps: 'dynamic', plain: 'dynamic', text: 'string' } as const;
    const mapping = [
      ...[path('structs', '$.structs', dictionary), path('maps', '$.maps', dictionary)],
      ...[path('plain', '$.structs[0]', dictionary), path('text', '$.maps', dictionary)],
    ];
    expect(await ingested(vector('bags'), columns, mapping)).toEqual([
      [
        '{"n1":"v1","n2":2,"t":"2024-02-29T12:34:56.0000000Z"}',
        ...['{"x":1.5,"y z":null}', '{"n1":"v1","n2":null,"t":null}', '{"x":1.5,"y z":null}'],
      ],
      ['{}', '{}', null, '{}'],
      ['{}', '{}', null, '{}'],
      [null, null, null, ''],
    ]);
  });

  it('make empty dictionaries of lists without members', async () => {
    const mapping = [path('tags', '$.tags', { Transform: 'PropertyBagArrayToDictionary' })];
    expect(await ingested(vector('nested'), { tags: 'dynamic' }, mapping)).toEqual([['{}'], ['{}'], [null]]);
  });

  it('make no dictionary of more than a thousand members', async () => {
    const many = [path('many', '$.many', { Transform: 'PropertyBagArrayToDictionary' })];
    await expect(ingested(vector('bags'), { many: 'dynamic' }, many)).rejects.toMatchObject({
      message: 'A dictionary of more than 1000 members is not made.',
    });
    expect(await fixture.rows('T')).toEqual([]);
  });

  it.each([
    ['a column that is not there', path('x', '$.id'), 'InconsistentMapping'],
    ['a list for a text', path('c', '$.tags'), 'InconsistentMapping'],
    ['a filter', path('c', '$.tags[*]'), 'InvalidMapping'],
    [
      'a dictionary of what is text',
      path('c', '$.event.name', { Transform: 'PropertyBagArrayToDictionary' }),
      'InvalidMapping',
    ],
  ])('of %s are refused', async (_what, mapping, code) => {
    expect((await refusal(ingested(vector('nested'), { c: 'string' }, [mapping])))[0]).toBe(code);
    expect(await fixture.rows('T')).toEqual([]);
  });
});

describe('what is not Parquet', () => {
  const broken = (change: (bytes: Buffer) => Buffer): Promise<readonly [string, string]> =>
    refusal(
      ingested(change(vector('scalars')), { string: 'string', double: 'real', date: 'datetime', json: 'dynamic' }),
    );

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['nothing', () => Buffer.alloc(0)],
    ['text', () => Buffer.from('1,2,3\n4,5,6\n'.repeat(20))],
    ['half of a file', (bytes) => bytes.subarray(0, bytes.length / 2)],
    ['a file without its footer', (bytes) => Buffer.concat([bytes.subarray(0, 40), bytes.subarray(-8)])],
    ['pages of noise', (bytes) => Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(600, 0xa5), bytes.subarray(604)])],
  ])('%s is refused by name, and nothing is ingested', async (_what, change) => {
    expect(await broken(change)).toEqual(['MalformedData', 'The data is not valid Parquet.']);
    expect(await fixture.rows('T')).toEqual([]);
  });
});
