import type { Sql } from './fragment.ts';
import { fragment, joined, sql } from './fragment.ts';
import * as kql from './macros.ts';
import { invariant } from '../../base/invariant.ts';
import type { Call, Expression } from '../plan/expression.ts';
import { KqlError } from '../plan/kql-error.ts';
import { physicalType } from '../plan/types.ts';
import { boundOnce } from './bound-once.ts';
import { convert } from './convert.ts';
import { literalSql } from './literal.ts';
import { compilePlan } from './plans.ts';
import { selectFrom } from './relation.ts';
import type { RowScope, SqlArgument } from './scope.ts';

/** A query in an expression is never written twice. */
const queryWeight = 1_000;

/** IR → SQL of one value, in the physical type of `expression.type`. */
export function compileExpression(expression: Expression, scope: RowScope): Sql {
  switch (expression.k) {
    case 'literal':
      return literalSql(expression, scope.ctx);
    case 'column':
      return scope.column(expression);
    case 'internal':
      return expression.id;
    case 'parameter': {
      const value = scope.ctx.facts.parameters.get(expression.name);
      if (!value) throw new KqlError('semantic', `The query parameter '${expression.name}' has no value.`);
      return literalSql(value, scope.ctx);
    }
    case 'scalarQuery': {
      const relation = compilePlan(scope.ctx, expression.plan);
      const [column] = relation.columns;
      invariant(column, 'toscalar has a column');
      const select = selectFrom(relation, [{ id: column.id, sql: column.id }], 'LIMIT 1');
      const value = fragment(['(', ')'], [select], { weight: queryWeight });
      return column.type === 'string' ? sql`coalesce(${value}, '')` : convert(value, column.type, expression.type);
    }
    case 'table':
      throw new KqlError('semantic', 'A table cannot stand here.');
    case 'call':
      return compileCall(expression, scope);
  }
}

export const compileArgument = (expression: Expression, scope: RowScope): SqlArgument => ({
  sql:
    expression.k === 'table' || (expression.k === 'column' && expression.name === '*')
      ? ''
      : firstOf(expression, compileExpression(expression, scope)),
  type: expression.type,
  expression,
});

/** An index picks among the columns of such a call. */
const wholeArgument = (expression: Expression, scope: RowScope): SqlArgument => ({
  sql: compileExpression(expression, scope),
  type: expression.type,
  expression,
});

/** Of a call that yields several columns, an expression around it sees the first. */
const firstOf = (expression: Expression, value: Sql): Sql =>
  expression.k === 'call' && (expression.types?.length ?? 1) > 1
    ? kql.json(sql`json_extract(${value}, '$[0]')`)
    : value;

function compileCall(call: Call, scope: RowScope): Sql {
  const { language } = scope.ctx;
  if (scope.aggregateOrder !== undefined && Object.hasOwn(language.aggregates, call.name))
    return compileAggregate(call, scope, scope.aggregateOrder);
  const row = Object.hasOwn(language.functions, call.name) ? language.functions[call.name] : undefined;
  if (!row) throw unsupported(call);
  const args = call.args.map((argument, index) =>
    call.name === 'index' && index === 0 ? wholeArgument(argument, scope) : compileArgument(argument, scope),
  );
  return boundOnce(args, scope, (given) => finish(row.sql(given, call, scope), row.result, call));
}

function compileAggregate(call: Call, scope: RowScope, order: Sql): Sql {
  const row = scope.ctx.language.aggregates[call.name];
  if (!row?.sql && row?.columns) {
    const [first] = row.columns(aggregateArguments(call, scope), call, scope, order);
    if (first !== undefined) return first;
  }
  if (!row?.sql) throw unsupported(call);
  return finish(row.sql(aggregateArguments(call, scope), call, scope, order), row.result, call);
}

/** Inside an aggregate's arguments there are no aggregates. */
export function aggregateArguments(call: Call, scope: RowScope): SqlArgument[] {
  const { ctx, relation, grouped } = scope;
  const inner: RowScope = {
    ctx,
    column: (reference) => scope.column(reference),
    ...(relation && { relation }),
    ...(grouped && { grouped }),
  };
  return call.args.map((argument) => compileArgument(argument, inner));
}

/** Brings the SQL of a row to the type the binder gave the call; strings are never NULL. */
function finish(value: Sql, result: Call['type'] | undefined, call: Call): Sql {
  const converted = result === undefined || result === call.type ? value : convert(value, result, call.type);
  if (call.type === 'string') return sql`coalesce(${converted}, '')`;
  return result === undefined && call.type === 'int' ? sql`CAST(${converted} AS ${physicalType.int})` : converted;
}

export function unsupported(call: Call): KqlError {
  return new KqlError('notSupported', `'${call.name}' is not supported.`, call.at);
}

/** A condition at the top of WHERE: null counts as false there, so plain comparisons do, which lets statistics prune. */
export function compileCondition(expression: Expression, scope: RowScope): Sql {
  if (expression.k === 'call' && (expression.name === 'and' || expression.name === 'or')) {
    const sides = expression.args.map((side) => sql`(${compileCondition(side, scope)})`);
    return joined(sides, expression.name === 'and' ? ' AND ' : ' OR ');
  }
  if (expression.k === 'call' && expression.name === '==') {
    return compileCall({ ...expression, name: '==filter' }, scope);
  }
  return expression.type === 'bool'
    ? compileExpression(expression, scope)
    : convert(compileExpression(expression, scope), expression.type, 'bool');
}
