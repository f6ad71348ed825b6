import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import type { Expression } from '../plan/expression.ts';
import { cast, convert } from '../sql/convert.ts';
import { compilePlan } from '../sql/plans.ts';
import type { Output, Relation, RelationColumn } from '../sql/relation.ts';
import { asIs, listed, named, selectFrom } from '../sql/relation.ts';
import { aggregateOutputs, grouping } from './aggregate.ts';
import { compileConstant } from './source.ts';
import type { PlanCompilers } from '../sql/scope.ts';

/** @see the page of make-series: 2^20 values */
const binsMax = 1_048_576;

/** A constant that takes no query and no function to know. */
const given = (end: Expression): boolean => end.k === 'literal' || end.k === 'parameter';

/** make-series: totals by bin, then for every group one array over the whole axis with the default where there was no row.
 * The end is exclusive; bins are counted from the start, not from the epoch. */
export const seriesCompilers: PlanCompilers<'makeSeries'> = {
  makeSeries: (ctx, node) => {
    const input = compilePlan(ctx, node.input);
    const axisType = node.axis.expression.type;
    const isReal = axisType === 'real' || axisType === 'decimal';
    const number = isReal ? 'real' : 'long';
    const constant = (expression: Expression): Sql => {
      const sql = compileConstant(ctx, expression);
      return isReal
        ? convert(sql, expression.type, 'real')
        : expression.type === 'datetime' || expression.type === 'timespan'
          ? sql
          : convert(sql, expression.type, 'long');
    };
    const step = constant(node.step);
    const { relation, keys, scope } = grouping(
      ctx,
      input,
      [...node.by, { names: ['$axis'], expression: node.axis.expression }],
      [...node.cols, { name: '$axis', type: axisType }],
    );
    const groups = keys.slice(0, -1);
    const axis = keys.at(-1)?.id ?? '';
    const axisNumber = convert(axis, axisType, isReal ? 'real' : axisType === 'int' ? 'long' : axisType);
    const [low, high, first, bin] = [ctx.newId(), ctx.newId(), ctx.newId(), ctx.newId()];
    // Without a start the axis begins at the bin of the least value.
    const floor = isReal
      ? sql`floor(min(${axisNumber}) / ${step}) * ${step}`
      : sql`min(${axisNumber}) - ${kql.floorMod(sql`min(${axisNumber})`, step)}`;
    const ceiling = sql`max(${axisNumber}) + ${isReal ? sql`${step} * 1e-9` : '1'}`;
    const ends = [
      { id: low, sql: node.from ? constant(node.from) : floor },
      { id: high, sql: node.to ? constant(node.to) : ceiling },
    ] as const;
    const groupIds = groups.map((key) => key.id);
    const open = !node.from || !node.to;
    // What is left out of from and to comes from the rows of each series.
    const grouped = open && groupIds.length > 0;
    const groupBy = groupIds.length > 0 ? `GROUP BY ${groupIds.join(', ')}` : '';
    const bounds = open
      ? selectFrom(relation, [...asIs(groupIds), ...ends], groupBy)
      : sql`SELECT ${listed(named(ends))}`;
    const sameGroup = (one: string, other: string): Sql[] =>
      groupIds.map((id) => sql`${one}.${id} IS NOT DISTINCT FROM ${other}.${id}`);
    const { columns, outputs } = aggregateOutputs(
      node.aggregates.map((aggregate) => ({ names: [aggregate.name], expression: aggregate.expression })),
      node.aggregates.map((aggregate) => ({ name: aggregate.name, type: aggregate.expression.type })),
      scope,
    );
    // Ends that stand there are compared with where rows are read, so that what is outside need not be; others come with a join.
    const isGiven = [node.from, node.to].every((end) => end !== undefined && given(end));
    const beside = isGiven
      ? ''
      : grouped
        ? sql`JOIN (${bounds}) AS b ON ${joined(sameGroup('r', 'b'), ' AND ')}`
        : sql`, (${bounds}) AS b`;
    const [from, to] = isGiven ? [ends[0].sql, ends[1].sql] : [`b.${low}`, `b.${high}`];
    const inside = sql`WHERE ${axisNumber} >= ${from} AND ${axisNumber} < ${to}`;
    const past = sql`(${axisNumber} - ${from})`;
    // A step that is computed may be none: a real number says so, a whole one gives null.
    const bins =
      isReal || node.step.k !== 'literal'
        ? sql`CAST(floor(${past} / CAST(${step} AS DOUBLE)) AS BIGINT)`
        : sql`${past} // ${step}`;
    const binned = sql`SELECT r.*, ${bins} AS ${bin} FROM (${relation.sql}) AS r ${beside} ${inside}`;
    const totals = sql`SELECT ${joined([...groupIds, bin])}, ${listed(named(outputs))} FROM (${binned}) GROUP BY ${joined([...groupIds, bin])}`;
    const length = isReal
      ? sql`ceil((${high} - ${low}) / ${step} - 1e-9)`
      : sql`((${high} - ${low} + ${step} - 1) // ${step})`;
    const span = sql`CASE WHEN ${length} > ${binsMax} THEN error('kql limits: make-series: a series has at most ${binsMax} values.') ELSE ${length} END`;
    const steps = sql`SELECT ${joined(grouped ? [...groupIds, ''] : [''])}${low} AS ${first}, unnest(range(0, CAST(${span} AS BIGINT))) AS ${bin} FROM (${bounds})`;
    // Each series has a total in some bin: its rows are not read again to find it.
    const kept = ctx.newId();
    const shared = groupIds.length > 0;
    const groupRows = shared ? sql`SELECT DISTINCT ${joined(groupIds)} FROM ${kept}` : `SELECT 1 AS none`;
    const on = joined([`t.${bin} = s.${bin}`, ...sameGroup('t', 'g')], ' AND ');
    const made: RelationColumn[] = node.cols.slice(groups.length).map((column) => ({ ...column, id: ctx.newId() }));
    const arrays = node.aggregates.map((aggregate, index): Output => {
      const column = columns[index];
      const type = aggregate.expression.type;
      const missing = aggregate.fallback
        ? convert(compileConstant(ctx, aggregate.fallback), aggregate.fallback.type, 'dynamic')
        : type === 'real' || type === 'decimal'
          ? `'0.0'`
          : `'0'`;
      const value = cast({ sql: sql`t.${column?.id ?? ''}`, type, expression: aggregate.expression }, 'dynamic');
      return {
        id: made[index]?.id ?? '',
        sql: sql`'[' || string_agg(CASE WHEN t.${bin} IS NULL THEN coalesce(${missing}, 'null') ELSE coalesce(${value}, 'null') END, ',' ORDER BY s.${bin}) || ']'`,
      };
    });
    const axisValue = isReal ? sql`(s.${first} + s.${bin} * ${step})` : sql`(s.${first} + s.${bin} * ${step})`;
    const axisText = convert(
      convert(axisValue, number, axisType === 'int' ? 'long' : isReal ? 'real' : axisType),
      isReal ? 'real' : axisType === 'int' ? 'long' : axisType,
      'dynamic',
    );
    const axisArray: Output = {
      id: made.at(-1)?.id ?? '',
      sql: sql`'[' || string_agg(${axisText}, ',' ORDER BY s.${bin}) || ']'`,
    };
    const axes = grouped
      ? sql`JOIN (${steps}) AS s ON ${joined(sameGroup('g', 's'), ' AND ')}`
      : sql`CROSS JOIN (${steps}) AS s`;
    const values = selectFrom(
      sql`(${groupRows}) AS g ${axes} LEFT JOIN ${shared ? kept : sql`(${totals})`} AS t ON ${on}`,
      [...groupIds.map((id) => ({ id, sql: `g.${id}` })), ...arrays, ...(grouped ? [axisArray] : [])],
      shared ? `GROUP BY ${groupIds.map((id) => `g.${id}`).join(', ')}` : '',
    );
    // An axis that all series have is written once.
    const whole = grouped
      ? values
      : sql`SELECT * FROM (${values}) AS v, (${selectFrom(sql`(${steps}) AS s`, [axisArray])}) AS a`;
    const select = shared ? sql`WITH ${kept} AS MATERIALIZED (${totals}) ${whole}` : whole;
    const relationColumns: RelationColumn[] = [...groups, ...made];
    const result: Relation = { sql: select, columns: relationColumns };
    if (shared) return result;
    // Of no rows at all there is a series only with kind=nonempty.
    const filled = node.nonEmpty ? '' : sql` AND EXISTS (SELECT 1 FROM (${relation.sql}))`;
    const ids = asIs(relationColumns.map((column) => column.id));
    return { ...result, sql: selectFrom(result, ids, sql`WHERE ${made.at(-1)?.id ?? ''} IS NOT NULL${filled}`) };
  },
};
