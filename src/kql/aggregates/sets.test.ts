import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

async function answer(text: string): Promise<readonly unknown[]> {
  const [result] = await engine.run(text);
  return result?.rows[0] ?? [];
}

describe('lists and sets', () => {
  // make_set() and make_list(): "The default value is 1048576 and value can't exceed 1048576."
  it('have at most 1048576 values', async () => {
    const sizes = await answer(
      'range x from 1 to 1100000 step 1 | summarize a = make_set(x), b = make_list(x), c = make_set(x, 2000000), d = make_list(x, 3), e = make_set(x, 4) | project array_length(a), array_length(b), array_length(c), array_length(d), array_length(e)',
    );
    expect(sizes.map(Number)).toEqual([1_048_576, 1_048_576, 1_048_576, 3, 4]);
  });

  it('of few values among many rows are those values', async () => {
    const [set, lengths] = await answer(
      'range x from 1 to 3000000 step 1 | extend level = case(x % 3 == 0, "info", x % 3 == 1, "warn", "error"), n = x % 2 | summarize s = make_set(level), n = make_set(n), b = make_set(pack_array(n, level)), i = make_set_if(level, n == 0 and level != "info") | project array_sort_asc(s), pack_array(array_length(n), array_length(b), array_length(i))',
    );
    expect([set, lengths]).toEqual(['["error","info","warn"]', '[2,5,2]']);
  });

  it('keep the order of rows that have one', async () => {
    const [set, list] = await answer(
      'datatable(x:long, s:string)[3,"c", 1,"a", 2,"b", 1,"a"] | sort by x asc | summarize make_set(s), make_list(x)',
    );
    expect([set, list]).toEqual(['["a","b","c"]', '[1,1,2,3]']);
  });
});

describe('pack_array(*)', () => {
  it.each([
    ['extend p = pack_array(*) | project p', '[1,2,3]'],
    ['project p = pack_array(*)', '[1,2,3]'],
    ['project b, p = pack_array(*) | project p', '[1,3]'],
    ['project b = a, p = pack_array(*) | project p', '[1,2,3]'],
    ['project b, p = pack_array(*), c, q = pack_array(*) | project q', '[1]'],
    ['project b, p = toscalar(print x = 7, y = 8 | extend p = pack_array(*) | project p) | project p', '[7,8]'],
  ])('packs all columns, of project those not listed before it: %s', async (text, packed) => {
    expect(await answer(`datatable(a:int, b:int, c:int)[1, 2, 3] | ${text}`)).toEqual([packed]);
  });
});
