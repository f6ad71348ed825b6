import type { Call, Expression } from '../plan/expression.ts';
import { expansionOf, isPlain, substituted } from './copies.ts';
import type { RowScope, SqlArgument } from './scope.ts';

/** What an argument may weigh that is written as often as it is needed. */
const lightMax = 100;
/** A query in an expression is never written twice. */
const queryWeight = 1_000;

const weights = new WeakMap<Expression, number>();
const weightOf = (expression: Expression): number =>
  weights.get(expression) ?? (expression.k === 'scalarQuery' ? queryWeight : 1);

/** Compiles a call so that the whole text, once DuckDB has expanded it, grows no faster than the expression: an argument that weighs much
 * and is needed several times is computed once, as the parameter of a lambda over a list of one.
 * @param write makes SQL of the arguments that it is given */
export function boundOnce(
  call: Call,
  args: readonly SqlArgument[],
  { ctx }: RowScope,
  write: (args: readonly SqlArgument[]) => string,
): string {
  if (!args.some(({ expression }) => weightOf(expression) > lightMax)) {
    const sql = write(args);
    weights.set(call, expansionOf(sql).weight);
    return sql;
  }
  // Inside of a lambda DuckDB takes neither queries nor aggregates: what is more than a name stands outside.
  const row = ctx.newId();
  const bound = args.map(({ sql, expression }) =>
    isPlain(sql) || sql === '' || expression.k === 'literal' ? undefined : `${row}.${ctx.newId()}`,
  );
  const body = write(args.map((argument, index) => ({ ...argument, sql: bound[index] ?? argument.sql })));
  const names = new Set(bound.flatMap((name) => name ?? []));
  const { weight, copies } = expansionOf(body, names);
  const uses = args.flatMap(({ sql, expression }, index) => {
    const name = bound[index];
    return name === undefined ? [] : [{ name, sql, weight: weightOf(expression), count: copies.get(name) ?? 0 }];
  });
  const isOften = uses.some((use) => use.count > 1 && use.weight > lightMax);
  weights.set(call, weight + uses.reduce((sum, use) => sum + use.weight * (isOften ? 1 : use.count), 0));
  if (!isOften) return substituted(body, new Map(uses.map(({ name, sql }) => [name, sql])));
  const fields = uses
    .filter(({ count }) => count > 0)
    .map(({ name, sql }) => `${name.slice(row.length + 1)} := ${sql}`);
  return `list_transform([struct_pack(${fields.join(', ')})], lambda ${row}: ${body})[1]`;
}
