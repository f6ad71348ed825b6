import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import type { Expression } from '../plan/expression.ts';
import type { Item } from '../plan/plan.ts';
import type { Column } from '../plan/types.ts';
import { pickedBy } from '../aggregates/pick.ts';
import type { SqlContext } from '../sql/context.ts';
import { aggregateArguments, compileExpression } from '../sql/expressions.ts';
import { compilePlan } from '../sql/plans.ts';
import type { Output, Relation, RelationColumn } from '../sql/relation.ts';
import { asIs, keptIds, orderBy, selectFrom } from '../sql/relation.ts';
import { isFirst, rowScope, withWindows } from '../sql/rows.ts';
import type { PlanCompilers, RowScope } from '../sql/scope.ts';
import { rowCount, splitItem } from './source.ts';

export interface Grouping {
  readonly relation: Relation;
  readonly keys: readonly RelationColumn[];
  readonly scope: RowScope;
}

/** Computes the group keys in a layer below, so that GROUP BY names columns only. */
export function grouping(ctx: SqlContext, input: Relation, by: readonly Item[], cols: readonly Column[]): Grouping {
  const { relation, expressions } = withWindows(
    ctx,
    input,
    by.map((item) => item.expression),
  );
  const scope = rowScope(ctx, relation);
  const added: Output[] = [];
  const keys = by.map((item, index): RelationColumn => {
    const expression = expressions[index] ?? item.expression;
    const name = item.names[0] ?? '';
    const type = cols.find((column) => column.name === name)?.type ?? expression.type;
    const id = ctx.newId();
    added.push(...splitItem([{ name, type, id }], compileExpression(expression, scope), expression));
    return { name, type, id };
  });
  const layered: Relation = { ...relation, sql: selectFrom(relation, [...asIs(keptIds(relation)), ...added]) };
  const grouped = by.flatMap((item) => (item.expression.k === 'column' ? [item.expression.name] : []));
  const order = relation.order && relation.order.length > 0 ? sql` ORDER BY ${orderBy(relation.order)}` : '';
  return { relation: layered, keys, scope: { ...rowScope(ctx, layered), aggregateOrder: order, grouped } };
}

/** The outputs of aggregate items; calls that yield several columns spread over them. */
export function aggregateOutputs(
  items: readonly Item[],
  cols: readonly Column[],
  scope: RowScope,
): { columns: RelationColumn[]; outputs: Output[] } {
  const columns: RelationColumn[] = [];
  const outputs: Output[] = [];
  for (const item of items) {
    const { expression } = item;
    const own = item.names.map((name): RelationColumn => ({
      name,
      type: cols.find((column) => column.name === name)?.type ?? expression.type,
      id: scope.ctx.newId(),
    }));
    columns.push(...own);
    const spread = multiColumns(expression, scope);
    if (spread) outputs.push(...own.map(({ id }, index) => ({ id, sql: spread[index] ?? 'NULL' })));
    else outputs.push(...splitItem(own, compileExpression(expression, scope), expression));
  }
  return { columns, outputs };
}

function multiColumns(expression: Expression, scope: RowScope): Sql[] | undefined {
  if (expression.k !== 'call') return undefined;
  const { aggregates } = scope.ctx.language;
  const row = Object.hasOwn(aggregates, expression.name) ? aggregates[expression.name] : undefined;
  return row?.columns?.(aggregateArguments(expression, scope), expression, scope, scope.aggregateOrder ?? '');
}

function summarize(
  ctx: SqlContext,
  input: Relation,
  by: readonly Item[],
  aggregates: readonly Item[],
  cols: readonly Column[],
): Relation {
  const { relation, keys, scope } = grouping(ctx, input, by, cols);
  const single =
    aggregates.length === 1 && keys.length > 0 ? chosenRows(aggregates[0], relation, keys, scope) : undefined;
  if (single) return single;
  const held: Output[] = [];
  const hold = (value: Sql): Sql => {
    const id = ctx.newId();
    held.push({ id, sql: value });
    return id;
  };
  const parts = aggregates.map((item) => {
    const before = held.length;
    return { ...aggregateOutputs([item], cols, { ...scope, hold }), isTaken: held.length > before };
  });
  const ids = keys.map((key) => key.id);
  const suffix = ids.length > 0 ? sql`GROUP BY ${joined(ids)}` : '';
  const computed = parts.flatMap(({ outputs, isTaken }) => (isTaken ? [] : outputs));
  const below = selectFrom(relation, [...asIs(ids), ...computed, ...held], suffix);
  const taken = parts.flatMap(({ outputs, isTaken }) => (isTaken ? outputs : []));
  const named = asIs([...ids, ...computed.map(({ id }) => id)]);
  return {
    sql: held.length === 0 ? below : selectFrom(sql`(${below})`, [...named, ...taken]),
    columns: [...keys, ...parts.flatMap(({ columns }) => columns)],
  };
}

/** `summarize arg_max(x, …) by k` alone: choosing a row of each group is three times faster than an aggregate of structs. */
function chosenRows(
  item: Item | undefined,
  relation: Relation,
  keys: readonly RelationColumn[],
  scope: RowScope,
): Relation | undefined {
  const call = item?.expression;
  if (!item || call?.k !== 'call' || !/^arg_?(max|min)$/.test(call.name) || item.names.length < 2) return undefined;
  const [by, ...values] = aggregateArguments(call, scope);
  if (!by) return undefined;
  const picked = [{ sql: by.sql, type: by.type }, ...pickedBy(by, values, scope)].slice(0, item.names.length);
  const columns = picked.map(({ type }, index): RelationColumn => ({
    name: item.names[index] ?? '',
    type,
    id: scope.ctx.newId(),
  }));
  const ids = keys.map((key) => key.id);
  const outputs = picked.map(({ sql }, index) => ({ id: columns[index]?.id ?? '', sql }));
  const direction = call.name.endsWith('max') ? 'DESC' : 'ASC';
  const number = sql`row_number() OVER (PARTITION BY ${joined(ids)} ORDER BY ${by.sql} ${direction} NULLS LAST)`;
  const choice = sql`QUALIFY ${isFirst(scope.ctx, number)}`;
  return { sql: selectFrom(relation, [...asIs(ids), ...outputs], choice), columns: [...keys, ...columns] };
}

export const aggregateOperators: PlanCompilers<'summarize' | 'distinct' | 'count' | 'topHitters'> = {
  summarize: (ctx, node) => summarize(ctx, compilePlan(ctx, node.input), node.by, node.aggregates, node.cols),
  distinct: (ctx, node) => summarize(ctx, compilePlan(ctx, node.input), node.items, [], node.cols),
  count: (ctx, node) => {
    const input = compilePlan(ctx, node.input);
    const id = ctx.newId();
    return {
      sql: selectFrom(input, [{ id, sql: 'count(*)' }]),
      columns: [{ name: node.cols[0]?.name ?? 'Count', type: 'long', id }],
    };
  },
  topHitters: (ctx, node) => {
    const total: Expression = node.by
      ? { k: 'call', name: 'sum', args: [node.by], type: node.cols[1]?.type ?? 'long' }
      : { k: 'call', name: 'count', args: [], type: 'long' };
    const names = node.cols.map((column) => column.name);
    const by = [{ names: [names[0] ?? ''], expression: node.of }];
    const relation = summarize(
      ctx,
      compilePlan(ctx, node.input),
      by,
      [{ names: [names[1] ?? ''], expression: total }],
      node.cols,
    );
    const id = relation.columns[1]?.id ?? '';
    const order = [{ id, descending: true, nullsFirst: false }];
    return {
      sql: selectFrom(
        relation,
        asIs(keptIds(relation)),
        sql`ORDER BY ${orderBy(order)} LIMIT ${rowCount(ctx, node.count)}`,
      ),
      columns: relation.columns,
      order,
      serialized: true,
    };
  },
};
