import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import { jsonArray, jsonItems } from '../values/json-text.ts';
import { cast, convert } from '../sql/convert.ts';
import { itemsOf } from '../functions/array.ts';
import type { NativeValue } from '../sql/native.ts';
import { nativeCall, nativeFunction } from '../sql/native.ts';
import type { AggregateRow, AggregateRows, SqlArgument } from '../sql/scope.ts';
import { filterOf, toArray } from './collect.ts';
import { checkPercentiles } from './parameters.ts';

/** All bits of a group put together; of nothing null. */
const bits = (name: string): AggregateRow => ({
  result: 'long',
  sql: ([value]) => (value ? sql`${name}(${cast(value, 'long')})` : 'NULL'),
});

const covariance = (name: 'covar_samp' | 'covar_pop', conditional: boolean): AggregateRow => ({
  result: 'real',
  sql: ([x, y, predicate]) => {
    if (!x || !y) return 'NULL';
    const filter = conditional && predicate ? sql` FILTER (WHERE ${cast(predicate, 'bool')})` : '';
    return sql`${name}(${cast(x, 'real')}, ${cast(y, 'real')})${filter}`;
  },
});

/** The value at a rank: the smallest one that at least `percent` of the weight does not exceed. */
function nearestRank(sorted: readonly { item: string; weight: number }[], percent: number): string {
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0);
  let passed = 0;
  for (const { item, weight } of sorted) {
    passed += weight;
    if (passed >= (total * percent) / 100) return item;
  }
  return sorted.at(-1)?.item ?? 'null';
}

/** Pairs `[value, weight]` in the order of the values. */
const pairsOf = (pairs: NativeValue | undefined): { item: string; weight: number }[] =>
  (itemsOf(pairs) ?? []).flatMap((pair) => {
    const [item, weight] = jsonItems(pair) ?? [];
    return item === undefined || !(Number(weight) > 0) ? [] : [{ item, weight: Number(weight) }];
  });
export const rankedValues = nativeFunction('ranked', ['dynamic', 'dynamic'], 'dynamic', ([pairs, percents]) => {
  const sorted = pairsOf(pairs);
  // Of nothing there are no percentiles.
  if (sorted.length === 0) return null;
  return jsonArray((itemsOf(percents) ?? []).map((percent) => nearestRank(sorted, Number(percent))));
});

/** SQL of a JSON array with the value at each percentile. */
export function ranked(value: SqlArgument, weight: SqlArgument | undefined, percents: readonly SqlArgument[]): Sql {
  checkPercentiles(percents);
  const filter = filterOf([sql`${value.sql} IS NOT NULL`]);
  const pair = sql`'[' || ${cast(value, 'dynamic')} || ',' || ${weight ? cast(weight, 'string') : `'1'`} || ']'`;
  const [first] = percents;
  const list =
    first?.type === 'dynamic'
      ? first.sql
      : sql`('[' || ${joined(
          percents.map((percent) => cast(percent, 'string')),
          " || ',' || ",
        )} || ']')`;
  return nativeCall(rankedValues, toArray(sql`list(${pair} ORDER BY ${value.sql})${filter}`), list);
}
const array = (weighted: boolean): AggregateRow => ({
  natives: [rankedValues],
  result: 'dynamic',
  sql: ([value, ...rest]) => {
    if (!value) return 'NULL';
    const weight = weighted ? rest.shift() : undefined;
    return ranked(value, weight, rest);
  },
});
export const rankedElement = (list: Sql, index: number, type: SqlArgument['type']): Sql =>
  convert(kql.json(sql`json_extract(${list}, '$[${index}]')`), 'dynamic', type);

export const statisticsAggregates: AggregateRows = {
  binary_all_or: bits('bit_or'),
  binary_all_and: bits('bit_and'),
  binary_all_xor: bits('bit_xor'),
  covariance: covariance('covar_samp', false),
  covarianceif: covariance('covar_samp', true),
  covariancep: covariance('covar_pop', false),
  covariancepif: covariance('covar_pop', true),
  percentilew: {
    natives: [rankedValues],
    sql: ([value, weight, percent], call) =>
      value && percent ? rankedElement(ranked(value, weight, [percent]), 0, call.type) : 'NULL',
  },
  percentilesw: {
    natives: [rankedValues],
    columns: ([value, weight, ...percents], call) =>
      value
        ? percents.map((percent, index) =>
            rankedElement(ranked(value, weight, [percent]), 0, call.types?.[index] ?? call.type),
          )
        : [],
  },
  percentiles_array: array(false),
  percentilesw_array: array(true),
};
