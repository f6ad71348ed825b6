import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { runNative } from './duckdb/run-native.ts';
import type { LocalEngine } from './testing/local-engine.ts';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry } from './testing/parser-entry.ts';

let engine: LocalEngine;
/** Of functions in JavaScript, by their names. */
const calls = new Map<string, number>();
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry, {
    callNatives: (fn, ...rest) => {
      calls.set(fn.name, (calls.get(fn.name) ?? 0) + 1);
      runNative(fn, ...rest);
    },
  });
});
beforeEach(() => {
  calls.clear();
});
afterAll(() => {
  engine.close();
});

it.each([
  'print series_fft(range(1, 100, 1))',
  'print a = series_fft(range(1, 100, 1))',
  'print (a, b, c) = series_stats(range(1, 100, 1))',
  'range i from 1 to 3 step 1 | extend series_fft(range(1, 100, 1))',
  'range i from 1 to 3 step 1 | extend f = series_fft(range(i, 100, 1))',
  'range i from 1 to 3 step 1 | extend series_fft(range(i, 100, 1))',
  'print x = hash_md5("a")',
  'print x = strcat(hash_md5("a"), series_sum(range(1, 100, 1)))',
  'print x = parse_xml("<a>1</a>").a',
  'print x = tostring(parse_xml("<a>1</a>").a)',
  'range i from 1 to 3 step 1 | where tostring(i) == hash_md5("a")',
  'range i from 1 to 3 step 1 | extend x = tostring(parse_xml("<a>1</a>").a)',
])('a function of constants is computed once: %s', async (text) => {
  for (const run of [() => engine.run(text), () => engine.rowTexts(text, 'sql')]) {
    calls.clear();
    await run();
    expect([...calls.values()].length).toBeGreaterThan(0);
    expect([...calls].filter(([, count]) => count !== 1)).toEqual([]);
  }
});

it('another function, or one of other constants, is another call', async () => {
  const [table] = await engine.run(
    'print a = hash_md5("a"), b = hash_md5("b"), c = hash_sha1("a"), d = hash_md5("a"), e = hash_md5(tostring(dynamic(null)))',
  );
  const [a, b, c, d, e] = table?.rows[0] ?? [];
  expect([a, b, d]).toEqual(['0cc175b9c0f1b6a831c399e269772661', '92eb5ffee6ae2fec3ad71c777531578f', a]);
  expect([c, e]).toEqual(['86f7e437faa5a7fce15d1ddcb9eaeaea377667b8', 'd41d8cd98f00b204e9800998ecf8427e']);
  expect([...calls]).toEqual([
    ['hash_md5', 3],
    ['hash_sha1', 1],
  ]);
});
