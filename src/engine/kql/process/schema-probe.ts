import { KqlError } from '../kql-error.ts';
import type { ParsedCode, SyntaxNode } from './language.ts';
import { children, kindOf, need, part } from './language.ts';

/** What the binder refuses may be right once it knows the columns that depend on data: it takes none to come from inside of partition
 * and mv-apply, and doubles some where `*` stands for columns to come. The text up to the end of the first operator that gives
 * such columns, before the place of the error, tells them when it runs.
 * @returns undefined where there is none */
export function schemaProbe(text: string, code: ParsedCode, error: unknown): string | undefined {
  if (!(error instanceof KqlError) || error.code !== 'semantic' || error.position === undefined) return undefined;
  const operator = firstOpen(code.Syntax, error.position);
  if (!operator) return undefined;
  let definition: SyntaxNode | undefined;
  for (let node = operator.Parent; node; node = node.Parent) {
    if (kindOf(node) === 'FunctionDeclaration') return undefined;
    if (kindOf(node) === 'LetStatement') definition = node;
  }
  const before = text.slice(0, operator.End);
  if (!definition) return before;
  // What a `let` names runs by itself. Positions stay.
  const [start, end] = [definition.TextStart, need(definition, 'Expression').TextStart];
  return before.slice(0, start) + ' '.repeat(end - start) + before.slice(end);
}

function firstOpen(node: SyntaxNode, before: number): SyntaxNode | undefined {
  if (/^(Evaluate|Partition|MvApply)Operator$/.test(kindOf(node)) && node.End <= before && hasOpenPlugin(node))
    return node;
  for (const child of children(node)) {
    const found = child.IsToken || child.TextStart > before ? undefined : firstOpen(child, before);
    if (found) return found;
  }
  return undefined;
}

const hasOpenPlugin = (node: SyntaxNode): boolean =>
  (kindOf(node) === 'EvaluateOperator' && !part(node, 'Schema') && node.ResultType?.IsOpen === true) ||
  children(node).some((child) => !child.IsToken && hasOpenPlugin(child));
