import type { Expression } from '../../../../plan/expression.ts';
import type { Plan } from '../../../../plan/plan.ts';
import type { Builder } from './builder.ts';
import { inside } from './builder.ts';
import { isTabular } from '../../language/node-types.ts';
import type { SyntaxNode } from '../../language/language.ts';

/** Builds one pipe operator. `input` is undefined when it stands first (`union`, `search`, `print` …). */
export type OperatorBuilder = (b: Builder, node: SyntaxNode, input: Plan | undefined) => Plan;

/** What builds a node, by its kind. It is handed in with the draft (`visitors.ts`), so that no family of builders has to know another. */
export interface Visitors {
  readonly expression: (b: Builder, node: SyntaxNode) => Expression;
  readonly table: (b: Builder, node: SyntaxNode, input?: Plan) => Plan;
  readonly statement: (b: Builder, node: SyntaxNode) => void;
}

/** Turns a bound scalar expression into IR. */
export const buildScalar = (b: Builder, node: SyntaxNode): Expression => b.draft.visitors.expression(b, node);

/** Turns a bound tabular expression into a plan.
 * @param input what the leftmost operator starts from when it has no source of its own */
export const buildTable = (b: Builder, node: SyntaxNode, input?: Plan): Plan => b.draft.visitors.table(b, node, input);

/** Binds what a statement declares, or adds its results. */
export const buildStatement = (b: Builder, node: SyntaxNode): void => b.draft.visitors.statement(b, node);

/** A function argument may be a table. */
export function buildArgument(b: Builder, node: SyntaxNode): Expression {
  if (!isTabular(node)) return buildScalar(b, node);
  const plan = buildTable(inside(b), node);
  return { k: 'table', plan, type: plan.cols[0]?.type ?? 'dynamic' };
}
