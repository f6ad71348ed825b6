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
  geo_info_from_ip_address: 'needs a database; algorithms/geo/geoip.test.ts',
};

const tried = Object.values(cases).flatMap((family) => Object.keys(family));

/** By their own names and all others. */
const names = Object.entries(functionRows).flatMap(([name, { aliases = [] }]) => [name, ...aliases]);

it('every function has cases, and each name is of one of them', () => {
  const without = names.filter((name) => !tried.includes(name) && !Object.hasOwn(notWritten, name));
  expect(without).toEqual([]);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

it('cases are of functions that there are, and each has some', () => {
  expect(tried.filter((name) => !names.includes(name))).toEqual([]);
  expect(Object.keys(notWritten).filter((name) => tried.includes(name) || !names.includes(name))).toEqual([]);
  for (const [name, list] of Object.values(cases).flatMap((family) => Object.entries(family)))
    expect(
      list.some((text) => !/^\w+$/.test(name) || text.includes(name) || /^(neg|path|index)$/.test(name)),
      name,
    ).toBe(true);
});
