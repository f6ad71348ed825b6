import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseExactJson } from './exact-json.ts';

const again = (text: string): string => {
  const { value, stringify } = parseExactJson(text);
  return stringify(value);
};

describe('exact JSON', () => {
  it.each([
    '[9223372036854775807,-9223372036854775808,{"a":[12345678901234567]}]',
    '["9223372036854775807","a \\"-9223372036854775808\\" b","\\\\"]',
    '[0.12345678901234568,1.2345678901234567e+30,1e-7]',
  ])('keeps %s as it is', (text) => {
    expect(again(text)).toBe(text);
  });

  it('is JSON for everything else', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const plain: unknown = JSON.parse(text);
        expect(JSON.parse(again(text))).toEqual(plain);
      }),
    );
  });

  it('keeps any long among any texts', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.string(), (long, text) => {
        const json = `[${long},${JSON.stringify(text)},${JSON.stringify(`${long}`)}]`;
        expect(again(json)).toBe(json);
      }),
    );
  });
});
