import { sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import { compareJson, jsonArray, jsonItems } from '../values/json-text.ts';
import { cast, jsonArrayOf, jsonElement } from '../sql/convert.ts';
import type { NativeFunction, NativeValue } from '../sql/native.ts';
import { nativeCall, nativeFunction } from '../sql/native.ts';
import type { FunctionRow, FunctionRows, SqlArgument } from '../sql/scope.ts';
import type { KqlType } from '../plan/types.ts';
import { isKqlType } from '../plan/types.ts';
import { itemsOf } from './array.ts';
import { digestUnion, hllCount, hllUnion } from './sketches.ts';

/** Values in their order with their weights; undefined when the value is no tdigest. */
function digestOf(sketch: NativeValue | undefined): { values: string[]; weights: number[] } | undefined {
  const [, values, weights] = itemsOf(sketch)?.map((part) => jsonItems(part)) ?? [];
  return values && weights ? { values, weights: weights.map(Number) } : undefined;
}

function atPercent(sketch: NativeValue | undefined, percent: number): string | undefined {
  const digest = digestOf(sketch);
  if (!digest) return undefined;
  const wanted = (digest.weights.reduce((sum, weight) => sum + weight, 0) * percent) / 100;
  let passed = 0;
  for (const [index, value] of digest.values.entries()) {
    passed += digest.weights[index] ?? 0;
    if (passed >= wanted) return value;
  }
  return digest.values.at(-1);
}

const atPercents = nativeFunction('tdigest_percentiles', ['dynamic', 'dynamic'], 'dynamic', ([sketch, percents]) => {
  const found = (itemsOf(percents) ?? []).map((percent) => atPercent(sketch, Number(percent)));
  return found.includes(undefined) ? null : jsonArray(found.map((value) => value ?? 'null'));
});

/** Weight of the values that do not exceed `value`. */
const rankOf = nativeFunction('tdigest_rank', ['dynamic', 'dynamic', 'bool'], 'real', ([sketch, value, percent]) => {
  const digest = digestOf(sketch);
  if (!digest) return null;
  const total = digest.weights.reduce((sum, weight) => sum + weight, 0);
  const rank = digest.values.reduce(
    (sum, item, index) => ((compareJson(item, String(value)) ?? 1) <= 0 ? sum + (digest.weights[index] ?? 0) : sum),
    0,
  );
  return percent === true ? (rank / total) * 100 : rank;
});
const rank = (percent: boolean): FunctionRow => ({
  result: 'real',
  natives: [rankOf],
  sql: ([sketch, value]) =>
    sketch && value ? nativeCall(rankOf, sketch.sql, cast(value, 'dynamic'), String(percent)) : 'NULL',
});

/** Without a type the value comes as an array of one. */
const percentile: FunctionRow = {
  result: 'dynamic',
  natives: [atPercents],
  sql: ([sketch, percent], call) => {
    if (!sketch || !percent) return 'NULL';
    const list = nativeCall(atPercents, sketch.sql, sql`'[' || ${cast(percent, 'string')} || ']'`);
    return call.type === 'dynamic' ? list : kql.json(sql`json_extract(${list}, '$[0]')`);
  },
};
/** With a type the values come in it; that of one percentile then stands alone. */
const percentiles: FunctionRow = {
  result: 'dynamic',
  natives: [atPercents],
  sql: ([sketch, ...given]) => {
    const type = given.length > 1 ? typeLiteral(given.at(-1)) : undefined;
    const percents = type ? given.slice(0, -1) : given;
    const [first] = percents;
    if (!sketch || !first) return 'NULL';
    const list = first.type === 'dynamic' ? first.sql : jsonArrayOf(percents);
    const values = nativeCall(atPercents, sketch.sql, list);
    if (!type) return values;
    const item: SqlArgument = { ...sketch, sql: 'item' };
    const typed = sql`list_transform(${kql.elements(values)}, lambda item: ${jsonElement({ ...item, sql: cast(item, type), type })})`;
    return first.type !== 'dynamic' && percents.length === 1
      ? sql`${typed}[1]`
      : sql`('[' || array_to_string(${typed}, ',') || ']')`;
  },
};
/** `typeof(long)` is text when it gets here. */
const typeLiteral = (argument: SqlArgument | undefined): KqlType | undefined =>
  argument?.expression.k === 'literal' && isKqlType(String(argument.expression.value))
    ? (argument.expression.value as KqlType)
    : undefined;

const union = (fn: NativeFunction): FunctionRow => ({
  result: 'dynamic',
  natives: [fn],
  sql: (args) => nativeCall(fn, jsonArrayOf(args)),
});

/** Sketches as values: hll and tdigest. */
export const sketchFunctions: FunctionRows = {
  dcount_hll: {
    result: 'long',
    natives: [hllCount],
    sql: ([sketch]) => (sketch ? nativeCall(hllCount, sketch.sql) : 'NULL'),
  },
  hll_merge: union(hllUnion),
  tdigest_merge: { ...union(digestUnion), aliases: ['merge_tdigest'] },
  rank_tdigest: rank(false),
  percentrank_tdigest: rank(true),
  percentile_tdigest: percentile,
  percentiles_array_tdigest: percentiles,
};
