import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import { cast } from '../sql/convert.ts';
import { jsonArray, jsonItems, jsonPairs } from '../values/json-text.ts';
import { itemsOf, unique } from '../functions/array.ts';
import { mergeBags } from '../functions/bag.ts';
import { nativeCall, nativeFunction } from '../sql/native.ts';
import type { AggregateRow, AggregateRows, SqlArgument } from '../sql/scope.ts';
import { checkSize } from './parameters.ts';

export const filterOf = (predicates: readonly Sql[]): Sql =>
  predicates.length === 0 ? '' : sql` FILTER (WHERE ${joined(predicates, ' AND ')})`;

/** Nulls are left out; strings never are. */
export const present = (value: SqlArgument): Sql[] => (value.type === 'string' ? [] : [sql`${value.sql} IS NOT NULL`]);

/** Values of a list, set or bag, in the service too. */
const itemsMax = 1_048_576;
/** The same for the old names, where no limit is given. */
const legacyItemsMax = 128;
/** Of a set of more rows the order in which values came is not kept. */
const firstSeenMax = 100_000;
/** @throws KqlError semantic */
function limitSql(limit: SqlArgument | undefined, unlimited = itemsMax): Sql {
  checkSize(limit);
  return limit ? sql`least(${cast(limit, 'long')}, ${itemsMax})` : String(unlimited);
}
const limited = (list: Sql, limit: Sql): Sql => sql`list_slice(${list}, 1, ${limit})`;
/** JSON array text of a list of JSON texts. */
export const toArray = (list: Sql): Sql => sql`('[' || array_to_string(coalesce(${list}, []), ',') || ']')`;

/** The inside of an array, so that lists of arrays come out flat. */
const listItems = nativeFunction('list_items', ['dynamic'], 'string', ([value]) => {
  const text = String(value);
  return text.startsWith('[') ? text.slice(1, -1) : text;
});

/** `make_list(x[, max])`. An array argument is flattened one level. */
const makeList = (conditional: boolean, keepNulls: boolean, unlimited?: number): AggregateRow => ({
  result: 'dynamic',
  natives: [listItems],
  sql: ([value, ...rest], _call, _scope, order) => {
    if (!value) return 'NULL';
    const predicate = conditional ? rest.shift() : undefined;
    const element = value.type === 'dynamic' ? nativeCall(listItems, value.sql) : cast(value, 'dynamic');
    const filter = filterOf([...(keepNulls ? [] : present(value)), ...(predicate ? [cast(predicate, 'bool')] : [])]);
    const list = sql`list(${keepNulls ? sql`coalesce(${element}, 'null')` : element}${order})${filter}`;
    // An empty array has nothing to add.
    const items = value.type === 'dynamic' ? sql`list_filter(${list}, lambda e: e <> '')` : list;
    return toArray(limited(items, limitSql(rest[0], unlimited)));
  },
});

const distinctItems = nativeFunction('distinct_items', ['dynamic', 'long'], 'dynamic', ([list, limit]) => {
  const flat = (itemsOf(list) ?? []).flatMap((item) => jsonItems(item) ?? [item]);
  return jsonArray(unique(flat.filter((item) => item !== 'null')).slice(0, Number(limit)));
});

/** First seen comes first, up to a number of rows. */
const makeSet = (conditional: boolean, unlimited?: number): AggregateRow => ({
  result: 'dynamic',
  natives: [distinctItems],
  sql: ([value, ...rest], _call, _scope, order) => {
    if (!value) return 'NULL';
    const predicate = conditional ? rest.shift() : undefined;
    const filter = filterOf([...present(value), ...(predicate ? [cast(predicate, 'bool')] : [])]);
    const list = sql`list(${value.sql}${order})${filter}`;
    const setOf = (values: Sql): Sql =>
      nativeCall(
        distinctItems,
        toArray(sql`list_transform(${values}, lambda one: ${cast({ ...value, sql: 'one' }, 'dynamic')})`),
        limitSql(rest[0], unlimited),
      );
    // Of very many values few are left for the function in JavaScript; which of them came first is lost then.
    return sql`CASE WHEN len(${list}) > ${firstSeenMax} THEN ${setOf(limited(sql`list_distinct(${list})`, String(itemsMax)))} ELSE ${setOf(list)} END`;
  },
});

const mergedBags = nativeFunction('merge_bags', ['dynamic', 'long'], 'dynamic', ([list, limit]) =>
  mergeBags(
    (itemsOf(list) ?? []).flatMap((item) => {
      const pairs = jsonPairs(item);
      return pairs ? [pairs] : [];
    }),
    Number(limit),
  ),
);

/** The first value of a key wins. */
const makeBag = (conditional: boolean, unlimited?: number): AggregateRow => ({
  result: 'dynamic',
  natives: [mergedBags],
  sql: ([value, ...rest], _call, _scope, order) => {
    if (!value) return 'NULL';
    const predicate = conditional ? rest.shift() : undefined;
    const filter = filterOf([...present(value), ...(predicate ? [cast(predicate, 'bool')] : [])]);
    const bags = toArray(sql`list(${cast(value, 'dynamic')}${order})${filter}`);
    return nativeCall(mergedBags, bags, limitSql(rest[0], unlimited));
  },
});

export const collectAggregates: AggregateRows = {
  make_list: makeList(false, false),
  makelist: makeList(false, false, legacyItemsMax),
  make_list_if: makeList(true, false),
  make_list_with_nulls: makeList(false, true),
  make_set: makeSet(false),
  makeset: makeSet(false, legacyItemsMax),
  make_set_if: makeSet(true),
  make_bag: makeBag(false),
  make_dictionary: makeBag(false, legacyItemsMax),
  make_bag_if: makeBag(true),
};
