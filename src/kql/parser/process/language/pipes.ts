import type { SyntaxNode } from './language.ts';
import { kindOf, need, part } from './language.ts';

/** What a tabular expression starts from. */
export function sourceOf(node: SyntaxNode): SyntaxNode {
  const kind = kindOf(node);
  if (kind === 'ParenthesizedExpression' || kind === 'PipeExpression') return sourceOf(need(node, 'Expression'));
  return kind === 'PathExpression' ? sourceOf(need(node, 'Selector')) : node;
}

/** Whether a leg of a fuzzy union starts from a table that is not there, or from a function that does. */
export function startsFromNothing(leg: SyntaxNode): boolean {
  const source = sourceOf(leg);
  const body = source.GetCalledFunctionBody?.();
  const inner = body && part(body, 'Expression');
  if (inner) return startsFromNothing(inner);
  return /^(NameReference|FunctionCallExpression)$/.test(kindOf(source)) && !source.ReferencedSymbol;
}

/** What stands left of the pipe before an operator. */
export function pipedInto(operator: SyntaxNode): SyntaxNode | undefined {
  const parent = operator.Parent;
  return parent && kindOf(parent) === 'PipeExpression' && part(parent, 'Operator') === operator
    ? part(parent, 'Expression')
    : undefined;
}

/** The words that begin the operator, which is how users know it. */
export const operatorTitle = (node: SyntaxNode): string =>
  (node.toString().trim().split(/[\s(]/)[0] ?? kindOf(node)).slice(0, 60);
