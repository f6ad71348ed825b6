import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createKqlParser } from '../parser/parser-client.ts';
import type { KqlCatalog } from '../plan/catalog.ts';
import { parserEntry, parserSnapshots } from '../testing/parser-entry.ts';
import type { Translation } from './translate.ts';
import { functionFacts, language } from '../language.ts';
import { translate } from './translate.ts';

const columns = [
  { name: 'a', type: 'long' },
  { name: 'A', type: 'string' },
  { name: 'it\'s "q"', type: 'string' },
  { name: 't', type: 'datetime' },
  { name: 'd', type: 'dynamic' },
] as const;
const catalog: KqlCatalog = {
  version: '1',
  cluster: 'c',
  databases: [{ name: 'db', tables: [{ name: 'T', columns }], functions: [] }],
};

let parser: ReturnType<typeof createKqlParser>;
beforeAll(() => {
  parser = createKqlParser({
    entry: parserEntry,
    snapshots: parserSnapshots,
    limits: { textMax: 100_000, parseMsMax: 60_000 },
    functions: functionFacts,
    after: () => () => undefined,
  });
});
afterAll(() => parser.stop());

async function translated(query: string, wrapping = false): Promise<Translation> {
  const program = await parser.compile(query, 'db', catalog);
  const [result] = program.results;
  if (!result) throw new Error('a query has a result');
  return translate(result.plan, {
    facts: { now: 637134336000000000n, database: 'db', cluster: 'c', parameters: new Map() },
    language,
    lets: program.lets,
    wrapping,
    table: (_database, _table, cols) => ({
      sql: 'source',
      columns: new Map(cols.map((column, index) => [column.name, `x${index}`])),
    }),
  });
}

describe('generated SQL', () => {
  it.each([
    [
      'where, straight at the source so that statistics prune',
      'T | where a == 5 and t > datetime(2020-01-01)',
      /FROM source WHERE \(\(\(x0 = \(5\)::BIGINT\)\) AND \(\(x3 > \(637134336000000000\)::BIGINT\)\)\)/,
    ],
    [
      'two filters in one WHERE',
      'T | where a > 1 | where a < 9',
      /FROM source WHERE \(\(x0 > \(1\)::BIGINT\)\) AND \(\(x0 < \(9\)::BIGINT\)\)/,
    ],
    ['negation with null rules', 'T | where not(a == 5)', /NOT coalesce\(x0 = \(5\)::BIGINT, false\)/],
    [
      'a term with a cheap test in front of the expression',
      'T | where A has "x"',
      /contains\(lower\(x1\), lower\(\$v\d+::VARCHAR\)\) (AND|THEN) regexp_matches\(x1, \$v\d+::VARCHAR\)/,
    ],
    ['top as ORDER BY and LIMIT', 'T | top 3 by a', /ORDER BY c\d+ DESC NULLS LAST LIMIT \(3\)::BIGINT/],
    [
      'keys of joins that match null',
      'T | join kind=inner (T | project a) on a',
      /INNER JOIN \(.*\) AS r ON l\.c\d+ IS NOT DISTINCT FROM r\.c\d+/,
    ],
    [
      'the default join keeping one row of a key',
      'T | join (T | project a) on a',
      /row_number\(\) OVER \(PARTITION BY c\d+\)/,
    ],
    ['anti joins', 'T | join kind=leftanti (T) on a', / AS l ANTI JOIN \(.*\) AS r ON /],
    [
      'sums that wrap',
      'T | summarize sum(a) by A',
      /coalesce\(kql_wrap\(sum\(c\d+\)\), 0\) AS c\d+ FROM .* GROUP BY c\d+/,
    ],
    [
      'arg_max alone as a choice of rows',
      'T | summarize arg_max(t, *) by A',
      /QUALIFY row_number\(\) OVER \(PARTITION BY c\d+ ORDER BY c\d+ DESC NULLS LAST\) = 1/,
    ],
    [
      'groups alone where nothing is asked of the rows chosen from them',
      'T | summarize arg_max(t, *) by A | count',
      /FROM \(SELECT c\d+ FROM \(SELECT .* FROM source\)+ GROUP BY c\d+\)+$/,
    ],
    [
      'mv-expand without numbers of rows where no order is asked for',
      'T | extend x = a | mv-expand d | where a > 1 | summarize count(), max(a) + 1 by tostring(d)',
      /^(?!.*row_number)/,
    ],
    ['mv-expand in order', 'T | mv-expand d | summarize make_list(d) by A', /row_number\(\) OVER \(\)/],
    [
      'mv-expand as it comes where nothing else has an order',
      'T | where a > 1 | mv-expand d | project d',
      /^(?!.*ORDER BY)/,
    ],
    [
      'mv-expand of rows in order',
      'T | sort by a asc | mv-expand d',
      / ORDER BY c\d+ ASC NULLS LAST, c\d+ ASC NULLS LAST$/,
    ],
    [
      'mv-expand put in order before a join',
      'T | where a in ((T | project a)) | mv-expand d',
      / ORDER BY c\d+ [^()]*$/,
    ],
    ['mv-expand put in order after one', 'T | mv-expand d | extend b = toscalar(T | count)', / ORDER BY c\d+ [^()]*$/],
    [
      'mv-expand put in order for what looks at neighbours',
      'range a from 1 to 5 step 1 | mv-expand d = range(1, a) | extend p = prev(a)',
      / ORDER BY c\d+ [^()]*$/,
    ],
    [
      'percentiles of one value as one aggregate',
      'T | summarize percentiles(a, 5, 50) by A',
      /list_extract\((quantile_disc\(c\d+, \[.*0\.01\)\]\)), 1\) AS c\d+, list_extract\(\1, 2\)/,
    ],
    [
      'bins of datetimes by plain integers',
      'T | summarize count() by bin(t, 1h)',
      /\(c\d+ \/\/ \(36000000000\)::BIGINT \* \(36000000000\)::BIGINT\)/,
    ],
    [
      'make-series over rows that are read once, within ends that stand there',
      'T | make-series count() on t from datetime(2020-01-01) to datetime(2020-01-02) step 1h by A',
      /^(?!.*FROM source.*FROM source).*FROM source.* WHERE (c\d+) >= \(637134336000000000\)::BIGINT AND \1 < \(637135200000000000\)/,
    ],
    [
      'a let that is named twice as one CTE',
      'let x = T | where a > 1; x | union x',
      /^WITH l0 AS \(.*\) SELECT .*FROM l0.*FROM l0/,
    ],
    ['materialize as such', 'let x = materialize(T | take 5); x | join kind=inner x on a', /^WITH l0 AS MATERIALIZED/],
    ['mv-apply as a lateral subquery', 'T | mv-apply e = d to typeof(long) on (summarize sum(e))', /LATERAL \(/],
    [
      'window functions over an explicit row number',
      'T | sort by a asc | extend p = prev(a)',
      /lag\(c\d+, 1, NULL\) OVER \(ORDER BY c\d+ ASC/,
    ],
  ])('is %s', async (_what, query, pattern) => {
    expect((await translated(query)).sql).toMatch(pattern);
  });

  it('holds no name and no text of the user, whose texts are bound', async () => {
    const { sql, bound } = await translated(
      `T | where ["it's \\"q\\""] == "hostile'; --" and A startswith "zz" | project-rename ["x; drop"] = a`,
    );
    expect(sql).not.toMatch(/it's|hostile|drop|zz/);
    expect(bound.map(({ value }) => value)).toEqual(["hostile'; --", 'zz']);
  });

  it('has a row that a group chooses once, however many columns are taken from it', async () => {
    const { sql } = await translated('T | summarize arg_max(t, *), take_any(*), count() by a');
    expect(sql.match(/struct_extract/g)).toHaveLength(4 + 4);
    expect(sql.match(/struct_pack/g)).toHaveLength(2 + 1);
  });

  it('takes no row where every column is one to group by', async () => {
    const { sql } = await translated('T | project a | summarize take_any(*) by a');
    expect(sql).not.toContain('struct_pack');
  });

  it('tells columns apart that differ in case only', async () => {
    expect((await translated('T | where a == 1 and A == "1"')).sql).toContain(
      '((x0 = (1)::BIGINT)) AND ((x1 = $v1::VARCHAR))',
    );
  });

  it('binds the values that it names, each with its type', async () => {
    const { sql, bound } = await translated('T | where A has "x" or A in ("p", "q") | extend k = d.key');
    const named = [...sql.matchAll(/\$(v\d+)(::\w+)?/g)];
    expect(named.length).toBeGreaterThan(3);
    expect(bound.map(({ name }) => name)).toEqual(expect.arrayContaining(named.map((match) => match[1])));
    expect(named.filter((match) => match[2] === undefined)).toEqual([]);
  });

  it('wraps integers when it is told to', async () => {
    expect((await translated('T | project a + 1', true)).sql).toContain(
      'kql_wrap((c1)::HUGEINT + ((1)::BIGINT)::HUGEINT)',
    );
  });
});
