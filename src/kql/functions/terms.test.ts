import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fuzz } from '../../../tests/support/fuzz.ts';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';
import { textOf } from '../sql/fragment.ts';
import { termFunctions } from './terms.ts';
import { mayHave } from './text-characters.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

const text = (value: string): string => JSON.stringify(value);
/** The texts for which has_any or has_all, of constants or of the rows of a table, are not what has says of each needle. */
async function differences(texts: readonly string[], needles: readonly string[]): Promise<unknown> {
  const list = needles.map(text).join(', ');
  const each = (word: string): string => needles.map((needle) => `s has ${text(needle)}`).join(` ${word} `);
  const [table] = await engine.run(
    `let Needles = datatable(needle:string) [${list}];
     datatable(n:long, s:string) [${texts.map((one, n) => `${n}, ${text(one)}`).join(', ')}]
     | project n, constants = s has_any (${list}), rows = s has_any (Needles), any = ${each('or')},
       both = s has_all (${list}), all = ${each('and')}
     | where constants != any or rows != any or both != all`,
  );
  return table?.rows;
}

describe('a term that is looked for in all columns', () => {
  it('is looked for in all of them at once', () => {
    const columns = Array.from({ length: 200 }, (_one, n) => ({ id: `c${n}`, name: `c${n}`, type: 'string' as const }));
    const star = {
      expression: { k: 'column', name: '*', type: 'dynamic' } as const,
      type: 'dynamic' as const,
      sql: '',
    };
    const needle = { k: 'literal', type: 'string', value: 'a.b' } as const;
    // Values of the needle, and not of each column; `search` names one for what it does not need here.
    const values = { search: 5, has: 4, hasprefix_cs: 4 };
    for (const [name, count] of Object.entries(values)) {
      const bound: unknown[] = [];
      const scope = { ctx: { bind: (value: unknown) => `$${bound.push(value)}` }, relation: { sql: '', columns } };
      const args = [star, { expression: needle, type: 'string' as const, sql: '' }];
      const test = textOf(termFunctions[name]?.sql(args, {} as never, scope as never) ?? '');
      // None that DuckDB makes before there is a text for it: the one with all letters stands in a lambda.
      expect([name, test.match(/regexp_\w+/g), test.match(/c199/g)?.length]).toEqual([
        name,
        ['regexp_extract', 'regexp_extract', 'regexp_extract'],
        4,
      ]);
      expect(test).toMatch(/lambda e: regexp_extract\(e, \$\d\) <> ''\)/);
      expect([name, bound.length]).toEqual([name, count]);
    }
  });

  it('is not looked for where texts of that type cannot have it', async () => {
    const values = {
      bool: ['true', 'false'],
      int: ['int(-2147483648)'],
      long: ['9223372036854775807'],
      real: ['real(-1e-300)', '1e300', 'real(nan)', 'real(-inf)', '0.1'],
      decimal: ['decimal(-12345678901234567890.5)', 'decimal(0.000000000000000001)'],
      datetime: ['datetime(9999-12-31T23:59:59.9999999Z)', 'datetime(0001-01-01)'],
      timespan: ['timespan(-10675199.02:48:05.4775808)', '1tick'],
      guid: ['guid(01234567-89ab-cdef-0123-456789abcdef)'],
    } as const;
    const types = Object.keys(values) as (keyof typeof values)[];
    const all = types.flatMap((type) => values[type].map((value) => ({ type, value })));
    const [table] = await engine.run(`print ${all.map(({ value }) => `tostring(${value})`).join(', ')}`);
    const texts = (table?.rows[0] ?? []).map(String);
    const missed = all.filter(({ type }, n) =>
      [texts[n] ?? '', texts[n]?.toUpperCase() ?? ''].some((one) => !mayHave(type, one)),
    );
    expect([texts.length, missed]).toEqual([all.length, []]);
    expect(types.filter((type) => mayHave(type, 'microsoft'))).toEqual([]);
    expect(types.filter((type) => mayHave(type, '2020'))).toEqual(types.filter((type) => type !== 'bool'));
    expect([mayHave('string', 'x'), mayHave('dynamic', 'x'), mayHave('long', '\u212a')]).toEqual([true, true, true]);
  });

  it.each([
    ["search 'true'", [1, 3]],
    ["search '2020'", [1, 2]],
    ["search '2020-01-02T*'", [2]],
    ["search kind=case_sensitive 'True'", [1]],
    ["where * contains '00:05'", [2]],
    ["where * has 'zz'", [3]],
    ["where not(* has 'zz')", [1, 2]],
    ["where * startswith 'abc'", [3]],
    ["where * == 'x'", []],
  ])('is found in columns of all types: %s', async (condition, expected) => {
    const rows = `datatable(n:long, s:string, b:bool, t:datetime, d:timespan, g:guid)
      [1, '', true, datetime(2020-01-01), 1m, guid(null), 2, '2020', bool(null), datetime(2020-01-02), 5s, guid(null),
       3, 'true zz', false, datetime(2021-01-01), 1d, guid(abcdef01-0000-0000-0000-000000000000)]`;
    const [table] = await engine.run(`${rows} | ${condition} | sort by n asc | project n`);
    expect(table?.rows.flat()).toEqual(expected);
  });

  it('is in one of them, not across two', async () => {
    const rows = `datatable(n:long, s:string, d:dynamic, t:string)
      [1, 'one a.b', dynamic(null), '', 2, 'one a', dynamic(['b c']), '', 3, '', dynamic({"k":"a.b"}), 'x', 4, 'xa.b', dynamic(1), 'a.bx',
       5, 'a', dynamic(null), 'b', 6, '', dynamic(null), 'A.B', 7, '.b', dynamic(['a']), 'b']`;
    const found = async (condition: string): Promise<unknown[] | undefined> =>
      (await engine.run(`${rows} | ${condition} | sort by n asc | project n`))[0]?.rows.flat();
    expect(await found("search 'a.b'")).toEqual([1, 3, 6]);
    expect(await found("search kind=case_sensitive 'a.b'")).toEqual([1, 3]);
    expect(await found("search 'a b'")).toEqual([]);
    expect(await found("search '*a.b*'")).toEqual([1, 3, 4, 6]);
    expect(await found("search 'a*b'")).toEqual([1, 3, 6]);
    expect(await found("where * has 'a.b'")).toEqual([1, 3, 6]);
    expect(await found("where * hasprefix 'a.'")).toEqual([1, 3, 4, 6]);
    expect(await found("project n, s, t | where * has 'a\u001eb'")).toEqual([]);
  });
});

describe('has_any and has_all of many needles', () => {
  it('are what has says of each', async () => {
    const piece = fc.constantFrom(
      'a',
      'B',
      'k',
      'ab',
      'Ab1',
      ' ',
      '-',
      '_',
      '.',
      '\u0130',
      '\u00e4',
      '\u212a',
      '(',
      '*',
    );
    const word = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''));
    await fc.assert(
      fc.asyncProperty(
        fc.array(word, { minLength: 1, maxLength: 12 }),
        fc.array(word, { minLength: 8, maxLength: 14 }),
        async (texts, needles) => {
          expect(await differences(texts, needles)).toEqual([]);
        },
      ),
      fuzz(40, 10),
    );
  });

  it('look for hundreds of constants in one go', () => {
    const bound: unknown[] = [];
    const bind = (value: unknown): string => `$${bound.push(value)}`;
    const column = { k: 'column', name: 's', type: 'string' } as const;
    const needles = Array.from(
      { length: 700 },
      (_one, n) => ({ k: 'literal', type: 'string', value: `user${n}` }) as const,
    );
    const args = [column, ...needles].map((expression) => ({ expression, type: 'string' as const, sql: 's' }));
    const sql = termFunctions['has_any']?.sql(args, {} as never, { ctx: { bind }, column: () => 's' } as never);
    expect([textOf(sql ?? ''), bound.length]).toEqual(['(regexp_matches(s, $1))', 1]);
  });

  it('take lists of any length', async () => {
    const many = Array.from({ length: 3_000 }, (_one, n) => text(`user${n}`)).join(', ');
    const [table] = await engine.run(
      `datatable(s:string) ['a USER2999 b', 'user3000', 'xuser1'] | where s has_any (${many}) | project s`,
    );
    expect(table?.rows).toEqual([['a USER2999 b']]);
  });
});
