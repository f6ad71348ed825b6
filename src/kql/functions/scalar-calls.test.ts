import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

it('a scalar of a table cannot depend on the row of a function argument', async () => {
  const tables = 'let T = datatable(x:long)[1, 2]; let U = datatable(x:long, y:long)[1, 10, 2, 20];';
  const body = 'let f = (k:long) { toscalar(U | where x == k | project y) };';
  await expect(engine.run(`${tables} ${body} T | extend y = f(x)`)).rejects.toThrow('row-context scope');
  const [table] = await engine.run(`${tables} ${body} T | extend y = f(2)`);
  expect(table?.rows).toEqual([
    [1, 20],
    [2, 20],
  ]);
  const let_ = 'let f = (k:long) { let V = U | where x == k | project y; toscalar(V) };';
  await expect(engine.run(`${tables} ${let_} T | extend y = f(x)`)).rejects.toThrow('row-context scope');
});

it('fits a polynomial of a degree', async () => {
  const [table] = await engine.run(
    'print y = dynamic([1, 4, 9, 16, 25]), x = dynamic([1, 2, 3, 4, 5]) | extend series_fit_poly(y, x, 2) | project series_fit_poly_y_rsquare',
  );
  expect(table?.rows).toEqual([[1]]);
  await expect(engine.run("print y = dynamic([1]) | extend series_fit_poly(y, y, 'a')")).rejects.toThrow();
});

it('parses with flags', async () => {
  const [table] = await engine.run(
    'print x = "A\\nRES=p,T=27" | parse kind=regex flags=si x with * "res=" r:string ",(.*?)t=" t:long | project r, t',
  );
  expect(table?.rows).toEqual([['p', 27]]);
});

it('a Jaccard index is a real', async () => {
  const [table] = await engine.run('print i = 1 - jaccard_index(dynamic([1, 2, 3]), dynamic([1, 2, 3, 4]))');
  expect(table).toMatchObject({ columns: [{ name: 'i', type: 'real' }], rows: [[0.25]] });
});

it('adds no two datetimes', async () => {
  await expect(engine.run('print datetime(2020-01-01) + datetime(2020-01-02)')).rejects.toThrow(
    'cannot be carried-out between DateTime and DateTime',
  );
});

it('in project and summarize a call gives the columns beyond its names their values', async () => {
  const [table] = await engine.run('print x = dynamic([1, 2, 6]) | project (low, at) = series_stats(x), n = 1');
  expect(table?.columns.map((column) => column.name)).toEqual([
    'low',
    'at',
    ...['max', 'max_idx', 'avg', 'stdev', 'variance'].map((name) => `series_stats_x_${name}`),
    'n',
  ]);
  expect(table?.rows).toEqual([[1, 0, 6, 2, 3, Math.sqrt(7), 7, 1]]);
  const [again] = await engine.run(
    'print x = dynamic([1, 2, 6]) | extend (low) = series_stats(x) | project low, series_stats(x)',
  );
  expect(again?.columns).toHaveLength(8);
  const [beside] = await engine.run(
    'print x = dynamic([1, 2, 6]) | extend (low) = series_stats(x), series_stats(x) | serialize (a, b) = series_stats(x)',
  );
  expect(beside?.columns.map((column) => column.name)).toEqual([
    'x',
    'low',
    ...['min', 'min_idx', 'max', 'max_idx', 'avg', 'stdev', 'variance'].map((name) => `series_stats_x_${name}`),
    'a',
    'b',
  ]);
  const [shares] = await engine.run('range x from 1 to 10 step 1 | summarize (a, b) = percentiles(x, 10, 50, 90)');
  expect(shares?.rows).toEqual([[1, 5, 9]]);
});

it('what top-hitters gives is sorted, and so its rows have numbers', async () => {
  const [table] = await engine.run(
    'datatable(x:string)["b", "a", "b"] | top-hitters 2 of x | extend n = row_number(), p = prev(x)',
  );
  expect(table?.rows).toEqual([
    ['b', 2, 1, ''],
    ['a', 1, 2, 'b'],
  ]);
});

it('percentiles of a tdigest come in the type that is asked for', async () => {
  const digest = 'range x from 1 to 10 step 1 | summarize t = tdigest(x) | project';
  const [table] = await engine.run(
    `${digest} a = percentiles_array_tdigest(t, range(0, 100, 50), typeof(int)), b = percentiles_array_tdigest(t, 10, 20, typeof(real)), c = percentiles_array_tdigest(t, 50, typeof(long))`,
  );
  expect(table?.rows).toEqual([['[1,5,10]', '[1.0,2.0]', '5']]);
  await expect(engine.run(`${digest} percentiles_array_tdigest(t, 10, 'long')`)).rejects.toThrow();
  await expect(engine.run(`${digest} percentiles_array_tdigest(t, typeof(long), 10)`)).rejects.toThrow();
});

it('make-series takes one number or time for each bin', async () => {
  const series = 'datatable(t:long, v:long, s:string)[0, 1, "a"] | make-series';
  for (const aggregate of ['make_list(v)', 'max(s)', 'arg_max(v, t)', 'sum(v) default = "none"'])
    await expect(engine.run(`${series} ${aggregate} on t from 0 to 2 step 1`), aggregate).rejects.toThrow(
      'make-series',
    );
  const [table] = await engine.run(`${series} d = max(v * 1h) default = timespan(null) on t from 0 to 2 step 1`);
  expect(table?.rows).toEqual([['["01:00:00",null]', '[0,1]']]);
  await expect(engine.run(`${series} count() on t from 0 to 1048577 step 1`)).rejects.toThrow('at most 1048576');
});

it('finds a table by its name that is declared before the function, and refuses one that comes later', async () => {
  const [table, find] = ['let t = datatable(x:long)[1, 2];', 'let f = (n:string) { table(n) | where x > 1 };'];
  expect((await engine.run(`${table} ${find} f('t')`))[0]?.rows).toEqual([[2]]);
  const byName = 'let f = (n:string, c:string) { table(n) | where column_ifexists(c, 0) > 1 };';
  expect((await engine.run(`${table} ${byName} f('t', 'x')`))[0]?.rows).toEqual([[2]]);
  await expect(engine.run(`${byName} ${table} f('t', 'x')`)).rejects.toThrow('must be declared before');
});
