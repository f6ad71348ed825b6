import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());
const rowsOf = async (query: string): Promise<unknown> => (await engine.run(query))[0]?.rows;

describe('scan', () => {
  const letters = `datatable(t:long, s:string)[3,'A', 1,'a', 2,'b']`;
  it('sorts when it has an order of its own, and partitions by an expression', async () => {
    expect(
      await rowsOf(
        `${letters} | scan order by t asc partition by tolower(s) declare (n:long = 0) with (step x: true => n = x.n + t;)`,
      ),
    ).toEqual([
      [1, 'a', 1],
      [3, 'A', 4],
      [2, 'b', 2],
    ]);
  });

  // As in the documentation: fill forward by the order of the records.
  it('order by gives what sorting before gives', async () => {
    const events = `datatable(Ts:timespan, Event:string)[2m,'B', 0m,'A', 3m,'', 1m,'', 6m,'C', 4m,'']`;
    const fill = `declare (filled:string = '') with (step s1: true => filled = iff(isempty(Event), s1.filled, Event);)`;
    const expected = ['A', 'A', 'B', 'B', 'B', 'C'];
    for (const query of [`sort by Ts asc | scan ${fill}`, `scan order by Ts asc ${fill}`])
      expect(await rowsOf(`${events} | ${query} | project filled`)).toEqual(expected.map((value) => [value]));
  });

  it.each<[string, readonly (readonly unknown[])[]]>([
    [
      "scan declare (n:string) with (step x: startofday(datetime(2026-01-01) + t * 1d) > datetime(2026-01-02) => n = tostring(split(strcat(s, ',z'), ',')[1]);)",
      [
        [3, 'A', 'z'],
        [2, 'b', 'z'],
      ],
    ],
    [
      'scan declare (n:long = 0) with (step x: t >= toscalar(print 2) => n = x.n + tolong(strcat(1, t));)',
      [
        [3, 'A', 13],
        [2, 'b', 25],
      ],
    ],
    [
      'scan with (step x: t in (limits);)',
      [
        [3, 'A'],
        [2, 'b'],
      ],
    ],
    ['scan with (step x: t == p;)', [[1, 'a']]],
  ])('takes any function of the row: %s', async (operator, expected) => {
    const query = `declare query_parameters(p:long = 1); let limits = datatable(v:long)[2, 3]; ${letters} | ${operator}`;
    expect(await rowsOf(query)).toEqual(expected);
  });

  // As the service does.
  it('refuses functions of neighbouring rows', async () => {
    await expect(engine.run(`${letters} | sort by t asc | scan with (step x: s != prev(s);)`)).rejects.toMatchObject({
      message: expect.stringContaining("'prev'") as string,
    });
  });

  it.each([
    ['scan kind=partial with (step x: true;)', "option 'kind'"],
    ['scan with (step x optional: true;)', 'optional'],
  ])('refuses %s by name', async (operator, message) => {
    await expect(engine.run(`${letters} | ${operator}`)).rejects.toMatchObject({
      code: 'notSupported',
      message: expect.stringContaining(message) as string,
    });
  });
});

describe('operators that walk rows inside mv-apply', () => {
  const lists = `datatable(t:long, d:dynamic)[3, dynamic([1,2,3]), 1, dynamic([5]), 2, dynamic([])]`;
  it.each<[string, readonly (readonly unknown[])[]]>([
    [
      'mv-apply e = d to typeof(long) on (scan declare (n:long = 0) with (step x: true => n = x.n + e;)) | project t, e, n',
      [
        [3, 1, 1],
        [3, 2, 3],
        [3, 3, 6],
        [1, 5, 5],
      ],
    ],
    [
      'mv-apply with_itemindex=i e = d to typeof(long) on (where i > 0 | evaluate rows_near(e == 2, 1) | summarize s = sum(e)) | project t, s',
      [
        [3, 5],
        [1, 0],
        [2, 0],
      ],
    ],
    [
      'mv-apply e = d to typeof(long) limit 2 on (partition by e (scan with (step x: true;))) | project t, e',
      [
        [3, 1],
        [3, 2],
        [1, 5],
      ],
    ],
  ])('%s', async (query, expected) => {
    expect(await rowsOf(`${lists} | ${query}`)).toEqual(expected);
  });
});

it('a partition of no rows that walks rows gives none', async () => {
  expect(await rowsOf('range x from 1 to 3 step 1 | where x > 3 | partition by x (scan with (step s: true;))')).toEqual(
    [],
  );
});

describe('a number of rows', () => {
  it.each<[string, number]>([
    ['let f = (x:long) { range x from 1 to 5 step 1 | take x }; f(3)', 3],
    ['let x = 2; range x from 1 to 5 step 1 | top x by x', 2],
    ['let x = 2; range x from 1 to 5 step 1 | sample-distinct x + 1 of x', 3],
    ['let x = 2; range x from 1 to 5 step 1 | top-nested x of x by max(x)', 2],
  ])('is no column: %s', async (query, count) => {
    expect((await engine.run(query))[0]?.rows).toHaveLength(count);
  });
  it('cannot be a column', async () => {
    await expect(engine.run('range x from 1 to 5 step 1 | take x')).rejects.toMatchObject({ code: 'semantic' });
  });
});

it('a union keeps numbers whose type the binder has otherwise', async () => {
  expect(
    await rowsOf(`let T = print t = datetime(2026-01-02 03:04); union (T | extend h = hourofday(t)), (T | extend h = hourofday(t))
      | project h | sort by h asc`),
  ).toEqual([[3], [3]]);
  expect(await rowsOf('let S = print a = 1, b = 2 | getschema; union S, S | summarize sum(ColumnOrdinal)')).toEqual([
    [2],
  ]);
});

describe('tables inside of subqueries that are named again', () => {
  const parts = `datatable(k:string, v:long)['p', 1, 'q', 2, 'q', 7]`;
  it.each<[string, unknown]>([
    [
      `let most = (T:(w:long)) { T | extend m = toscalar(T | summarize max(w)) };
       ${parts} | partition by k (project k, w = v * 2 | invoke most()) | sort by w asc`,
      [
        ['p', 2, 2],
        ['q', 4, 14],
        ['q', 14, 14],
      ],
    ],
    [
      `${parts} | partition by k (extend w = v + 1 | as Q | union (Q) | summarize sum(w)) | sort by sum_w asc`,
      [[4], [22]],
    ],
    [
      `${parts} | summarize v = make_list(v) by k | mv-apply v to typeof(long) on (extend w = v + 1 | as Q | join kind=inner Q on w | summarize sum(w))
       | sort by k asc`,
      [
        ['p', 2],
        ['q', 11],
      ],
    ],
  ])('%s', async (query, expected) => {
    expect(await rowsOf(query)).toEqual(expected);
  });
});
