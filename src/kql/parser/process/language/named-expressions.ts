import type { SyntaxNode } from './language.ts';
import { kindOf, list, nameOf, need } from './language.ts';

/** The expression under a name, if it has one. */
export const unnamed = (node: SyntaxNode): SyntaxNode =>
  /^(SimpleNamedExpression|CompoundNamedExpression)$/.test(kindOf(node)) ? need(node, 'Expression') : node;

/** The names that the text gives to what an expression yields; undefined where it gives none. */
export function givenNames(node: SyntaxNode): string[] | undefined {
  const kind = kindOf(node);
  if (kind === 'SimpleNamedExpression') return [nameOf(need(node, 'Name'))];
  if (kind === 'CompoundNamedExpression') return list(need(node, 'Names'), 'Names').map(nameOf);
  return undefined;
}
