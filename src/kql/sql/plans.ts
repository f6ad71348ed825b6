import type { Plan } from '../plan/plan.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { SqlContext } from './context.ts';
import type { Relation } from './relation.ts';

/** IR → SQL of a table. Columns get fresh internal names each time, so one plan may be compiled often. */
export function compilePlan(ctx: SqlContext, plan: Plan): Relation {
  if (plan.op === 'rowwise')
    throw new KqlError(
      'notSupported',
      `'${plan.name}' is not supported inside a subquery that runs for each row.`,
      plan.at,
    );
  const compile = ctx.language.operators[plan.op] as (ctx: SqlContext, node: Plan) => Relation;
  return compile(ctx, plan);
}
