import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import { asksForExtents } from '../plan/record-facts.ts';
import { invariant } from '../../base/invariant.ts';
import type { Expression } from '../plan/expression.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { Column } from '../plan/types.ts';
import { physicalType } from '../plan/types.ts';
import type { SqlContext } from '../sql/context.ts';
import { convert } from '../sql/convert.ts';
import { compileExpression } from '../sql/expressions.ts';
import type { Output, Relation, RelationColumn } from '../sql/relation.ts';
import { listed, named, renamed, selectFrom, withoutRows } from '../sql/relation.ts';
import { scanOf } from '../sql/scan.ts';
import type { PlanCompilers, RowScope } from '../sql/scope.ts';

/** A row without columns is still one. */
const oneRow = { id: 'none', sql: '1' };

const noRow = (ctx: SqlContext): RowScope => ({
  ctx,
  column: () => {
    throw new KqlError('semantic', 'A column cannot be used here: a constant is needed.');
  },
});

export const compileConstant = (ctx: SqlContext, expression: Expression): Sql =>
  compileExpression(expression, noRow(ctx));

/** A constant in the physical type of `type`. */
export const constantAs = (ctx: SqlContext, expression: Expression, type: Column['type']): Sql =>
  convert(compileConstant(ctx, expression), expression.type, type);

/** How many rows an operator leaves. What is known only while running is none where it is less than none.
 * @throws KqlError semantic for a negative constant */
export function rowCount(ctx: SqlContext, expression: Expression): Sql {
  const written = constantAs(ctx, expression, 'long');
  const [inner] = expression.k === 'call' && expression.name === 'neg' ? expression.args : [];
  if (inner?.k === 'literal' || (expression.k === 'literal' && String(expression.value).startsWith('-')))
    throw new KqlError('semantic', 'A number of rows must not be negative.');
  if (expression.k === 'literal' && expression.value === null)
    throw new KqlError('semantic', 'A number of rows must not be null.');
  return expression.k === 'literal' ? written : sql`greatest(${written}, 0)`;
}

export function freshColumns(ctx: SqlContext, cols: readonly Column[]): RelationColumn[] {
  return cols.map((column) => ({ ...column, id: ctx.newId() }));
}

function datatableRelation(
  ctx: SqlContext,
  rows: readonly (readonly Expression[])[],
  cols: readonly Column[],
): Relation {
  const columns = freshColumns(ctx, cols);
  if (rows.length === 0) return withoutRows(columns);
  const values = rows.map((row) => sql`(${joined(row.map((cell, index) => cellSql(ctx, cell, cols[index])))})`);
  return {
    sql: sql`SELECT * FROM (VALUES ${joined(values)}) AS t(${joined(columns.map((column) => column.id))})`,
    columns,
    ...(rows.length === 1 && { serialized: true }),
  };
}

function cellSql(ctx: SqlContext, cell: Expression, column: Column | undefined): Sql {
  invariant(column, 'a datatable row has a cell for each column');
  if (cell.k === 'literal' && cell.value === null)
    return column.type === 'string' ? "''" : `NULL::${physicalType[column.type]}`;
  return constantAs(ctx, cell, column.type);
}

export const sourceOperators: PlanCompilers<
  'table' | 'reference' | 'context' | 'datatable' | 'range' | 'print' | 'temporary'
> = {
  table: (ctx, node) => {
    const source = ctx.table(node.database, node.table, node.cols);
    const columns = freshColumns(ctx, node.cols);
    const names = new Set(node.cols.map(({ name }) => name));
    const from = (asksForExtents(node.cols) ? source.extentSql?.() : source.sqlOf?.(names)) ?? source.sql;
    return scanOf(from, columns, source.columns);
  },
  reference: (ctx, node) => ctx.reference(node.id),
  context: (ctx) => {
    invariant(ctx.context, 'a subquery has rows to start from');
    return renamed(ctx.context, () => ctx.newId());
  },
  temporary: (ctx, node) => {
    const columns = freshColumns(ctx, node.cols);
    const outputs = columns.map(({ id }, index) => ({ id, sql: node.ids[index] ?? 'NULL' }));
    if (node.order === 'none') return { sql: selectFrom(node.name, outputs.length > 0 ? outputs : [oneRow]), columns };
    const order = ctx.newId();
    return {
      sql: selectFrom(node.name, [...outputs, { id: order, sql: 'position' }]),
      columns,
      order: [{ id: order, descending: false, nullsFirst: false, numbersRows: true }],
      ...(node.order !== 'sorted' && { serialized: true }),
    };
  },
  datatable: (ctx, node) => datatableRelation(ctx, node.rows, node.cols),
  range: (ctx, node) => {
    const columns = freshColumns(ctx, node.cols);
    const [column] = columns;
    invariant(column, 'range has one column');
    const { type, id } = column;
    const stepType = type === 'datetime' ? 'timespan' : type;
    const [from, to, by] = [
      constantAs(ctx, node.from, type),
      constantAs(ctx, node.to, type),
      constantAs(ctx, node.step, node.step.type === 'timespan' ? 'timespan' : stepType),
    ];
    // A literal has been looked at; what is computed is known only now.
    const step =
      node.step.k === 'literal'
        ? by
        : sql`CASE WHEN ${by} = 0 THEN error('kql fails: range: the step is 0.') ELSE ${by} END`;
    if (type === 'real' || type === 'decimal') {
      const count = sql`CAST(floor((${to} - ${from}) / ${step} + 1e-9) AS BIGINT)`;
      return {
        sql: sql`SELECT ${convert(sql`(${from} + i * ${step})`, 'real', 'real')} AS ${id} FROM range(0, ${count} + 1) AS t(i)`,
        columns,
        order: [{ id, descending: false, nullsFirst: false }],
        serialized: true,
      };
    }
    const last = sql`CASE WHEN ${step} > 0 THEN ${to} + 1 ELSE ${to} - 1 END`;
    return {
      sql: sql`SELECT ${type === 'int' ? 'CAST(i AS INTEGER)' : 'i'} AS ${id} FROM range(CAST(${from} AS BIGINT), CAST(${last} AS BIGINT), CAST(${step} AS BIGINT)) AS t(i)`,
      columns,
      serialized: true,
    };
  },
  print: (ctx, node) => {
    const columns = freshColumns(ctx, node.cols);
    let next = 0;
    const outputs = node.items.flatMap((item) => {
      const own = columns.slice(next, next + item.names.length);
      next += item.names.length;
      return splitItem(own, compileConstant(ctx, item.expression), item.expression);
    });
    return {
      sql: sql`SELECT ${listed(named(outputs))}`,
      columns,
      serialized: true,
    };
  },
};

/** An expression that yields several columns gives one JSON array; each column reads its element. */
export function splitItem(columns: readonly RelationColumn[], value: Sql, expression: Expression): Output[] {
  const [only] = columns;
  if (columns.length === 1 && only) {
    const types = expression.k === 'call' ? expression.types : undefined;
    if (types && types.length > 1)
      return [{ id: only.id, sql: convert(kql.json(sql`json_extract(${value}, '$[0]')`), 'dynamic', only.type) }];
    return [{ id: only.id, sql: convert(value, expression.type, only.type) }];
  }
  return columns.map(({ id, type }, index) => ({
    id,
    sql: convert(kql.json(sql`json_extract(${value}, '$[${index}]')`), 'dynamic', type),
  }));
}
