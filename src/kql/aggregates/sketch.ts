import { KqlError } from '../plan/kql-error.ts';
import { jsonArray, jsonItems } from '../values/json-text.ts';
import { cast } from '../sql/convert.ts';
import { itemsOf, unique } from '../functions/array.ts';
import { hashOf } from '../functions/hash.ts';
import { native } from '../sql/native.ts';
import type { AggregateRow, AggregateRows } from '../sql/scope.ts';
import { filterOf, present, toArray } from './collect.ts';
import { checkAccuracy } from './parameters.ts';

/** Sketches keep every distinct value, so their answers are exact; in the shape of the service, not in its bytes:
 * hll `[[1024,bits],["hash",…],[]]`, tdigest `[[7],[value,…],[weight,…]]`. Larger ones are refused. */
const valuesMax = 262_144;

const hashesOf = (sketch: string): string[] | undefined => jsonItems(jsonItems(sketch)?.[1] ?? '');

/** By accuracy: the power of two that is the number of entries. */
const entryBits = [12, 14, 16, 17, 18];

function hllText(hashes: readonly string[], bits: string): string {
  if (hashes.length > valuesMax)
    throw new KqlError('notSupported', `hll() of more than ${valuesMax} distinct values is not supported.`);
  return `[[1024,${bits}],${jsonArray(hashes)},[]]`;
}
/** Of a list of hashes, or of sketches. */
native('hll_of', ['dynamic', 'long'], 'dynamic', ([list, accuracy]) => {
  const hashes = unique(itemsOf(list) ?? []);
  const bits = entryBits[Number(accuracy)];
  if (bits === undefined) throw new KqlError('runtime', 'The accuracy must be from 0 to 4.');
  return hashes.length === 0 ? null : hllText(hashes, String(bits));
});
native('hll_union', ['dynamic'], 'dynamic', ([list]) => {
  const sketches = (itemsOf(list) ?? []).flatMap((sketch) => {
    const [size, hashes] = (jsonItems(sketch) ?? []).map((part) => jsonItems(part));
    return size?.[1] !== undefined && hashes ? [{ bits: size[1], hashes }] : [];
  });
  const [first, ...others] = sketches;
  if (!first) return null;
  if (others.some(({ bits }) => bits !== first.bits))
    throw new KqlError('runtime', 'hll_merge(): sketches of different accuracy cannot be merged.');
  return hllText(unique(sketches.flatMap(({ hashes }) => hashes)), first.bits);
});
native('hll_count', ['dynamic'], 'long', ([sketch]) => {
  const hashes = hashesOf(String(sketch));
  return hashes ? BigInt(hashes.length) : null;
});

const hll = (conditional: boolean): AggregateRow => ({
  result: 'dynamic',
  sql: ([value, ...rest]) => {
    if (!value) return 'NULL';
    const predicate = conditional ? rest.shift() : undefined;
    checkAccuracy(rest[0]);
    const filter = filterOf([...present(value), ...(predicate ? [cast(predicate, 'bool')] : [])]);
    const accuracy = rest[0] ? cast(rest[0], 'long') : '1';
    return `kql_n_hll_of(${toArray(`list(DISTINCT '"' || ${hashOf(value)} || '"')${filter}`)}, ${accuracy})`;
  },
});

/** Value and weight pairs → values in their order, equal ones once. */
native('tdigest_of', ['dynamic'], 'dynamic', ([list]) =>
  digest((itemsOf(list) ?? []).map((pair) => jsonItems(pair) ?? [])),
);
native('tdigest_union', ['dynamic'], 'dynamic', ([list]) =>
  digest(
    (itemsOf(list) ?? []).flatMap((sketch) => {
      const [, values, weights] = (jsonItems(sketch) ?? []).map((part) => jsonItems(part) ?? []);
      return (values ?? []).map((value, index) => [value, weights?.[index] ?? '1']);
    }),
  ),
);
function digest(pairs: readonly (readonly string[])[]): string | null {
  const weights = new Map<string, number>();
  for (const [value, weight] of pairs)
    if (value !== undefined) weights.set(value, (weights.get(value) ?? 0) + Number(weight));
  if (weights.size === 0) return null;
  if (weights.size > valuesMax)
    throw new KqlError('notSupported', `tdigest() of more than ${valuesMax} distinct values is not supported.`);
  const sorted = [...weights].sort(([a], [b]) => (a.startsWith('"') ? (a < b ? -1 : 1) : Number(a) - Number(b)));
  return `[[7],${jsonArray(sorted.map(([value]) => value))},${jsonArray(sorted.map(([, weight]) => String(weight)))}]`;
}

const tdigest: AggregateRow = {
  result: 'dynamic',
  sql: ([value, weight]) => {
    if (!value) return 'NULL';
    const pair = `'[' || ${cast(value, 'dynamic')} || ',' || ${weight ? cast(weight, 'string') : `'1'`} || ']'`;
    return `kql_n_tdigest_of(${toArray(`list(${pair})${filterOf([`${value.sql} IS NOT NULL`])}`)})`;
  },
};

const merge = (name: string): AggregateRow => ({
  result: 'dynamic',
  sql: ([sketch]) =>
    sketch ? `kql_n_${name}(${toArray(`list(${sketch.sql})${filterOf([`${sketch.sql} IS NOT NULL`])}`)})` : 'NULL',
});

export const sketchAggregates: AggregateRows = {
  hll: hll(false),
  hll_if: hll(true),
  hll_merge: merge('hll_union'),
  tdigest,
  tdigest_merge: merge('tdigest_union'),
  merge_tdigest: merge('tdigest_union'),
};
