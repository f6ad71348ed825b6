import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import type { KqlType } from '../plan/types.ts';
import { cast } from '../sql/convert.ts';
import { decimalDivide } from '../functions/arithmetic.ts';
import { nativeCall } from '../sql/native.ts';
import type { AggregateRow, AggregateRows, SqlArgument } from '../sql/scope.ts';
import { checkAccuracy, checkPercentiles, isQueried } from './parameters.ts';
import { ranked, rankedElement, rankedValues } from './statistics.ts';

/** `FILTER` of the …if forms, whose predicate is the last argument. */
const onlyIf = (predicate: SqlArgument | undefined): Sql =>
  predicate ? sql` FILTER (WHERE ${cast(predicate, 'bool')})` : '';

/** Sum of nothing is 0; a sum of longs wraps to 64 bits as in Kusto. */
const sum = (conditional: boolean): AggregateRow => ({
  sql: ([value, predicate], call) => {
    if (!value) return 'NULL';
    const filter = conditional ? onlyIf(predicate) : '';
    if (value.type === 'real' || value.type === 'dynamic')
      return sql`coalesce(sum(${cast(value, 'real')})${filter}, 0)`;
    if (value.type === 'decimal') return sql`CAST(coalesce(sum(${value.sql})${filter}, 0) AS DECIMAL(38,18))`;
    const type = call.type === 'timespan' ? value.sql : cast(value, 'long');
    return sql`coalesce(${kql.wrap(sql`sum(${type})${filter}`)}, 0)`;
  },
});

/** Average of nothing is NaN for reals; ticks are averaged as ticks. */
const avg = (conditional: boolean): AggregateRow => ({
  natives: [decimalDivide],
  sql: ([value, predicate], call) => {
    if (!value) return 'NULL';
    const filter = conditional ? onlyIf(predicate) : '';
    if (call.type === 'timespan' || call.type === 'datetime') return kql.longOfReal(sql`avg(${value.sql})${filter}`);
    if (call.type === 'decimal') return decimalMean(cast(value, 'decimal'), filter);
    return sql`coalesce(avg(${cast(value, 'real')})${filter}, 'NaN'::DOUBLE)`;
  },
});

/** DuckDB's own average of decimals goes through a double. */
function decimalMean(value: Sql, filter: Sql): Sql {
  const [total, rows] = [sql`CAST(sum(${value})${filter} AS VARCHAR)`, sql`CAST(count(${value})${filter} AS VARCHAR)`];
  return sql`CAST(${nativeCall(decimalDivide, total, rows)} AS DECIMAL(38,18))`;
}

const extreme = (name: 'min' | 'max', conditional: boolean): AggregateRow => ({
  sql: ([value, predicate], call) => {
    if (!value) return 'NULL';
    const filter = conditional ? onlyIf(predicate) : '';
    const x = value.type === call.type ? value.sql : cast(value, call.type);
    if (call.type === 'real' && name === 'min')
      return sql`CASE WHEN bool_or(isnan(${x}))${filter} THEN 'NaN'::DOUBLE ELSE min(${x})${filter} END`;
    return sql`${name}(${x})${filter}`;
  },
});

/** Spread of fewer than two values is 0; where one is infinite or NaN, it is NaN. */
const spread = (name: 'stddev_samp' | 'stddev_pop' | 'var_samp' | 'var_pop', conditional: boolean): AggregateRow => ({
  result: 'real',
  sql: ([value, predicate]) => {
    if (!value) return 'NULL';
    const filter = conditional ? onlyIf(predicate) : '';
    const x = cast(value, 'real');
    if (value.type !== 'real' && value.type !== 'dynamic') return sql`coalesce(${name}(${x})${filter}, 0)`;
    // DuckDB raises for what is not finite.
    return sql`CASE WHEN bool_or(NOT isfinite(${x}))${filter} THEN 'NaN'::DOUBLE
      ELSE coalesce(${name}(CASE WHEN isfinite(${x}) THEN ${x} END)${filter}, 0) END`;
  },
});

/** Distinct values; nulls do not count. Exact, which is within any accuracy asked for. */
const distinct = (conditional: boolean): AggregateRow => ({
  result: 'long',
  sql: ([value, ...rest]) => {
    const predicate = conditional ? rest.shift() : undefined;
    checkAccuracy(rest[0]);
    return value ? sql`count(DISTINCT ${value.sql})${onlyIf(predicate)}` : '0';
  },
});

/** By nearest rank. The share is a decimal, since DuckDB then counts in whole numbers: 99.9 % of 1000 are 999 rows. Shares of one value are
 * found together: DuckDB computes an aggregate once that is written several times. */
function percentilesOf(value: SqlArgument, percents: readonly SqlArgument[], types: readonly KqlType[]): Sql[] {
  checkPercentiles(percents);
  // DuckDB wants a constant, which the result of a query is not.
  const stated = percents.filter(({ expression }) => !isQueried(expression));
  const shares = stated.map((percent) => sql`(CAST(${cast(percent, 'real')} AS DECIMAL(12,9)) * 0.01)`);
  const isReal = value.type === 'real' || value.type === 'dynamic' || value.type === 'decimal';
  const of = isReal ? cast(value, 'real') : value.sql;
  const [only = ''] = shares;
  return percents.map((percent, index) => {
    const at = stated.indexOf(percent);
    if (at < 0) return rankedElement(ranked(value, undefined, [percent]), 0, types[index] ?? value.type);
    if (shares.length === 1) return sql`quantile_disc(${of}, ${only})`;
    return sql`list_extract(quantile_disc(${of}, [${joined(shares)}]), ${at + 1})`;
  });
}

export const basicAggregates: AggregateRows = {
  // Any argument counts every row, nulls included: that is what the engine does.
  count: { result: 'long', tolerated: ['KS107'], sql: () => 'count(*)' },
  countif: { result: 'long', sql: ([predicate]) => sql`count(*)${onlyIf(predicate)}` },
  sum: sum(false),
  sumif: sum(true),
  avg: avg(false),
  avgif: avg(true),
  min: extreme('min', false),
  minif: extreme('min', true),
  max: extreme('max', false),
  maxif: extreme('max', true),
  dcount: distinct(false),
  dcountif: distinct(true),
  count_distinct: distinct(false),
  count_distinctif: distinct(true),
  stdev: spread('stddev_samp', false),
  stdevif: spread('stddev_samp', true),
  stdevp: spread('stddev_pop', false),
  variance: spread('var_samp', false),
  varianceif: spread('var_samp', true),
  variancep: spread('var_pop', false),
  variancepif: spread('var_pop', true),
  percentile: {
    natives: [rankedValues],
    sql: ([value, percent], call) =>
      value && percent ? (percentilesOf(value, [percent], [call.type])[0] ?? 'NULL') : 'NULL',
  },
  percentiles: {
    natives: [rankedValues],
    columns: ([value, ...percents], call) =>
      value ? percentilesOf(value, percents, call.types ?? percents.map(() => call.type)) : [],
  },
};
