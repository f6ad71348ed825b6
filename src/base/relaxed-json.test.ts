import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseLongJson, parseRelaxedJson, positionInJson, sourceOf } from './relaxed-json.ts';

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

describe('parseLongJson', () => {
  /** How often others had their turn until then. */
  const turnsOf = async (read: Promise<unknown>): Promise<number> => {
    const state = { turns: 0, isOver: false };
    const others = async (): Promise<void> => {
      while (!state.isOver) {
        await new Promise((resolve) => setImmediate(resolve));
        state.turns += 1;
      }
    };
    const ended = others();
    await read.catch(() => undefined);
    const { turns } = state;
    state.isOver = true;
    await ended;
    return turns;
  };
  const filled = (unit: string, megabytes: number): string =>
    `[${unit.repeat(Math.floor((megabytes * 2 ** 20) / unit.length))}`;

  it.each([
    ['plain JSON of many parts', '[],', '0]'],
    ['names', '{"a":1},', '0]'],
    ['relaxed JSON', "'a',", "'b']"],
    ['what is plain JSON until its end', '[],', '0'],
  ])('lets others have their turn: %s', async (_what, unit, end) => {
    const once = await turnsOf(parseLongJson(filled(unit, 1) + end));
    expect(once).toBeGreaterThan(20);
    const twice = await turnsOf(parseLongJson(filled(unit, 2) + end));
    expect(twice).toBeGreaterThan(1.5 * once); // so no turn grows with the text
  });

  it('reads what `JSON.parse` reads, few parts or many', async () => {
    const many = `[${'{"a":[]},'.repeat(60_000)}{"a":0,"b":1,"a":2}]`;
    for (const text of [many, '{"a":0,"b":1,"a":2}', `"${'x'.repeat(300_000)}"`, '[1e3,-0,"\\ud83d\\uDE00\\n"]']) {
      const value = await parseLongJson(text);
      expect(value).toEqual(JSON.parse(text));
      if (typeof value === 'object' && value !== null) expect(sourceOf(value)).toBe(text);
    }
    expect(JSON.stringify(await parseLongJson(many))).toBe(JSON.stringify(JSON.parse(many)));
  });

  it.each(['{"__proto__":1}', '{"a":{"__pro\\u0074o__":1}}', `[${'[],'.repeat(60_000)}{"__proto__":1}]`])(
    'refuses a prototype in %.30s',
    async (text) => {
      await expect(parseLongJson(text)).rejects.toThrow(/^$/);
    },
  );

  it('says of any text what the reader says that takes it at once', async () => {
    const piece = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"a"',
        "'b'",
        'c',
        '1',
        '-0',
        '01',
        'true',
        ' ',
        '\u00a0',
        '//x\n',
        '/*y*/',
        '/*',
      ],
      ...[
        '"\\n"',
        '"\\u00e4"',
        '"\\u12g4"',
        '"\\x"',
        '"',
        '\\',
        "'\\\"'",
        'ä:',
        '{a:1}',
        '[1,2,]',
        '"a":1,',
        'b:{c:[1]},',
      ],
    );
    const outcome = async (read: () => unknown): Promise<unknown> => {
      try {
        return { value: await read() };
      } catch (error) {
        return { name: (error as Error).name };
      }
    };
    const text = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(text, fc.json()),
        fc.constantFrom(['', ''], ['{', '}'], ['[', ']']),
        async (of, [a, z]) => {
          const whole = `${a}${of}${z}`;
          const long = await outcome(() => parseLongJson(whole));
          expect(long).toEqual(await outcome(() => parseRelaxedJson(whole)));
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('positionInJson', () => {
  const text = '{\n  parameters: {\n    "Name": {"value": 1},\n    list: [1, {x: 2}]\n  }\n}';

  it.each([
    [[], 1, 1],
    [['parameters', 'Name'], 3, 13],
    [['parameters', 'name'], 3, 13],
    [['parameters', 'list', 1, 'x'], 4, 19],
  ])('finds %j', async (path, line, column) => {
    expect(await positionInJson(text, path)).toEqual({ line, column });
  });

  it('finds the last of several with one name, far down in a long text', async () => {
    const long = `[${'[],'.repeat(50_000)}\n{"a":1,"A":2}]`;
    expect(await positionInJson(long, [50_000, 'a'])).toEqual({ line: 2, column: 12 });
  });

  it('finds nothing where nothing is', async () => {
    expect(await positionInJson(text, ['parameters', 'other'])).toBeUndefined();
  });
});
