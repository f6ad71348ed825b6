import type { LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { kindOf, toArray } from '../language/language.ts';

/** A tree of its own, whatever is in it. */
const treeBytes = 10_000;
/** A node or a token, with its place, and what the binder has found of it. */
const elementBytes = 1_100;
const symbolBytes = 300;
/** Of a column in a table: its place in the list and by its name. */
const placeBytes = 100;

/** What the body of a function takes in V8's heap, bound for a call: its tree, and what symbols its nodes have, each once, although those of
 * the catalog are there without it. Functions that it declares are in there once more, bound for their calls; the bodies of other functions
 * that it calls are others'. As seen of long texts, wide tables and joins that double them, it is no less than half of what is taken.
 * @param enough it counts no further: the answer is then more than that
 * @returns bytes */
export function boundBytes(root: SyntaxNode, enough = Infinity): number {
  const counted = new Set<LanguageSymbol>();
  const symbols: LanguageSymbol[] = [];
  const add = (symbol: LanguageSymbol | null | undefined): void => {
    if (symbol == null || counted.has(symbol)) return;
    counted.add(symbol);
    symbols.push(symbol);
  };
  const nodes: [node: SyntaxNode, times: number][] = [[root, 1]];
  let total = treeBytes;
  while (total <= enough) {
    const symbol = symbols.pop();
    if (symbol !== undefined) {
      const parts = toArray<LanguageSymbol>(symbol.Columns ?? symbol.Members);
      total += symbolBytes + placeBytes * parts.length;
      for (const one of parts) add(one);
      continue;
    }
    const next = nodes.pop();
    if (next === undefined) break;
    const [node, times] = next;
    total += elementBytes * times;
    if (node.IsToken) continue;
    add(node.ResultType);
    add(node.ReferencedSymbol);
    const inside = kindOf(node) === 'FunctionDeclaration' ? 2 * times : times;
    for (let index = 0; index < node.ChildCount; index += 1) {
      const child = node.GetChild(index);
      if (child) nodes.push([child, inside]);
    }
  }
  return total;
}
