import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LocalEngine } from './testing/local-engine.ts';
import { openLocalEngine } from './testing/local-engine.ts';
import { buildParserEntry } from './testing/parser-entry.ts';

let engine: LocalEngine;
beforeAll(async () => {
  engine = await openLocalEngine(await buildParserEntry());
});
afterAll(() => engine.close());

const rows = async (query: string): Promise<readonly (readonly unknown[])[]> =>
  (await engine.run(query))[0]?.rows ?? [];

describe('take_any', () => {
  const source = `datatable(k:string, a:long, s:string, y:dynamic)["x", 1, "", dynamic(null), "x", long(null), "t", dynamic([1])]`;
  it('takes several values from one row', async () => {
    expect(await rows(`${source} | summarize take_any(*) by k`)).toEqual([['x', 1, '', null]]);
    expect(await rows(`${source} | summarize take_any(a, s)`)).toEqual([[1, '']]);
    expect(await rows(`${source} | summarize take_anyif(a, s == "t"), take_any(y)`)).toEqual([[null, '[1]']]);
    expect(await rows(`${source} | where a > 7 | summarize take_any(a, s)`)).toEqual([[null, '']]);
  });
  it('takes one value from a row that has one', async () => {
    expect(await rows(`${source} | summarize take_any(s), take_any(y)`)).toEqual([['t', '[1]']]);
  });
});

describe('extract_json', () => {
  it('finds no property in an array', async () => {
    expect(await rows(`print extract_json("$.a", "[1,2]"), extract_json("$[1]", "[1,2]")`)).toEqual([['', '2']]);
    expect(await rows(`print bag_has_key(dynamic({"b":[1,2]}), "$.b.a")`)).toEqual([[false]]);
  });
});

describe('a table inside an expression', () => {
  const tables =
    'let T = datatable(s:string)["A", "b"]; let U = datatable(s:string)["A"]; let f = () { union T, U | count };';
  it('has rows of its own, whatever operator it begins with', async () => {
    const count = async (query: string): Promise<unknown> => (await rows(`${tables} ${query}`))[0]?.at(-1);
    expect(await count('T | extend q = toscalar(union T, U | count)')).toBe(3);
    expect(await count('T | extend q = toscalar(f())')).toBe(3);
    expect(await count('T | extend q = toscalar(search in (T, U) "*" | count)')).toBe(3);
    expect(await count('T | extend q = toscalar(find in (T, U) where s == "A" | count)')).toBe(2);
    expect(await count('T | where s in ((union U, U)) | count')).toBe(1);
    expect(await count('T | extend x = dynamic([1]) | mv-apply x on (extend q = toscalar(union T, U | count))')).toBe(
      3,
    );
    expect(await count('T | fork (extend q = toscalar(union T, U | count))')).toBe(3);
    expect(await count('T | partition by s (union U | count)')).toBe(2);
  });
  it('in a function does not see what the function is called on', async () => {
    const given = 'let g = (X:(s:string)) { union X, U | count };';
    expect(await rows(`${tables} ${given} T | invoke g()`)).toEqual([[3]]);
    expect(await rows(`${tables} ${given} T | extend q = toscalar(g((union T, U)))`)).toEqual([
      ['A', 4],
      ['b', 4],
    ]);
    expect(
      await rows(`${tables} let h = () { let V = union T, U; toscalar(V | count) }; T | take 1 | project q = h()`),
    ).toEqual([[3]]);
  });
});
