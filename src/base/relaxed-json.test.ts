import { describe, expect, it } from 'vitest';
import { parseRelaxedJson, positionInJson } from './relaxed-json.ts';

describe('parseRelaxedJson', () => {
  it.each([
    ['{"a": 1, "b": [true, false, null, -1.5e2, "x"]}', { a: 1, b: [true, false, null, -150, 'x'] }],
    [
      '{properties: {mode: "Incremental", template:{ // comment\n "$schema":"s" /* more */ }}}',
      { properties: { mode: 'Incremental', template: { $schema: 's' } } },
    ],
    [`{'single': 'it''s'}`.replace(`''`, `\\'`), { single: "it's" }],
    ['{"lines": "one\ntwo"}', { lines: 'one\ntwo' }],
    ['[1, 2,]', [1, 2]],
    ['{"a": {},}', { a: {} }],
    ['"\\u00e4\\n"', 'ä\n'],
    ['// only\n[]', []],
  ])('reads %s', (text, value) => {
    expect(parseRelaxedJson(text)).toEqual(value);
  });

  it.each([
    '',
    '{',
    '[1',
    '{a}',
    '{"a":}',
    '{"a":1 "b":2}',
    '[1 2]',
    '[,]',
    '01',
    '"open',
    '/* open',
    'word',
    '{"__proto__":1}',
    '{} {}',
    '"\\x"',
    '"\\u12g4"',
  ])('refuses %s', (text) => {
    expect(() => parseRelaxedJson(text)).toThrow(/^$/);
  });

  it('reads a hundred levels, and no more', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(JSON.stringify(parseRelaxedJson(nested(100)))).toHaveLength(200);
    expect(() => parseRelaxedJson(nested(101))).toThrow();
    expect(() => parseRelaxedJson(`{a:${nested(100_000)}}`)).toThrow();
  });

  it('reads what plain JSON is, as it is', () => {
    for (const value of [{ a: [1, { b: 'ü"\\\u2028' }] }, [], 'x', 0, null, { '': { ' ': -0.25 } }])
      expect(parseRelaxedJson(JSON.stringify(value, null, 2))).toEqual(value);
  });

  it('takes long stretches of nothing', () => {
    expect(parseRelaxedJson(`${' '.repeat(1_000_000)}[${'//\n'.repeat(100_000)}]`)).toEqual([]);
  });
});

describe('positionInJson', () => {
  const text = '{\n  parameters: {\n    "Name": {"value": 1},\n    list: [1, {x: 2}]\n  }\n}';

  it.each([
    [[], 1, 1],
    [['parameters', 'Name'], 3, 13],
    [['parameters', 'name'], 3, 13],
    [['parameters', 'list', 1, 'x'], 4, 19],
  ])('finds %j', (path, line, column) => {
    expect(positionInJson(text, path)).toEqual({ line, column });
  });

  it('finds nothing where nothing is', () => {
    expect(positionInJson(text, ['parameters', 'other'])).toBeUndefined();
  });
});
