import { describe, expect, it } from 'vitest';
import { argumentOf, copied, copiesIn, joined, macro, mayCallNatives, sql, textOf, weightOf } from './fragment.ts';
import * as macros from './macros.ts';
import { nativeCall, nativeFunction } from './native.ts';

const twice = macro('twice', (x) => sql`(${x} + ${x})`);
const between = macro('between', (x, y) => sql`${copied(2, twice(x))} BETWEEN 0 AND ${y}`);
const heavy = sql`f(${joined(['a', 'b', sql`g(${'c'}, ${7})`])})`;

describe('a fragment', () => {
  it('is the text that it was written as', () => {
    expect(textOf(sql`SELECT ${heavy}, ${between(heavy, 'z')} FROM t`)).toBe(
      'SELECT f(a, b, g(c, 7)), kql_between(f(a, b, g(c, 7)), z) FROM t',
    );
    expect([joined([]), joined(['a']), joined(['a', 'b'], ' OR ')].map(textOf)).toEqual(['', 'a', 'a OR b']);
  });

  it('knows how often DuckDB makes a copy of a part', () => {
    const whole = sql`${between(heavy, sql`h(${heavy})`)} ${heavy}`;
    expect(copiesIn(whole, [heavy, 'z'])).toEqual(
      new Map([
        [heavy, 6],
        ['z', 0],
      ] as [unknown, number][]),
    );
    expect(weightOf(whole) - weightOf(between('a', sql`h(${'b'})`))).toBe(6 * weightOf(heavy) - 5 + 1);
  });

  it('knows whether functions in JavaScript may be called for it, by macros too', () => {
    const native = nativeFunction('n', ['string'], 'string', ([text]) => text ?? null);
    const calls = macro('calls', (x) => nativeCall(native, x));
    expect([heavy, nativeCall(native, 'a'), sql`${twice(calls('a'))}`, sql`${calls('a')}`].map(mayCallNatives)).toEqual(
      [false, true, true, true],
    );
  });

  it('is known as the call of a macro', () => {
    expect(
      [twice(heavy), between(heavy, 'b'), sql`${twice(heavy)}`, 'twice(a)'].map((part) => argumentOf(part, twice)),
    ).toEqual([heavy, undefined, undefined, undefined]);
  });
});

it('macros come after those that they call', () => {
  const { inCalendar, intOfJson, longOfJson, longOfText } = macros;
  const levels = [inCalendar, longOfText, longOfJson, intOfJson].map(({ definition }) => definition.level);
  expect(levels).toEqual([1, 1, 2, 3]);
});
