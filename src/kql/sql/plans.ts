import type { Plan, PlanNode } from '../plan/plan.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { SqlContext } from './context.ts';
import { aggregateOperators } from '../operators/aggregate.ts';
import { expandOperators } from '../operators/expand.ts';
import { joinCompilers } from '../operators/join.ts';
import { parseCompilers } from '../operators/parse.ts';
import { rowOperators } from '../operators/row.ts';
import { seriesCompilers } from '../operators/series.ts';
import { sortOperators } from '../operators/sort.ts';
import { sourceOperators } from '../operators/source.ts';
import { topNestedCompilers } from '../operators/top-nested.ts';
import type { Relation } from './relation.ts';

type NodeOf<Op extends PlanNode['op']> = Extract<Plan, { readonly op: Op }>;
export type PlanCompilers<Ops extends PlanNode['op']> = {
  readonly [Op in Ops]: (ctx: SqlContext, node: NodeOf<Op>) => Relation;
};
/** `rowwise` is replaced by the rows it made before SQL is generated. */
export type CompiledOps = Exclude<PlanNode['op'], 'rowwise'>;

/** One row per operator, in the file of its family under `operators/`. A new IR node does not compile without its row. */
const collected = (): PlanCompilers<CompiledOps> => ({
  ...sourceOperators,
  ...rowOperators,
  ...sortOperators,
  ...aggregateOperators,
  ...joinCompilers,
  ...expandOperators,
  ...parseCompilers,
  ...seriesCompilers,
  ...topNestedCompilers,
});
/** Put together when first asked for: operators refer back to this module. */
let compilers: PlanCompilers<CompiledOps> | undefined;

/** IR → SQL of a table. Columns get fresh internal names each time, so one plan may be compiled often. */
export function compilePlan(ctx: SqlContext, plan: Plan): Relation {
  if (plan.op === 'rowwise')
    throw new KqlError(
      'notSupported',
      `'${plan.name}' is not supported inside a subquery that runs for each row.`,
      plan.at < 0 ? undefined : plan.at,
    );
  compilers ??= collected();
  const compile = compilers[plan.op] as (ctx: SqlContext, node: Plan) => Relation;
  return compile(ctx, plan);
}
