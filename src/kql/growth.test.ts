import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KqlCatalog } from './plan/catalog.ts';
import type { Program } from './plan/plan.ts';
import type { KqlParser } from './parser/parser-client.ts';
import { createKqlParser } from './parser/parser-client.ts';
import { functionFacts, language } from './language.ts';
import { translate } from './sql/translate.ts';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry, parserSnapshots } from './testing/parser-entry.ts';

const columns = [
  { name: 's', type: 'string' },
  { name: 'd', type: 'dynamic' },
  { name: 'n', type: 'long' },
  { name: 'r', type: 'real' },
  { name: 't', type: 'datetime' },
] as const;
const catalog: KqlCatalog = {
  version: '1',
  cluster: 'local',
  databases: [{ name: 'db', tables: [{ name: 'T', columns }], functions: [] }],
};
let parser: KqlParser;
let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  const limits = { textMax: 100_000, parseMsMax: 60_000 };
  parser = createKqlParser({
    ...{ entry: parserEntry, snapshots: parserSnapshots },
    ...{ limits, functions: functionFacts, after: () => () => undefined },
  });
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => {
  parser.stop();
  engine.close();
});

const compile = (text: string): Promise<Program> => parser.compile(text, 'db', catalog);
/** What a text is made into: the program, its SQL, and what DuckDB expands that to. */
async function sizesOf(text: string): Promise<number[]> {
  const { results, lets } = await compile(text);
  const [result] = results;
  if (!result) throw new Error('a query has a result');
  const { sql, weight } = translate(result.plan, {
    facts: { now: 0n, database: 'db', cluster: 'c', parameters: new Map(), options: {} },
    language,
    lets,
    wrapping: false,
    table: () => ({ sql: 't', columns: new Map(columns.map(({ name }) => [name, name])) }),
  });
  return [JSON.stringify([results, lets]).length, sql.length, weight];
}
/** `@` stands for what is inside. */
const around = (form: string, levels: number, innermost: string): string =>
  Array.from({ length: levels }).reduce<string>((inner) => form.replaceAll('@', inner), innermost);
/** @param form after the column that it begins with */
const nested = (form: string, levels: number): string => around(form.slice(2), levels, form.slice(0, 1));

describe('a query is planned in space that grows with its text', () => {
  it.each([
    's:tostring(parse_json(@).a)',
    's:tostring(split(@, ",")[0])',
    's:tostring(todatetime(@))',
    's:tostring(totimespan(@))',
    's:tostring(tolong(@))',
    's:tostring(toreal(@))',
    's:tostring(tobool(@))',
    's:tostring(todecimal(@))',
    's:tostring(toguid(@))',
    's:tostring(bag_pack("k", @).k)',
    's:tostring(@ has "a")',
    's:tostring(@ !has "a")',
    's:tostring(@ has_any ("a", "b"))',
    's:tostring(@ in~ ("a", "b"))',
    's:iff(isempty(@), "x", "y")',
    's:replace_string(@, "a", "b")',
    's:extract("a(.)", 1, @)',
    'd:@.a',
    'd:@[0]',
    'd:todynamic(tostring(@))',
    'd:array_sort_asc(@)',
    'd:bag_remove_keys(@, dynamic(["a"]))',
    'n:@ % 7',
    'n:@ / 3',
    'n:bin(@, 10)',
    'n:tolong(toint(@))',
    'n:tolong(@ between (1 .. 3))',
    'n:tolong(todatetime(@))',
    'r:round(@, 1)',
    'r:toreal(tostring(@))',
    't:startofmonth(@)',
    't:endofweek(@)',
    't:todatetime(tostring(@))',
    't:bin_at(@, 1h, datetime(2020-01-01))',
  ])('%s in itself', async (form) => {
    const sizes: number[][] = [];
    for (const levels of [2, 4, 8, 16]) sizes.push(await sizesOf(`T | project x = ${nested(form, levels)}`));
    for (const measure of [0, 1, 2]) {
      const [two = 0, four = 0, eight = 0, sixteen = 0] = sizes.map((one) => one[measure] ?? 0);
      // What the first levels leave in place is bounded; from there each level adds as much as the one before.
      expect(sixteen - eight).toBeLessThan(2.5 * Math.max(eight - four, four - two) + 50);
      expect(sixteen).toBeLessThan(8_000);
    }
  });

  it.each([
    ['s:strcat(@, @)', 8],
    ['s:case(@ == "a", "b", @ == "c", "d", @)', 5],
    ['d:bag_merge(@, @)', 8],
    ['d:@[tostring(@)]', 8],
    ['t:make_datetime(getyear(@), monthofyear(@), dayofmonth(@))', 5],
  ])('%s in itself, where the text doubles', async (form, levels) => {
    const text = nested(form, levels);
    const [program = 0, sql = 0, weight = 0] = await sizesOf(`T | project x = ${text}`);
    expect(program).toBeLessThan(150 * text.length);
    expect(sql).toBeLessThan(40 * text.length);
    expect(weight).toBeLessThan(40 * text.length);
  });

  it('names of names', async () => {
    const doubled = (levels: number): string =>
      Array.from({ length: levels }, (_one, level) => `let a${level + 1} = a${level} + a${level};`).join(' ');
    const [short = 0] = await sizesOf(`let a0 = 1; ${doubled(15)} print a15`);
    const [long = 0] = await sizesOf(`let a0 = 1; ${doubled(45)} print a45`);
    expect(long).toBeLessThan(4 * short);
    expect((await engine.run(`let a0 = 1; ${doubled(45)} print a45`))[0]?.rows).toEqual([[2 ** 45]]);
  });

  it('names of names that read rows, which have an end', async () => {
    const calls = nested('n:F(@)', 40);
    await expect(compile(`let F = (n:long) { n + n }; T | project x = ${calls}`)).rejects.toMatchObject({
      code: 'limits',
    });
  });

  it.each([
    ['union a@, (a@ | where n > 5)'],
    ['a@ | join kind=inner a@ on n | project n'],
    ['a@ | where n > toscalar(a@ | count)'],
  ])('tables of tables: %s', async (form) => {
    const doubled = (levels: number): string =>
      Array.from({ length: levels }, (_one, level) => `let a${level + 1} = ${form.replaceAll('@', `${level}`)};`).join(
        ' ',
      );
    const { lets } = await compile(`let a0 = T; ${doubled(40)} a40 | count`);
    expect(lets.length).toBeLessThan(100);
  });

  it('tables of tables, of which a value is taken', async () => {
    const doubled = Array.from(
      { length: 14 },
      (_one, level) => `let a${level + 1} = union (a${level}), (a${level} | where x > 5);`,
    ).join(' ');
    const [size = 0] = await sizesOf(`let a0 = range x from 1 to 2 step 1; ${doubled} print toscalar(a14 | count)`);
    expect(size).toBeLessThan(20_000);
  });
});

describe('a union of many tables', () => {
  const wide = {
    ...catalog,
    version: 'wide',
    databases: [
      {
        name: 'db',
        functions: [],
        tables: Array.from({ length: 40 }, (_table, table) => ({
          name: `T${table}`,
          columns: [
            { name: 'shared', type: 'string' as const },
            ...Array.from({ length: 20 }, (_one, n) => ({ name: `c${table}_${n}`, type: 'long' as const })),
          ],
        })),
      },
    ],
  };
  it.each([
    'union * | count',
    'union * | where shared == "a" | extend x = strlen(shared) | summarize count() by x',
    'union * | where c3_1 > 5 | project c3_1, c4_1 | summarize sum(c4_1)',
    'union T* | take 5 | count',
    'union withsource=t * | summarize count() by t',
    'union * | sort by shared | top 3 by c1_1 | project shared',
  ])('has only the columns that are read: %s', async (text) => {
    const { results, lets } = await parser.compile(text, 'db', wide);
    const [result] = results;
    if (!result) throw new Error('a query has a result');
    const { sql } = translate(result.plan, {
      facts: { now: 0n, database: 'db', cluster: 'c', parameters: new Map(), options: {} },
      language,
      lets,
      wrapping: false,
      table: (_database, table, cols) => ({
        sql: `(SELECT '' AS shared) AS t`,
        columns: new Map(cols.map(({ name }) => [name, name === 'shared' ? name : `column_of_${table}`])),
      }),
    });
    const read = new Set(text.match(/c\d+_\d/g)?.map((name) => `column_of_T${name.slice(1, -2)}`));
    const others = [...sql.matchAll(/column_of_T\d+/g)].filter(([name]) => !read.has(name));
    // One column of each table stays where none is read.
    expect(others).toEqual([]);
    expect(sql.length).toBeLessThan(40 * 250);
  });
});

describe('values inside of one another', () => {
  const unpacked = around('tostring(parse_json(@).a)', 12, 'j');
  const packed = around('tostring(bag_pack("a", @))', 12, '"end"');
  it.each<[string, unknown]>([
    [`let j = ${packed}; print x = ${unpacked}`, 'end'],
    [`print j = ${packed} | where ${unpacked} == "end" | project x = strlen(j) > 12`, true],
    [`print x = ${around('tostring(split(@, ",")[0])', 12, '"a,b"')}`, 'a'],
    [`print x = ${around('tostring(tolong(@))', 12, '"7"')}`, '7'],
    [`print n = 5 | project x = ${around('tolong(todatetime(@)) % 7 + 1', 10, 'n')}`, 1],
    [
      `datatable(s:string)['1', '2'] | summarize x = max(${around('tostring(parse_json(tostring(tolong(@))))', 6, 's')})`,
      '2',
    ],
    [
      `datatable(s:string)['1', '1'] | summarize count() by x = ${around('tostring(tolong(@))', 8, 's')} | project count_`,
      2,
    ],
    [
      `datatable(n:long, s:string)[1, '1', 2, '2'] | summarize n = sum(n) by s
       | project x = ${around('tostring(tolong(@))', 8, 's')} | summarize x = strcat_array(array_sort_asc(make_list(x)), "")`,
      '12',
    ],
    [`print x = ${around('tostring(toscalar(print @))', 6, '"v"')}`, 'v'],
  ])('are what they are: %s', async (query, expected) => {
    expect((await engine.run(query))[0]?.rows).toEqual([[expected]]);
  });
});
