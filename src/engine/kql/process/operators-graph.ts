import type { SyntaxNode } from './language.ts';
import { symbolKind } from './language.ts';
import type { OperatorBuilder } from './tables.ts';

export const isGraph = (node: SyntaxNode): boolean => {
  const result = node.ResultType;
  return result !== null && result !== undefined && symbolKind(result) === 'GraphSymbol';
};

/** No graph operator is built yet: each is refused by name. */
export const graphOperators: Readonly<Record<string, OperatorBuilder>> = {};
