import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import type { TopNestedNode } from '../plan/plan.ts';
import { physicalType } from '../plan/types.ts';
import type { SqlContext } from '../sql/context.ts';
import { compileExpression } from '../sql/expressions.ts';
import { compilePlan } from '../sql/plans.ts';
import type { Relation, RelationColumn } from '../sql/relation.ts';
import { asIs, keptIds, selectFrom } from '../sql/relation.ts';
import { rowScope } from '../sql/rows.ts';
import type { PlanCompilers, RowScope } from '../sql/scope.ts';
import { constantAs, rowCount } from './source.ts';

type Level = TopNestedNode['levels'][number];

/** What one level made: its key and total, and a flag of the rows whose group is not among its top ones. */
interface Made {
  readonly key: RelationColumn;
  readonly total: RelationColumn;
  readonly rest: string;
}

/** Each level groups the rows that the levels above let through, ranks its groups within their parent, and narrows. Where a level
 * names its others, what is left over stays in as one group, which no level below ranks again. */
function nested(ctx: SqlContext, input: Relation, levels: readonly Level[], cols: readonly RelationColumn[]): Relation {
  const keepsRest = levels.some((level) => level.others !== undefined);
  const made: Made[] = [];
  let rows = input;
  levels.forEach((level, index) => {
    const [key, total] = [cols[index * 2], cols[index * 2 + 1]];
    if (!key || !total) return;
    rows = oneLevel(ctx, rows, level, { key, total, rest: ctx.newId() }, made, keepsRest);
    made.push({ key, total, rest: rows.columns.at(-1)?.id ?? '' });
  });
  const rests = made.map(({ rest }) => rest);
  const named = rests.filter((_rest, index) => levels[index]?.others !== undefined);
  const shown = named.length > 0 ? `WHERE NOT (${rests.join(' OR ')}) OR ${named.join(' OR ')}` : '';
  return {
    sql: sql`SELECT DISTINCT ${cols.map(({ id }) => id).join(', ')} FROM (${rows.sql}) ${shown}`,
    columns: cols,
  };
}

function oneLevel(
  ctx: SqlContext,
  rows: Relation,
  level: Level,
  { key, total, rest }: Made,
  above: readonly Made[],
  keepsRest: boolean,
): Relation {
  const [raw, value, rank, others] = [ctx.newId(), ctx.newId(), ctx.newId(), ctx.newId()];
  const parents = above.flatMap((one) => [one.key.id, one.rest]);
  const isRest = above.map((one) => one.rest).join(' OR ') || 'false';
  const keyed: Relation = {
    ...rows,
    sql: selectFrom(rows, [
      ...asIs(keptIds(rows)),
      { id: raw, sql: compileExpression(level.of.expression, rowScope(ctx, rows)) },
    ]),
  };
  const scope: RowScope = { ...rowScope(ctx, keyed), aggregateOrder: '' };
  const aggregate = compileExpression(level.by.expression, scope);
  const groups = [...parents, raw];
  const totals = sql`SELECT ${groups.join(', ')}, ${aggregate} AS ${value} FROM (${keyed.sql}) WHERE NOT (${isRest}) GROUP BY ${groups.join(', ')}`;
  const partition = parents.length > 0 ? `PARTITION BY ${parents.join(', ')} ` : '';
  const ranked = sql`SELECT *, row_number() OVER (${partition}ORDER BY ${value} ${level.descending ? 'DESC' : 'ASC'} NULLS LAST, ${raw}) AS ${rank} FROM (${totals})`;
  const most = level.count ? sql` WHERE ${rank} <= ${rowCount(ctx, level.count)}` : '';
  const same = (ids: readonly string[]): string =>
    ids.map((id) => `l.${id} IS NOT DISTINCT FROM r.${id}`).join(' AND ') || 'true';
  const kept = keptIds(keyed).map((id) => sql`l.${id} AS ${id}`);
  const merged = sql`SELECT ${joined([...kept, `l.${raw} AS ${raw}`, `r.${value} AS ${value}`, sql`r.${rank} IS NULL AS ${rest}`])} FROM (${keyed.sql}) AS l ${keepsRest ? 'LEFT' : 'INNER'} JOIN (SELECT * FROM (${ranked})${most}) AS r ON ${same(groups)}`;
  const flag: RelationColumn = { name: '', type: 'bool', id: rest };
  const columns = [...rows.columns, key, total, flag];
  const finished = (from: Sql, keySql: Sql, totalSql: Sql): Relation => ({
    columns,
    sql: sql`SELECT ${joined([...keptIds(rows).map((id) => sql`l.${id} AS ${id}`), sql`${keySql} AS ${key.id}`, sql`${totalSql} AS ${total.id}`, sql`l.${rest} AS ${rest}`])} FROM ${from}`,
  });
  if (!keepsRest) return finished(sql`(${merged}) AS l`, `l.${raw}`, `l.${value}`);
  const restKey = level.others
    ? constantAs(ctx, level.others, key.type)
    : key.type === 'string'
      ? "''"
      : `NULL::${physicalType[key.type]}`;
  const keySql = sql`CASE WHEN l.${rest} THEN ${restKey} ELSE l.${raw} END`;
  if (!level.others) return finished(sql`(${merged}) AS l`, keySql, `l.${value}`);
  const restTotals = sql`SELECT ${[...parents, rest].join(', ')}, ${aggregate} AS ${others} FROM (${merged}) WHERE ${rest} GROUP BY ${[...parents, rest].join(', ')}`;
  const from = sql`(${merged}) AS l LEFT JOIN (${restTotals}) AS r ON ${same([...parents, rest])}`;
  return finished(from, keySql, sql`CASE WHEN l.${rest} THEN r.${others} ELSE l.${value} END`);
}

export const topNestedCompilers: PlanCompilers<'topNested'> = {
  topNested: (ctx, node) => {
    const columns = node.cols.map((column): RelationColumn => ({ ...column, id: ctx.newId() }));
    return nested(ctx, compilePlan(ctx, node.input), node.levels, columns);
  },
};
