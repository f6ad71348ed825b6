import { afterAll, beforeAll, expect, it } from 'vitest';
import type { LocalEngine } from '../testing/local-engine.ts';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: LocalEngine;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

/** Values of each type at its edges, as KQL. */
const values: Readonly<Record<string, string>> = {
  bool: 'true, false, bool(null)',
  int: '0, -5, 2147483647, -2147483648, int(null)',
  long: '0, 9223372036854775807, -9223372036854775808, 9007199254740993, long(null)',
  decimal: 'decimal(0), decimal(1.50), decimal(-12345678901234567890.000000000000000001), decimal(null)',
  datetime:
    'datetime(0001-01-01), datetime(9999-12-31 23:59:59.9999999), datetime(1969-12-31 23:59:59.9999999), datetime(2015-01-01 01:01:01.0000001), datetime(null)',
  timespan: '0s, 1tick, -1tick, timespan(1.12:34:56.7890001), timespan(-10675199.02:48:05.4775807), timespan(null)',
  guid: 'guid(74BE27DE-1E4E-49D9-B579-FE0B331D3642), guid(null)',
  string: String.raw`'', 'plain', 'a"b\\c/', 'tab\tline\nreturn\rbell\u0007nul\u0001del\u007f', '\u2028é漢😀', '[1,"x"]'`,
  dynamic: String.raw`dynamic(null), dynamic({"a":[1.0,9223372036854775807],"b":"q\"\\"}), dynamic([]), dynamic("x"), dynamic(1)`,
};

it.each(Object.entries(values))('rows of %s are the same, made by SQL and in JavaScript', async (type, list) => {
  const query = `datatable(x:${type})[${list}] | extend y = 1`;
  const rows = await engine.rowTexts(query, 'sql');
  expect(rows.length).toBeGreaterThan(1);
  expect(rows).toEqual(await engine.rowTexts(query, 'javascript'));
});

it('reals are the same numbers, and stay reals', async () => {
  const list =
    '0.0, -0.5, 1.0, 0.1, 0.30000000000000004, 1e15, 1e20, 123456789012345680.0, 1e22, 1e-5, 1e-7, 5e-324, 1.7976931348623157e308, real(nan), real(+inf), real(-inf), real(null)';
  const query = `datatable(x:real)[${list}] | project x`;
  const [made, written] = [await engine.rowTexts(query, 'sql'), await engine.rowTexts(query, 'javascript')];
  expect(made.map((row) => JSON.parse(row) as unknown)).toEqual(written.map((row) => JSON.parse(row) as unknown));
  for (const row of made) expect(row).toMatch(/^\[(-?\d+(\.\d+|(\.\d+)?e[+-]\d+)|"NaN"|"-?Infinity"|null)\]$/);
});

const many = Array.from({ length: 250 }, (_column, index) => `c${index} = ${index}`).join(', ');

it.each([
  `print ${many}`,
  'print 1',
  'print least = totimespan(-9223372036854775807 - 1) | extend text = tostring(least)',
  'print negative = 0.0 * -1.0, positive = 0.0',
  'range x from 1 to 5000 step 1 | sort by x desc | project x, s = strcat("n", x)',
  'datatable(a:long, s:string)[1, "x", 2, "y"] | as hint.materialized=true t | union t, (print b = datetime(null))',
  'print x = 9223372036854775807 | extend y = x + 1',
  'print x = 1 | fork (project x) (project y = "z")',
  'print a = dynamic([3,1,2]) | extend b = array_sort_desc(a), c = parse_url("https://a/b"), d = hash("x")',
  'range x from 1 to 3 step 1 | scan declare (n:long = 0) with (step s: true => n = s.n + x;)',
  'print toint(1h), todecimal("1.5"), new = totimespan("1.00:00:00")',
])('a query has the same rows in the same order: %s', async (query) => {
  expect(await engine.rowTexts(query, 'sql')).toEqual(await engine.rowTexts(query, 'javascript'));
});
