import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import type { NativeValue } from './native.ts';
import type { EngineConnection, EngineDatabase } from '../duckdb/engine-database.ts';
import { fuzz } from '../../../tests/support/fuzz.ts';

let engine: EngineDatabase;
let connection: EngineConnection;
beforeAll(async () => {
  engine = await openTestEngine();
  connection = await engine.connect();
});
afterAll(() => {
  connection.close();
  engine.close();
});

/** So many random texts go into one statement. */
const textsEach = 20;

/** What the macro and the native function behind it make of each text. */
async function both(macro: string, ...texts: readonly string[]): Promise<(readonly NativeValue[])[]> {
  const values = texts.map((value, index) => ({ name: `v${index + 1}`, value }));
  const source = values.map(({ name }) => `($${name}::VARCHAR)`).join(', ');
  const sql = `SELECT kql_${macro}(s), kql_n_${macro}(getvariable('connection'), s) FROM (VALUES ${source}) t(s)`;
  const rows: (readonly NativeValue[])[] = [];
  for await (const [fast = [], native = []] of connection.stream(sql, values))
    rows.push(...fast.map((value, index) => [value, native[index] ?? null]));
  return rows;
}

const blanks = fc.constantFrom('', '', '', ' ', '\n', '\t ', '\u00a0');
const pieces = fc.oneof(
  fc.constantFrom(...'{}[],:"\\'.split(''), ...' \t\n\r\v\f\u00a0'.split('')),
  fc.constantFrom(
    'null',
    'true',
    'NaN',
    '-nan',
    'Infinity',
    '-inf',
    '1e999',
    '-0',
    '01',
    '1.50',
    '.5',
    '+1',
    '12345678901234567890',
  ),
  fc.constantFrom('"a"', '"a b"', '"a, b"', '"\\u0041"', '"\\ud800"', '"é"', '"\u0001"', "'a'", '/*x*/', '//x'),
);
/** JSON with blanks here and there, perhaps with a piece more or less; and what only looks like JSON. */
const nearlyJson = fc.oneof(
  fc.tuple(fc.json(), blanks, blanks).map(([json, before, after]) => `${before}${json}${after}`),
  fc.tuple(fc.jsonValue(), fc.integer({ min: 0, max: 3 })).map(([value, width]) => JSON.stringify(value, null, width)),
  fc.tuple(fc.json(), fc.nat(), fc.nat(2), pieces).map(([json, at, drop, piece]) => {
    const place = at % (json.length + 1);
    return json.slice(0, place) + piece + json.slice(place + drop);
  }),
  fc.array(pieces, { maxLength: 8 }).map((parts) => `[${parts.join('')}]`),
  fc.array(pieces, { maxLength: 8 }).map((parts) => `{"a":${parts.join('')}}`),
);

const two = fc.oneof(fc.integer({ min: 0, max: 70 }), fc.integer({ min: 0, max: 12 }));
const nearlyIso = fc
  .record({
    year: fc.oneof(fc.integer({ min: 0, max: 9999 }), fc.integer({ min: 1990, max: 2040 })),
    parts: fc.tuple(two, two, two, two, two),
    width: fc.constantFrom(1, 2, 2, 2, 2),
    separator: fc.constantFrom('T', ' ', '  ', 't', ''),
    fraction: fc.oneof(
      fc.constant(''),
      fc.stringMatching(/^[0-9]{1,9}$/).map((digits) => `.${digits}`),
    ),
    zone: fc.constantFrom('', 'Z', 'Z', 'z', ' Z', '+02:00', 'GMT', '.Z', ' '),
    isDay: fc.boolean(),
  })
  .map(({ year, parts, width, separator, fraction, zone, isDay }) => {
    const [month = '', day = '', hour, minute, second] = parts.map((part) => String(part).padStart(width, '0'));
    const date = `${String(year).padStart(4, '0')}-${month}-${day}`;
    return isDay ? date : `${date}${separator}${hour}:${minute}:${second}${fraction}${zone}`;
  });

describe('a macro that spares a native function', () => {
  it.each<[string, fc.Arbitrary<string>, readonly string[]]>([
    [
      'parse_json',
      nearlyJson,
      [
        '{"a":NaN}',
        '[1,]',
        '{"a":1,}',
        '[-inf]',
        '{"a": 1}',
        '["x, y"]',
        '{"a":"b"} ',
        '[]',
        '{}',
        '[1e999]',
        '{"a":1}x',
        '',
      ],
    ],
    [
      'datetime_of_text',
      nearlyIso,
      [
        '2024-02-30',
        '2024-02-29',
        '0000-01-01',
        '0001-01-01',
        '9999-12-31T23:59:59.9999999Z',
        '2024-01-01T24:00:00',
        '2024-01-01 10:20:30.1234567',
      ],
    ],
  ])('%s gives the same as that', async (macro, texts, known) => {
    for (const text of known) {
      const [[fast, native] = []] = await both(macro, text);
      expect([text, fast]).toEqual([text, native]);
    }
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { minLength: textsEach, maxLength: textsEach }), async (list) => {
        const found = await both(macro, ...list);
        expect(found.length).toBe(list.length);
        for (const [index, [fast, native]] of found.entries())
          expect([list[index], fast]).toEqual([list[index], native]);
      }),
      fuzz(1_000 / textsEach),
    );
  });
});
