import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

const rowsOf = async (query: string): Promise<unknown> => (await engine.run(query))[0]?.rows;
const keys = 'range k from 1 to 200 step 1 | extend bag = bag_pack(tostring(k), k)';
const reals = 'datatable(r:real)[1, 2, 4]';

describe('limits of lists, sets and bags', () => {
  it.each<[string, unknown]>([
    // The old names stop at 128 where no limit is given.
    [
      `${keys} | summarize a = makelist(k), b = makeset(k), c = make_dictionary(bag), d = makelist(k, 150)
       | project array_length(a), array_length(b), array_length(bag_keys(c)), array_length(d)`,
      [[128, 128, 128, 150]],
    ],
    [`${keys} | summarize a = make_list(k) | project array_length(a)`, [[200]]],
    [`${keys} | summarize a = make_bag(bag, 2), b = make_bag_if(bag, k > 198, 1)`, [['{"1":1,"2":2}', '{"199":199}']]],
    [`declare query_parameters(n:int = 2); ${keys} | summarize make_list(k, n)`, [['[1,2]']]],
    [`let n = toscalar(print 2); ${keys} | summarize make_set(k, n)`, [['[1,2]']]],
  ])('%s', async (query, expected) => {
    expect(await rowsOf(query)).toEqual(expected);
  });
});

describe('percentiles', () => {
  it.each<[string, unknown]>([
    // 99.9 % of a thousand are 999, whatever the bits of 0.999 say.
    ['range v from 1 to 1000 step 1 | summarize percentile(v, 99.9), percentilew(v, 1, 99.9)', [[999, 999]]],
    [`let p = toscalar(print 50); ${reals} | summarize percentile(r, p), percentiles(r, 0, p, 100)`, [[2, 1, 2, 4]]],
    ['datatable(r:real)[] | summarize percentiles_array(r, 5, 50), percentilesw_array(r, 1, 5)', [[null, null]]],
  ])('%s', async (query, expected) => {
    expect(await rowsOf(query)).toEqual(expected);
  });
});

describe('parameters of aggregates', () => {
  it.each([
    'percentile(r, 101)',
    'percentile(r, -1)',
    'percentile(r, real(null))',
    'percentile(r, r)',
    'percentiles(r, 50, 100.5)',
    'percentilew(r, 1, 200)',
    'percentiles_array(r, 5, 101)',
    'percentiles_array(r, dynamic([50, 101]))',
    'percentiles_array(r, dynamic([50, "half"]))',
    'percentiles_array(r, pack_array(r))',
    'dcount(r, 5)',
    'dcount(r, -1)',
    'dcount(r, r)',
    'dcountif(r, r > 1, 5)',
    'hll(tolong(r), 9)',
    'make_list(r, -1)',
    'percentile(r, 50 + 60)',
    'percentile(r, toint("110"))',
    'hll(tolong(r), 2 + 3)',
    'make_list(r, 1 - 3)',
    'make_set(r, tolong(r))',
    'make_bag(bag_pack("a", r), tolong(r))',
  ])('refuses %s', async (call) => {
    await expect(engine.run(`${reals} | summarize ${call}`)).rejects.toMatchObject({ code: 'semantic' });
  });

  it('are refused where only running tells them', async () => {
    const call = 'hll(tolong(r), toint("5"))';
    await expect(engine.run(`${reals} | summarize ${call}`)).rejects.toMatchObject({ code: 'runtime' });
  });
});
