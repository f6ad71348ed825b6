import type { Sql } from '../sql/fragment.ts';
import { sql } from '../sql/fragment.ts';
import type { Expression } from '../plan/expression.ts';
import type { Item, Plan } from '../plan/plan.ts';
import type { Column } from '../plan/types.ts';
import type { SqlContext } from '../sql/context.ts';
import { compileCondition, compileExpression } from '../sql/expressions.ts';
import { compilePlan } from '../sql/plans.ts';
import type { Output, Relation, RelationColumn } from '../sql/relation.ts';
import { asIs, columnNamed, hiddenIds, inOrder, keptIds, selectFrom } from '../sql/relation.ts';
import { anchored, rowScope, withWindows } from '../sql/rows.ts';
import { filtered } from '../sql/scan.ts';
import { splitItem } from './source.ts';
import type { PlanCompilers } from '../sql/scope.ts';

interface Computed {
  readonly relation: Relation;
  /** By output name. */
  readonly columns: ReadonlyMap<string, { readonly column: RelationColumn; readonly sql: Sql }>;
}

/** Computes items over a relation. All of them see the input only; plain columns keep their internal name. */
function compute(ctx: SqlContext, input: Relation, items: readonly Item[], cols: readonly Column[]): Computed {
  const { relation, expressions } = withWindows(
    ctx,
    input,
    items.map((item) => item.expression),
  );
  const scope = rowScope(ctx, relation);
  const columns = new Map<string, { column: RelationColumn; sql: Sql }>();
  items.forEach((item, index) => {
    const expression = expressions[index] ?? item.expression;
    const own = item.names.map((name): RelationColumn => ({
      name,
      type: cols.find((column) => column.name === name)?.type ?? expression.type,
      id: ctx.newId(),
    }));
    if (expression.k === 'column' && own[0]?.type === expression.type) {
      const source = columnNamed(relation, expression.name);
      columns.set(item.names[0] ?? '', { column: { ...own[0], id: source.id }, sql: source.id });
      return;
    }
    for (const { id, sql } of splitItem(own, compileExpression(expression, scope), expression)) {
      const column = own.find((candidate) => candidate.id === id);
      if (column) columns.set(column.name, { column, sql });
    }
  });
  return { relation, columns };
}

/** Order keys must survive a narrower select list; nothing may be selected twice under one name. */
export function narrowed(relation: Relation, outputs: readonly Output[], columns: readonly RelationColumn[]): Relation {
  const chosen = new Map(outputs.map((output) => [output.id, output]));
  for (const key of relation.order ?? []) if (!chosen.has(key.id)) chosen.set(key.id, { id: key.id, sql: key.id });
  return { sql: selectFrom(relation, [...chosen.values()]), columns, ...inOrder(relation) };
}

function extend(ctx: SqlContext, input: Relation, items: readonly Item[], cols: readonly Column[]): Relation {
  const { relation, columns } = compute(ctx, input, items, cols);
  const result = cols.map(
    (column): RelationColumn => columns.get(column.name)?.column ?? columnNamed(relation, column.name),
  );
  const outputs = result.map(({ id, name }) => ({ id, sql: columns.get(name)?.sql ?? id }));
  return narrowed(relation, outputs, result);
}

/** The default join keeps one left row for each key; like the engine, what filters the left side is applied before that choice. */
function intoUniqueJoin(input: Plan, condition: Expression): Plan | undefined {
  if (input.op !== 'join' || input.kind !== 'innerunique') return undefined;
  const left = new Set(input.left.cols.map((column) => column.name));
  return columnNames(condition).every((name) => left.has(name))
    ? { ...input, left: { op: 'filter', input: input.left, condition, cols: input.left.cols } }
    : undefined;
}

const mentionsStar = (expression: Expression): boolean =>
  expression.k === 'column' ? expression.name === '*' : expression.k === 'call' && expression.args.some(mentionsStar);

const columnNames = (expression: Expression): string[] =>
  expression.k === 'column' ? [expression.name] : expression.k === 'call' ? expression.args.flatMap(columnNames) : [];

export const rowOperators: PlanCompilers<'filter' | 'extend' | 'project' | 'select' | 'serialize'> = {
  filter: (ctx, node) => {
    const pushed = intoUniqueJoin(node.input, node.condition);
    if (pushed) return compilePlan(ctx, pushed);
    const input = compilePlan(ctx, node.input);
    const { relation, expressions } = withWindows(ctx, input, [node.condition]);
    const scope = rowScope(ctx, relation);
    // What `*` and terms of search look at are the internal names: those conditions stay in a layer of their own.
    if (mentionsStar(node.condition)) {
      return {
        ...relation,
        sql: selectFrom(
          relation,
          asIs(keptIds(relation)),
          sql`WHERE ${compileCondition(expressions[0] ?? node.condition, scope)}`,
        ),
      };
    }
    return filtered(relation, (column) =>
      compileCondition(expressions[0] ?? node.condition, {
        ...scope,
        column: (reference) => column(columnNamed(relation, reference.name).id),
      }),
    );
  },
  extend: (ctx, node) => extend(ctx, compilePlan(ctx, node.input), node.items, node.cols),
  serialize: (ctx, node) =>
    extend(ctx, { ...anchored(ctx, compilePlan(ctx, node.input)), serialized: true }, node.items, node.cols),
  project: (ctx, node) => {
    const { relation, columns } = compute(ctx, compilePlan(ctx, node.input), node.items, node.cols);
    const outputs = node.cols.flatMap((column) => {
      const found = columns.get(column.name);
      return found ? [found] : [];
    });
    return narrowed(
      relation,
      outputs.map(({ column, sql }) => ({ id: column.id, sql })),
      outputs.map(({ column }) => column),
    );
  },
  select: (ctx, node) => {
    const input = compilePlan(ctx, node.input);
    const columns = node.cols.map((column, index): RelationColumn => ({
      ...columnNamed(input, node.from[index] ?? column.name),
      name: column.name,
    }));
    const ids = [...new Set([...columns.map((column) => column.id), ...hiddenIds(input)])];
    return narrowed(input, asIs(ids), columns);
  },
};
