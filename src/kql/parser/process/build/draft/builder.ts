import type { Expression } from '../../../../plan/expression.ts';
import type { Placed, Plan } from '../../../../plan/plan.ts';
import { startsFromContext } from '../../../../plan/walk.ts';
import { placeOf } from '../../binder/open-schemas.ts';
import type { Draft } from './draft.ts';
import type { Graph } from './graph.ts';
import type { LanguageSymbol, SyntaxNode } from '../../language/language.ts';
import type { Binding, Scope } from './scope.ts';

/** Carries what a subtree is built with. Immutable; narrower ones are made by spreading. */
export interface Builder {
  readonly draft: Draft;
  readonly scope: Scope;
  /** Added to a node's start to get the offset in the text as sent; undefined inside stored functions. */
  readonly offset: number | undefined;
  /** The places of the function calls that this is in, from the outermost. */
  readonly calls?: readonly string[];
  /** The rows that a subquery without a source starts from (mv-apply, partition, fork). */
  readonly context?: Plan;
  /** The column whose value a subquery with a source of its own runs for (partition … { … }). */
  readonly partitionKey?: LanguageSymbol;
  /** How many tables inside expressions this is in: toscalar(…), in (…), arguments. */
  readonly depth?: number;
  /** The graph that an operator without a source works on (make-graph … partitioned-by). */
  readonly graph?: Graph;
}

/** A table with a source of its own does not see the rows around it. */
export const withoutContext = ({ draft, scope, offset, calls, partitionKey, depth }: Builder): Builder => ({
  draft,
  scope,
  offset,
  ...(calls && { calls }),
  ...(depth !== undefined && { depth }),
  ...(partitionKey && { partitionKey }),
});

/** A table inside an expression has rows of its own. */
export const inside = (b: Builder): Builder => ({ ...withoutContext(b), depth: (b.depth ?? 0) + 1 });

/** A name for an expression, good where the rows are that the expression reads. */
export const scalarBinding = (b: Builder, expression: Expression): Binding =>
  readsRow(expression) ? { k: 'scalar', expression, depth: b.depth ?? 0 } : { k: 'scalar', expression };

export const readsRow = (expression: Expression): boolean =>
  expression.k === 'column' || (expression.k === 'call' && expression.args.some(readsRow));

/** For what may be kept while the text is compiled again. */
export const placedAt = (b: Builder, node: SyntaxNode): Required<Pick<Placed, 'place'>> & Placed => ({
  place: placeOf(node),
  ...(b.calls && { calls: b.calls }),
});

/** Inside of the function that a node calls. */
export const callsThrough = (b: Builder, node: SyntaxNode): Required<Pick<Builder, 'calls'>> => ({
  calls: [...(b.calls ?? []), placeOf(node)],
});

/** Gives a tabular expression a number, so that it is planned once however often it is named. What starts from the rows of a
 * subquery has other rows for each of its runs, and stays where it is.
 * @param once the node whose rows are computed once, whoever reads them */
export function shareTable(b: Builder, plan: Plan, once?: SyntaxNode): Plan {
  if (startsFromContext(plan) || (plan.op === 'reference' && !once)) return plan;
  if (plan.op === 'reference' && b.draft.lets.some(({ id, materialized }) => materialized && id === plan.id))
    return plan;
  const id = b.draft.lets.length;
  b.draft.lets.push({ id, plan, materialized: once !== undefined, ...(once && placedAt(b, once)) });
  return { op: 'reference', id, cols: plan.cols };
}
