import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArmError } from './arm-error.ts';
import { parseFilter } from './filter.ts';

describe('parseFilter', () => {
  it('reads comparisons, calls, and binds closer than or', () => {
    expect(parseFilter("a eq 'x' AND b ne 'it''s' or  f('v', c)")).toEqual([
      [
        { kind: 'comparison', property: 'a', operator: 'eq', value: 'x' },
        { kind: 'comparison', property: 'b', operator: 'ne', value: "it's" },
      ],
      [{ kind: 'call', name: 'f', args: [{ literal: 'v' }, { property: 'c' }] }],
    ]);
    expect(parseFilter('atScope()')).toEqual([[{ kind: 'call', name: 'atScope', args: [] }]]);
  });

  it('gives back any value that was quoted', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500 }), (value) => {
        const filter = parseFilter(`name eq '${value.replaceAll("'", "''")}'`);
        expect(filter).toEqual([[{ kind: 'comparison', property: 'name', operator: 'eq', value }]]);
      }),
    );
  });

  it('never throws anything but its own errors', () => {
    const piece = fc.oneof(
      fc.constantFrom("'", "''", 'and', 'or', 'eq', '(', ')', ',', ' ', 'name', "'v'"),
      fc.string({ maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        try {
          parseFilter(pieces.join(' '));
        } catch (error) {
          expect(error).toBeInstanceOf(ArmError);
        }
      }),
    );
  });

  it.each([
    '',
    'a eq',
    "a eq 'x' and",
    "f('a'",
    'f(,)',
    "f('a',)",
    "'a' eq b",
    "a eq 'x' 'y'",
    'a'.repeat(4097),
    Array(101).fill("a eq 'b'").join(' and '),
  ])('refuses %j', (text) => {
    expect(() => parseFilter(text)).toThrow(ArmError);
  });
});
