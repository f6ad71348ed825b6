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
  return { sql: `SELECT DISTINCT ${cols.map(({ id }) => id).join(', ')} FROM (${rows.sql}) ${shown}`, columns: cols };
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
  const totals = `SELECT ${groups.join(', ')}, ${aggregate} AS ${value} FROM (${keyed.sql}) WHERE NOT (${isRest}) GROUP BY ${groups.join(', ')}`;
  const partition = parents.length > 0 ? `PARTITION BY ${parents.join(', ')} ` : '';
  const ranked = `SELECT *, row_number() OVER (${partition}ORDER BY ${value} ${level.descending ? 'DESC' : 'ASC'} NULLS LAST, ${raw}) AS ${rank} FROM (${totals})`;
  const most = level.count ? ` WHERE ${rank} <= ${rowCount(ctx, level.count)}` : '';
  const same = (ids: readonly string[]): string =>
    ids.map((id) => `l.${id} IS NOT DISTINCT FROM r.${id}`).join(' AND ') || 'true';
  const kept = keptIds(keyed).map((id) => `l.${id} AS ${id}`);
  const joined = `SELECT ${[...kept, `l.${raw} AS ${raw}`, `r.${value} AS ${value}`, `r.${rank} IS NULL AS ${rest}`].join(', ')} FROM (${keyed.sql}) AS l ${keepsRest ? 'LEFT' : 'INNER'} JOIN (SELECT * FROM (${ranked})${most}) AS r ON ${same(groups)}`;
  const flag: RelationColumn = { name: '', type: 'bool', id: rest };
  const columns = [...rows.columns, key, total, flag];
  const finished = (from: string, keySql: string, totalSql: string): Relation => ({
    columns,
    sql: `SELECT ${[...keptIds(rows).map((id) => `l.${id} AS ${id}`), `${keySql} AS ${key.id}`, `${totalSql} AS ${total.id}`, `l.${rest} AS ${rest}`].join(', ')} FROM ${from}`,
  });
  if (!keepsRest) return finished(`(${joined}) AS l`, `l.${raw}`, `l.${value}`);
  const restKey = level.others
    ? constantAs(ctx, level.others, key.type)
    : key.type === 'string'
      ? "''"
      : `NULL::${physicalType[key.type]}`;
  const keySql = `CASE WHEN l.${rest} THEN ${restKey} ELSE l.${raw} END`;
  if (!level.others) return finished(`(${joined}) AS l`, keySql, `l.${value}`);
  const restTotals = `SELECT ${[...parents, rest].join(', ')}, ${aggregate} AS ${others} FROM (${joined}) WHERE ${rest} GROUP BY ${[...parents, rest].join(', ')}`;
  const from = `(${joined}) AS l LEFT JOIN (${restTotals}) AS r ON ${same([...parents, rest])}`;
  return finished(from, keySql, `CASE WHEN l.${rest} THEN r.${others} ELSE l.${value} END`);
}

export const topNestedCompilers: PlanCompilers<'topNested'> = {
  topNested: (ctx, node) => {
    const columns = node.cols.map((column): RelationColumn => ({ ...column, id: ctx.newId() }));
    return nested(ctx, compilePlan(ctx, node.input), node.levels, columns);
  },
};
