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
