import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { readResult } from './command-pipe.ts';
import { queryRequest } from './query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  for (const text of [
    '.create table T (owner:string, n:long)',
    '.ingest inline into table T <| ann,1\nbob,3',
    '.create function with (view=true, docstring="of bob") Bobs() { T | where owner == "bob" | extend seen = "view" }',
    '.create function with (view=true) All() { union * | count }',
    '.create function with (view=true) With(x:long) { T }',
    '.create function with (view=true) Number() { 5 }',
    '.create function NoView() { T | extend not_shown = 1 }',
  ])
    await cluster.run(text);
});
afterAll(() => cluster.close());

const ask = async (text: string): Promise<readonly (readonly unknown[])[]> =>
  (await readResult(await cluster.engine.execute(queryRequest(cluster.context, text)))).rows;

/** @see Kusto "Views", ".create function" */
describe('a function that is a view', () => {
  it.each([
    [
      'union withsource=source * | summarize count() by source | order by source asc',
      [
        ['All', 1n],
        ['Bobs', 1n],
        ['T', 2n],
      ],
    ],
    [
      'union withsource=source B*, T | summarize count() by source | order by source asc',
      [
        ['Bobs', 1n],
        ['T', 2n],
      ],
    ],
    ['union Bob* | project owner, n, seen', [['bob', 3n, 'view']]],
    [
      'search "bob" | summarize count() by $table | order by $table asc',
      [
        ['Bobs', 1n],
        ['T', 1n],
      ],
    ],
    ['search in (B*) "view" | project n', [[3n]]],
    [
      'find where n == 3 project n | order by source_ asc',
      [
        ['Bobs', 3n],
        ['T', 3n],
      ],
    ],
    ['Bobs | project n', [[3n]]],
    ['Bobs() | project n', [[3n]]],
    ['table("Bobs") | project n', [[3n]]],
    ['database("db").Bobs | project n', [[3n]]],
    ['database("db").Bobs() | project n', [[3n]]],
    ['let Bobs = T; Bobs | count', [[2n]]],
  ])('%s', async (query, rows) => {
    expect(await ask(query)).toEqual(rows);
  });

  it('follows its tables, and is none any more when it says so', async () => {
    await cluster.run('.alter-merge table T (more:long)');
    expect(await ask('union B* | getschema | project ColumnName')).toEqual([['owner'], ['n'], ['more'], ['seen']]);
    await cluster.run('.alter function Bobs docstring "still"');
    expect(await ask('union withsource=source * | where source == "Bobs" | count')).toEqual([[1n]]);
    await cluster.run('.create-or-alter function with (view=false) Bobs() { T }');
    expect(await ask('union withsource=source * | where source == "Bobs" | count')).toEqual([[0n]]);
    await cluster
      .run('.create-or-alter function with (view=true) Bobs() { T | where Nowhere == 1 }')
      .catch(() => undefined);
    expect(await ask('T | count')).toEqual([[2n]]);
  });

  it('is written into a script, and shows no more than row level security lets it', async () => {
    await cluster.run('.create-or-alter function with (view=true) Bobs() { T | where owner == "bob" }');
    const script = await cluster.run('.show database db schema as csl script');
    expect(JSON.stringify(script)).toContain('view=true');
    await cluster.run('.alter table T policy row_level_security enable "T | where owner == \'ann\'"');
    expect(await ask('union withsource=source * | where source == "Bobs" | count')).toEqual([[0n]]);
    expect(await ask('union withsource=source * | where source == "T" | count')).toEqual([[1n]]);
  });
});
