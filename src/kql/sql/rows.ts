import type { Sql } from './fragment.ts';
import { sql } from './fragment.ts';
import type { ColumnReference, Expression } from '../plan/expression.ts';
import { engineMistake } from '../plan/kql-error.ts';
import type { SqlContext } from './context.ts';
import { compileExpression } from './expressions.ts';
import type { OrderKey, Output, Relation } from './relation.ts';
import { asIs, columnNamed, keptIds, orderBy, selectFrom } from './relation.ts';
import type { RowScope } from './scope.ts';

/** The scope of an operator that sees the rows of one relation. */
export function rowScope(ctx: SqlContext, relation: Relation): RowScope {
  return { ctx, relation, column: (reference: ColumnReference) => columnNamed(relation, reference.name).id };
}

/** Whether a row is the first of its group. DuckDB makes an aggregate of that, and fails to where a condition with two bounds stands before
 * it that no scan takes in (1.5.6, `top_n_window_elimination`): the second form says it in a way that DuckDB leaves alone.
 * @param number what `row_number()` gives */
export const isFirst = (ctx: SqlContext, number: Sql): Sql =>
  ctx.wrapping ? sql`coalesce(${number}, 0) = 1` : sql`${number} = 1`;

/** Adds columns to a relation; visible ones stay as they are. */
export function withOutputs(relation: Relation, outputs: readonly Output[]): Sql {
  return selectFrom(relation, [...asIs(keptIds(relation)), ...outputs]);
}

/** Gives the rows an explicit number, so that every window function afterwards sees one and the same order. */
export function anchored(ctx: SqlContext, relation: Relation): Relation {
  const { order } = relation;
  if (order?.length === 1 && order[0]?.numbersRows) return relation;
  const id = ctx.newId();
  const over = order && order.length > 0 ? sql`ORDER BY ${orderBy(order)}` : '';
  const numbered = withOutputs(relation, [{ id, sql: sql`row_number() OVER (${over})` }]);
  const key: OrderKey = { id, descending: false, nullsFirst: false, numbersRows: true };
  return { sql: numbered, columns: relation.columns, order: [key], ...(relation.serialized && { serialized: true }) };
}

/** Window calls (row_number, prev, row_cumsum …) may not nest in SQL nor stand in WHERE: each is computed in a layer of its
 * own, innermost first, and the expressions then refer to its column. */
export function withWindows(
  ctx: SqlContext,
  relation: Relation,
  expressions: readonly Expression[],
): { relation: Relation; expressions: Expression[] } {
  const { windows } = ctx.language;
  const isWindow = (expression: Expression): boolean =>
    expression.k === 'call' && Object.hasOwn(windows, expression.name);
  const hasWindow = (expression: Expression): boolean =>
    isWindow(expression) || (expression.k === 'call' && expression.args.some(hasWindow));
  const firstWindow = (expression: Expression): string | undefined =>
    expression.k !== 'call'
      ? undefined
      : isWindow(expression)
        ? expression.name
        : expression.args.map(firstWindow).find((one) => one !== undefined);
  if (!expressions.some(hasWindow)) return { relation, expressions: [...expressions] };
  if (!relation.serialized) {
    const name = expressions.map(firstWindow).find((one) => one !== undefined) ?? '';
    const message = `Function '${name}' cannot be invoked. The row set must be serialized.`;
    throw engineMistake('semantic', { token: name }, message);
  }
  let current = anchored(ctx, relation);
  const replace = (expression: Expression): Expression => {
    if (expression.k !== 'call' || !hasWindow(expression)) return expression;
    const args = expression.args.map(replace);
    const call = { ...expression, args };
    if (!isWindow(expression)) return call;
    const id = ctx.newId();
    const scope = rowScope(ctx, current);
    const row = windows[call.name];
    const compiled = row
      ? row.sql(
          call,
          (inner) => compileExpression(inner, scope),
          orderBy(current.order ?? []),
          (outputs) => {
            current = hidden(current, outputs);
          },
          ctx,
        )
      : 'NULL';
    current = hidden(current, [{ id, sql: compiled }]);
    return { k: 'internal', id, type: call.type };
  };
  const replaced = expressions.map(replace);
  return { relation: current, expressions: replaced };
}

/** Hidden columns travel as order keys that never decide: after a unique row number they change nothing. */
function hidden(relation: Relation, outputs: readonly Output[]): Relation {
  const keys = outputs.map(({ id }): OrderKey => ({ id, descending: false, nullsFirst: false }));
  return {
    sql: withOutputs(relation, outputs),
    columns: relation.columns,
    serialized: true,
    order: [...(relation.order ?? []), ...keys],
  };
}
