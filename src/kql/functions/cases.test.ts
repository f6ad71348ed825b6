import { expect, it } from 'vitest';
import { cases } from './all.cases.ts';
import { functionRows } from './table.ts';

/** Rows that no text of a query names: the parser makes them of others, or they cannot be asked for without more than a query. */
const notWritten: Readonly<Record<string, string>> = {
  '==filter': '== at the top of a condition; tests of where',
  ':': 'has, in search',
  search: 'a term of search; operators.test.ts',
  search_cs: 'a term of search; operators.test.ts',
  bag_pack_nonempty: 'pack_all(true); scalar-calls.test.ts',
  maketimespan: 'a spelling that the binder brings to make_timespan',
  parsecsv: 'a spelling that the binder brings to parse_csv',
  geo_info_from_ip_address: 'needs a database; algorithms/geo/geoip.test.ts',
};

const tried = Object.values(cases).flatMap((family) => Object.keys(family));

it('every function has cases', () => {
  const without = Object.keys(functionRows).filter((name) => !tried.includes(name) && !Object.hasOwn(notWritten, name));
  expect(without).toEqual([]);
});

it('cases are of functions that there are, and each has some', () => {
  expect(tried.filter((name) => !Object.hasOwn(functionRows, name))).toEqual([]);
  expect(Object.keys(notWritten).filter((name) => tried.includes(name) || !Object.hasOwn(functionRows, name))).toEqual(
    [],
  );
  for (const [name, list] of Object.values(cases).flatMap((family) => Object.entries(family)))
    expect(
      list.some((text) => !/^\w+$/.test(name) || text.includes(name) || /^(neg|path|index)$/.test(name)),
      name,
    ).toBe(true);
});
