import { sql } from '../sql/fragment.ts';
import { cast } from '../sql/convert.ts';
import { hashNatives, hashOf } from '../functions/hash.ts';
import { digestOfPairs, digestUnion, hllOf, hllUnion } from '../functions/sketches.ts';
import type { NativeFunction } from '../sql/native.ts';
import { nativeCall } from '../sql/native.ts';
import type { AggregateRow, AggregateRows } from '../sql/scope.ts';
import { filterOf, present, toArray } from './collect.ts';
import { checkAccuracy } from './parameters.ts';

const hll = (conditional: boolean): AggregateRow => ({
  result: 'dynamic',
  natives: [hllOf, ...hashNatives],
  sql: ([value, ...rest]) => {
    if (!value) return 'NULL';
    const predicate = conditional ? rest.shift() : undefined;
    checkAccuracy(rest[0]);
    const filter = filterOf([...present(value), ...(predicate ? [cast(predicate, 'bool')] : [])]);
    const accuracy = rest[0] ? cast(rest[0], 'long') : '1';
    return nativeCall(hllOf, toArray(sql`list(DISTINCT '"' || ${hashOf(value)} || '"')${filter}`), accuracy);
  },
});

const tdigest: AggregateRow = {
  result: 'dynamic',
  natives: [digestOfPairs],
  sql: ([value, weight]) => {
    if (!value) return 'NULL';
    const pair = sql`'[' || ${cast(value, 'dynamic')} || ',' || ${weight ? cast(weight, 'string') : `'1'`} || ']'`;
    return nativeCall(digestOfPairs, toArray(sql`list(${pair})${filterOf([sql`${value.sql} IS NOT NULL`])}`));
  },
};

const merge = (fn: NativeFunction): AggregateRow => ({
  result: 'dynamic',
  natives: [fn],
  sql: ([sketch]) =>
    sketch ? nativeCall(fn, toArray(sql`list(${sketch.sql})${filterOf([sql`${sketch.sql} IS NOT NULL`])}`)) : 'NULL',
});

export const sketchAggregates: AggregateRows = {
  hll: hll(false),
  hll_if: hll(true),
  hll_merge: merge(hllUnion),
  tdigest,
  tdigest_merge: { ...merge(digestUnion), aliases: ['merge_tdigest'] },
};
