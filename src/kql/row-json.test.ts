import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDatetime, maxDatetimeTicks } from './values/ticks.ts';
import { datetimeText, encodeRows } from './row-json.ts';

const one = (
  type: Parameters<typeof encodeRows>[0][number]['type'],
  value: Parameters<typeof encodeRows>[1][number][number],
): string => encodeRows([{ name: 'x', type }], [[value]])[0] ?? '';

describe('encodeRows', () => {
  // Spellings: recorded answers of the service, as its protocol documentation and its clients' fixtures show them.
  it.each([
    ['bool', true, '[true]'],
    ['int', -5, '[-5]'],
    ['long', 9223372036854775807n, '[9223372036854775807]'],
    ['real', 1.5, '[1.5]'],
    ['real', NaN, '["NaN"]'],
    ['real', Infinity, '["Infinity"]'],
    ['real', -Infinity, '["-Infinity"]'],
    ['decimal', '2.00000000000001', '["2.00000000000001"]'],
    ['string', 'a"\u2028\ud800', String.raw`["a\"${'\u2028'}\ud800"]`],
    ['datetime', 635556708610000001n, '["2015-01-01T01:01:01.0000001Z"]'],
    ['datetime', maxDatetimeTicks, '["9999-12-31T23:59:59.9999999Z"]'],
    ['datetime', 0n, '["0001-01-01T00:00:00.0000000Z"]'],
    ['timespan', 864_010_010_001n, '["1.00:00:01.0010001"]'],
    ['timespan', 0n, '["00:00:00"]'],
    ['guid', '74BE27DE-1E4E-49D9-B579-FE0B331D3642', '["74be27de-1e4e-49d9-b579-fe0b331d3642"]'],
    ['dynamic', '{"a":[1.0,9223372036854775807]}', '[{"a":[1.0,9223372036854775807]}]'],
  ] as const)('writes %s %s as %s', (type, value, text) => {
    expect(one(type, value)).toBe(text);
  });

  it.each(['bool', 'int', 'long', 'real', 'decimal', 'datetime', 'timespan', 'guid', 'dynamic'] as const)(
    'writes a null %s as null',
    (type) => {
      expect(one(type, null)).toBe('[null]');
    },
  );

  it('knows no null string', () => {
    expect(one('string', null)).toBe('[""]');
  });

  it('writes rows of several columns', () => {
    const columns = [
      { name: 'a', type: 'long' },
      { name: 'b', type: 'string' },
    ] as const;
    expect(
      encodeRows(columns, [
        [1n, 2n],
        ['x', 'y'],
      ]),
    ).toEqual(['[1,"x"]', '[2,"y"]']);
    expect(encodeRows(columns, [[], []])).toEqual([]);
  });

  it('agrees with the plain formatter on any datetime', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: maxDatetimeTicks }), (ticks) => {
        expect(datetimeText(ticks)).toBe(formatDatetime(ticks));
      }),
    );
  });
});
