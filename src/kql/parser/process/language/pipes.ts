import type { SyntaxNode } from './language.ts';
import { kindOf, need, part } from './language.ts';

/** What a tabular expression starts from. */
export function sourceOf(node: SyntaxNode): SyntaxNode {
  const kind = kindOf(node);
  if (kind === 'ParenthesizedExpression' || kind === 'PipeExpression') return sourceOf(need(node, 'Expression'));
  return kind === 'PathExpression' ? sourceOf(need(node, 'Selector')) : node;
}

/** What stands left of the pipe before an operator. */
export function pipedInto(operator: SyntaxNode): SyntaxNode | undefined {
  const parent = operator.Parent;
  return parent && kindOf(parent) === 'PipeExpression' && part(parent, 'Operator') === operator
    ? part(parent, 'Expression')
    : undefined;
}

/** The table of what a name stands for: `render` at its end is for who draws a result, and a name is none.
 * @see real queries of first parties, which call functions that end with `render` */
export function undrawn(node: SyntaxNode): SyntaxNode {
  const drawn = kindOf(node) === 'PipeExpression' && kindOf(need(node, 'Operator')) === 'RenderOperator';
  return drawn ? undrawn(need(node, 'Expression')) : node;
}

/** The words that begin the operator, which is how users know it. */
export const operatorTitle = (node: SyntaxNode): string =>
  (node.toString().trim().split(/[\s(]/)[0] ?? kindOf(node)).slice(0, 60);
