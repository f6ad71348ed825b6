import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from './canonical-json.ts';

describe('canonical JSON', () => {
  it('is one text for one value, in whichever order its members were written', () => {
    const turned = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(turned);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, member]) => [name, turned(member)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(canonicalJson(turned(value))).toBe(canonicalJson(value));
        expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('has its members by the code units of their names, and no absent ones', () => {
    const value = {
      b: 1,
      a: [undefined, { z: null, y: undefined }],
      B: 'x',
      '\u{10000}': 2,
      '\uffff': 3,
      10: 4,
      9: 5,
      '': 6,
    };
    expect(canonicalJson(value)).toBe(
      '{"":6,"10":4,"9":5,"B":"x","a":[null,{"z":null}],"b":1,"\u{10000}":2,"\uffff":3}',
    );
  });
});
