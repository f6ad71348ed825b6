import { describe, expect, it } from 'vitest';
import type { KqlType } from '../plan/types.ts';
import type { NativeValue } from '../sql/native.ts';
import { natives } from '../language.ts';
import { bounded } from './bounded.ts';

const list = (count: number, value: (index: number) => unknown): string =>
  JSON.stringify(Array.from({ length: count }, (_, index) => value(index)));
const ring = (corners: number, radius: number, east: number): string => {
  const at = (index: number): number[] => {
    const angle = (2 * Math.PI * (index % corners)) / corners;
    const reach = radius * (1 + 0.2 * Math.sin(17 * angle));
    return [east + reach * Math.cos(angle), reach * Math.sin(angle)];
  };
  return JSON.stringify({
    type: 'Polygon',
    coordinates: [Array.from({ length: corners + 1 }, (_, index) => at(index))],
  });
};
const shapes = [
  ring(2_000, 20, 0),
  ring(2_000, 20, 5),
  JSON.stringify({
    type: 'LineString',
    coordinates: Array.from({ length: 5_000 }, (_, index) => [(index * 170) / 5_000 - 80, 20 * Math.sin(index)]),
  }),
];
const text = 'the quick brown fox 192.168.0.1, '.repeat(32_000);
const bag = JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`k${index}`, index])));
const numbers = list(200_000, (index) => index % 97);

/** Values that are as large as a user may well send: a million characters, 200,000 numbers, two polygons of 2,000 corners. */
const values: Readonly<Record<KqlType, readonly NativeValue[]>> = {
  dynamic: [numbers, list(20_000, (index) => index), list(50_000, (index) => `word ${(index * 7919) % 50_000}`), bag],
  string: [text, `<r>${'<a b="1">x</a>'.repeat(70_000)}</r>`, 'a', '(a+)+$', numbers],
  ...{ long: [1n, 1000n, 100_000n], int: [1n, 20n], real: [0.5, 100], bool: [true, false], decimal: ['1.5'] },
  ...{ datetime: [638_000_000_000_000_000n], timespan: [10_000_000n], guid: ['00000000-0000-0000-0000-000000000001'] },
};

function argumentsOf(name: string, parameters: readonly KqlType[], turn: number): readonly NativeValue[] {
  return parameters.map((type, index) => {
    if (name.startsWith('geo_') && (type === 'dynamic' || type === 'string'))
      return name.includes('array') ? `[${shapes.slice(0, 2).join()}]` : (shapes[(turn + index) % 3] ?? '');
    const some = values[type];
    return some[(turn * (index + 1) + (turn >> 1)) % some.length] ?? null;
  });
}

const limitMs = 20;
/** Far more than a step that V8 cannot end takes for such values, and far less than what many functions take for them. */
const slackMs = 2_000;

describe('a function in JavaScript', () => {
  it('is ended by V8 soon after its time, whatever large value it is given', { timeout: 300_000 }, () => {
    let ended = 0;
    for (const { name, parameters, run } of natives)
      for (let turn = 0; turn < 4; turn += 1) {
        const args = argumentsOf(name, parameters, turn);
        const startedMs = performance.now();
        try {
          const work = (): void => void run(args);
          bounded(limitMs, work, () => (ended += 1));
        } catch {
          // It refuses the value.
        }
        expect([name, performance.now() - startedMs < limitMs + slackMs]).toEqual([name, true]);
      }
    expect(ended).toBeGreaterThan(100); // there are such functions, and such values
  });
});
