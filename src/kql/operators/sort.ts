import type { Sql } from '../sql/fragment.ts';
import { sql } from '../sql/fragment.ts';
import type { SortKey } from '../plan/plan.ts';
import type { SqlContext } from '../sql/context.ts';
import { compileExpression } from '../sql/expressions.ts';
import { compilePlan } from '../sql/plans.ts';
import type { OrderKey, Output, Relation } from '../sql/relation.ts';
import { asIs, columnNamed, keptIds, orderBy, selectFrom } from '../sql/relation.ts';
import { rowScope, withWindows } from '../sql/rows.ts';
import { rowCount } from './source.ts';
import type { PlanCompilers } from '../sql/scope.ts';

/** Sorting only notes the keys: what comes after applies them where order matters. */
function sorted(ctx: SqlContext, input: Relation, keys: readonly SortKey[]): Relation {
  const { relation, expressions } = withWindows(
    ctx,
    input,
    keys.map((key) => key.expression),
  );
  const scope = rowScope(ctx, relation);
  const added: Output[] = [];
  const order = keys.map((key, index): OrderKey => {
    const expression = expressions[index] ?? key.expression;
    const isColumn = expression.k === 'column';
    const id = isColumn ? columnNamed(relation, expression.name).id : ctx.newId();
    if (!isColumn) added.push({ id, sql: compileExpression(expression, scope) });
    return { id, descending: key.descending, nullsFirst: key.nullsFirst };
  });
  // Equal keys keep the order they came in when that order is known.
  const tail = (relation.order ?? []).filter((key) => !order.some((own) => own.id === key.id));
  return {
    sql: selectFrom(relation, [...asIs(keptIds(relation)), ...added]),
    columns: relation.columns,
    serialized: true,
    order: [...order, ...tail],
  };
}

function limited(ctx: SqlContext, relation: Relation, count: Sql): Relation {
  const by = relation.order && relation.order.length > 0 ? sql`ORDER BY ${orderBy(relation.order)} ` : '';
  return { ...relation, sql: selectFrom(relation, asIs(keptIds(relation)), sql`${by}LIMIT ${count}`) };
}

export const sortOperators: PlanCompilers<'sort' | 'top' | 'take' | 'sample' | 'sampleDistinct'> = {
  sort: (ctx, node) => sorted(ctx, compilePlan(ctx, node.input), node.keys),
  top: (ctx, node) => limited(ctx, sorted(ctx, compilePlan(ctx, node.input), node.keys), rowCount(ctx, node.count)),
  take: (ctx, node) => limited(ctx, compilePlan(ctx, node.input), rowCount(ctx, node.count)),
  sample: (ctx, node) => {
    const relation: Relation = { ...compilePlan(ctx, node.input), order: [], serialized: false };
    return {
      ...relation,
      sql: selectFrom(relation, asIs(keptIds(relation)), sql`ORDER BY random() LIMIT ${rowCount(ctx, node.count)}`),
    };
  },
  sampleDistinct: (ctx, node) => {
    const input = compilePlan(ctx, node.input);
    const id = ctx.newId();
    const value = compileExpression(node.of, rowScope(ctx, input));
    const [column] = node.cols;
    return {
      sql: sql`SELECT DISTINCT ${value} AS ${id} FROM (${input.sql}) LIMIT ${rowCount(ctx, node.count)}`,
      columns: column ? [{ ...column, id }] : [],
    };
  },
};
