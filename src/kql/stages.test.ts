import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineSources } from './query-request.ts';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry } from './testing/parser-entry.ts';

const functions = [
  ['Some', '()', '{ range x from 1 to 1000 step 1 | extend d = bag_pack(strcat("k", x), x) | sample 3 }'],
  ['Unpacked', '()', '{ Some() | evaluate bag_unpack(d) }'],
] as const;
const catalog = {
  version: '1',
  cluster: 'local',
  databases: [
    {
      name: 'db',
      tables: [
        {
          name: 'Growing',
          columns: [
            { name: 'n', type: 'long' as const },
            { name: 'd', type: 'dynamic' as const },
          ],
        },
      ],
      functions: functions.map(([name, parameters, body]) => ({ name, parameters, body })),
    },
  ],
};
/** Each time that the table is opened it has one more row, of a key of its own. */
let opened = 0;
const sources: EngineSources = {
  open: () => {
    opened += 1;
    const rows = Array.from({ length: opened }, (_row, index) => `(${index + 1}, '{"k${index + 1}":${index + 1}}')`);
    return Promise.resolve({
      sql: `(VALUES ${rows.join(', ')}) AS t(n, d)`,
      columns: new Map([
        ['n', 'n'],
        ['d', 'd'],
      ]),
      release: () => undefined,
    });
  },
};
let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry, { catalog, sources });
});
afterAll(() => engine.close());

type Row = Readonly<Record<string, unknown>>;
async function rowsOf(query: string): Promise<Row[]> {
  const [table] = await engine.run(query);
  const names = table?.columns.map(({ name }) => name) ?? [];
  return (table?.rows ?? []).map((row) => Object.fromEntries(row.map((value, at) => [names[at] ?? '', value])));
}

const sampled = 'range x from 1 to 1000 step 1 | extend d = bag_pack(strcat("k", x), x) | sample 3';
/** Each row has the value of its own key, and of no other. */
function expectOwnValues(rows: readonly Row[], count: number): void {
  expect(rows).toHaveLength(count);
  for (const row of rows) {
    const values = Object.entries(row).filter(([name, value]) => /^k\d/.test(name) && value !== null);
    expect(values).toEqual([[`k${String(row['x'])}`, row['x']]]);
  }
}

describe('rows that tell the columns of an operator', () => {
  it.each<[what: string, query: string, count: number]>([
    ['at the end of a pipe', `${sampled} | evaluate bag_unpack(d)`, 3],
    ['in the middle of one', `${sampled} | evaluate bag_unpack(d) | where x > 0 | extend y = x`, 3],
    ['under a name', `let U = ${sampled} | evaluate bag_unpack(d); U | where x > 0`, 3],
    ['under a name that is materialized', `let U = materialize(${sampled} | evaluate bag_unpack(d)); U`, 3],
    ['of two legs of a union', `union (${sampled} | evaluate bag_unpack(d)), (${sampled} | evaluate bag_unpack(d))`, 6],
    [
      'of two operators after one another',
      `${sampled} | extend e = bag_pack("y", x) | evaluate bag_unpack(d) | evaluate bag_unpack(e) | where y == x`,
      3,
    ],
    ['in a stored function', 'Unpacked()', 3],
    ['in a function', `let U = () { Some() | evaluate bag_unpack(d) }; U() | where x > 0`, 3],
    ['in an argument', `let U = (T:(x:long)) { T | where x > 0 }; U((Some() | evaluate bag_unpack(d)))`, 3],
    [
      'in a function that is called twice',
      `let F = (T:(x:long, d:dynamic)) { T | evaluate bag_unpack(d) }; let S = materialize(Some());
       union (S | invoke F()), (S | invoke F())`,
      6,
    ],
    [
      'in subqueries for each value',
      `range x from 1 to 40 step 1 | extend d = bag_pack(strcat("k", x), x), part = tostring(x % 4) | sample 8
       | partition by part (sample 1 | evaluate bag_unpack(d)) | where x > 0
       | project x, d = bag_pack(strcat("k", x), x) | sample 1 | evaluate bag_unpack(d)`,
      1,
    ],
    [
      'where the query is refused without them',
      `${sampled} | partition by x (evaluate bag_unpack(d)) | where x > 0`,
      3,
    ],
    [
      'under a name that is materialized, for another operator',
      `let S = materialize(${sampled}); S | evaluate bag_unpack(d) | join kind=inner (S | project x) on x | project-away x1`,
      3,
    ],
    [
      'with what else an operator reads',
      `let S = materialize(${sampled}); S | evaluate bag_unpack(d) | where x in (S | project x)`,
      3,
    ],
  ])('are the rows it gives: %s', async (_what, query, count) => {
    expectOwnValues(await rowsOf(query), count);
  });

  it('are the rows it gives: in subqueries of more rows than one', async () => {
    const rows = await rowsOf(
      `range x from 1 to 1000 step 1 | extend d = bag_pack(strcat("k", x), x), part = x % 2 | sample 6
       | partition by part (evaluate bag_unpack(d))`,
    );
    expectOwnValues(rows, 6);
  });

  it('are the rows it gives: in mv-apply', async () => {
    const rows = await rowsOf(
      `range x from 1 to 1000 step 1 | sample 3 | extend e = pack_array(bag_pack(strcat("k", x), x))
       | mv-apply d = e on (evaluate bag_unpack(d))`,
    );
    expectOwnValues(rows, 3);
  });

  it('are the rows it gives: as columns of a pivot', async () => {
    const [row, ...others] = await rowsOf(
      'range x from 1 to 1000 step 1 | sample 3 | extend key = strcat("k", x) | evaluate pivot(key, max(x), x)',
    );
    expectOwnValues([row ?? {}, ...others], 3);
  });

  it('are the rows it gives: random values of every kind', async () => {
    const rows = await rowsOf(
      `range n from 1 to 3 step 1 | extend x = tostring(new_guid()), r = rand()
       | extend d = bag_pack(x, r) | evaluate bag_unpack(d)`,
    );
    expect(rows).toHaveLength(3);
    for (const { x, r, ...row } of rows) expect(row[String(x)]).toBe(r);
  });

  it('are computed once for all that reads them', async () => {
    expect(
      await rowsOf(
        `let r = toscalar(rand()); print d = bag_pack("k", r) | evaluate bag_unpack(d) | extend same = k == r | project same`,
      ),
    ).toEqual([{ same: true }]);
  });

  it('tell a schema that is the one of the rows', async () => {
    const rows = await rowsOf(`let U = ${sampled} | evaluate bag_unpack(d); U | getschema | project ColumnName`);
    expect(rows).toHaveLength(4);
  });

  it('are those of one moment, in all of the query', async () => {
    opened = 0;
    const query = 'Growing | evaluate bag_unpack(d) | join kind=fullouter (Growing) on n | summarize count(), max(n1)';
    expect(await rowsOf(query)).toEqual([{ count_: 1, max_n1: 1 }]);
    expect(opened).toBe(1);
    const refusedFirst = 'Growing | partition by n (evaluate bag_unpack(d)) | where k2 > 0 | summarize count(), max(n)';
    expect(await rowsOf(refusedFirst)).toEqual([{ count_: 1, max_n: 2 }]);
    expect(opened).toBe(2);
  });

  it('are refused where the calls of a function differ in their columns', async () => {
    const query = `let F = (k:string) { print d = bag_pack(k, 1) | evaluate bag_unpack(d) }; union F("a"), F("b")`;
    await expect(engine.run(query)).rejects.toMatchObject({ code: 'notSupported' });
  });
});
