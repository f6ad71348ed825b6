import { afterAll, beforeAll, expect, it } from 'vitest';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry } from './testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

const graph = "datatable(a:string, b:string)['x', 'y'] | make-graph a --> b with_node_id=n";

/** Names and types that the engine has otherwise than the binder, with operators after them. */
it.each([
  [
    'datatable(x:real, y:real)[1, 14, 2, 10] | summarize covariance(x, y), covariancep(x, y), covariance(x, y) | where 1 == 1',
    ['covariance_x_y', 'covariancep_x_y', 'covariance_x_y1'],
    [[-2, -1, -2]],
  ],
  [
    `${graph} | graph-match (s)-[e*1..2]->(t) project p = strcat_array(map(e, a), '->'), l = array_length(map(e, a)) | summarize sum(l) by p`,
    ['p', 'sum_l'],
    [['x', 1]],
  ],
  [`${graph} | graph-match (s)-[e*1..2]->(t) project p = e.a | where array_length(p) == 1`, ['p'], [['["x"]']]],
  ['union (print x=1 | project x + 1), (print x=2 | project x + 1) | project Column1', ['Column1'], [[2], [3]]],
  ['print x=1 | extend x + 1 | extend x + 2, x + 3', ['x', 'Column1', 'Column2', 'Column3'], [[1, 2, 3, 4]]],
  [
    'print x=1 | project x + 1, toscalar(print y=1 | project y + 1), x + 3',
    ['Column1', 'Column2', 'Column3'],
    [[2, 2, 4]],
  ],
  [
    'union (print x=1), (print x=2), (print x="c") | where isnotempty(x_string) or x_long > 0',
    ['x_long', 'x_string'],
    [
      [1, ''],
      [2, ''],
      [null, 'c'],
    ],
  ],
  [
    'union (print x=1), (print x=1), (print x="c"), (print x=2.5), (print x=1), (print x="d") | summarize sum(x_long), max(x_string), sum(x_real)',
    ['sum_x_long', 'max_x_string', 'sum_x_real'],
    [[3, 'd', 2.5]],
  ],
])('%s', async (query, names, rows) => {
  const [table] = await engine.run(query);
  expect([table?.columns.map(({ name }) => name), table?.rows]).toEqual([names, rows]);
});
