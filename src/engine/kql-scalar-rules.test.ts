import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from './testing/local-engine.ts';
import { buildParserEntry } from './testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(await buildParserEntry());
});
afterAll(() => engine.close());

const json = (value: unknown): unknown =>
  typeof value === 'string' && /^[[{]/.test(value) ? JSON.parse(value) : value;

/** Expressions and their values: what the pages of the KQL documentation (MicrosoftDocs/dataexplorer-docs, CC BY 4.0) say of
 * scalar functions and types, by the page. */
const rules: Readonly<Record<string, readonly (readonly [string, unknown])[]>> = {
  tohex: [
    ["tohex(toint(-256), 8) == 'ffffff00'", true],
    ["tohex(-256) == 'ffffffffffffff00'", true],
    ['tohex(toint(-1))', 'ffffffff'],
    ['tohex(255, 20)', '00000000000000ff'],
  ],
  toguid: [
    ["toguid('0123456789abcdef0123456789abcdef and more')", '01234567-89ab-cdef-0123-456789abcdef'],
    ["toguid('0123456789ab-cdef-0123-456789abcdef')", '01234567-89ab-cdef-0123-456789abcdef'],
    ["toguid('a string that is not a guid')", null],
  ],
  'zlib-base64-compress': [
    ["zlib_compress_to_base64_string('1234567890qwertyuiop')", 'eAEBFADr/zEyMzQ1Njc4OTBxd2VydHl1aW9wOAkGdw=='],
  ],
  bin: [['bin(5.5, -1.0)', null]],
  'array-sum': [['array_sum(dynamic([1, true]))', null]],
  'array-index-of': [
    ["array_index_of(dynamic(['a']), 'a', 0, -2)", null],
    ["array_index_of(dynamic(['a']), 'a', 0, -1, -1)", null],
  ],
  indexof: [
    ["indexof('abc', 'b', 0, -2)", null],
    ["indexof('abc', 'b', 0, -1, -1)", null],
    ["indexof_regex('abcabc', @'a|ab', -1)", null],
    ["indexof_regex('abcabcdefg', @'a.c', 0, 9, 2)", 3],
  ],
};

describe.each(Object.entries(rules))('%s', (_page, cases) => {
  it.each(cases)('%s', async (expression, value) => {
    const [table] = await engine.run(`print ${expression}`);
    expect(json(table?.rows[0]?.[0])).toEqual(value);
  });
});

it('a Jaccard index is a real', async () => {
  const [table] = await engine.run('print i = jaccard_index(dynamic([1, 2, 3]), dynamic([1, 2, 3, 4]))');
  expect(table).toMatchObject({ columns: [{ name: 'i', type: 'real' }], rows: [[0.75]] });
});
