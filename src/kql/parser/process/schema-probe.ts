import { KqlError } from '../../plan/kql-error.ts';
import type { ParsedCode, SyntaxNode } from './language.ts';
import { children, kindOf, part } from './language.ts';

/** What the binder refuses may be right once it knows the columns that depend on data: it takes none to come from inside of partition
 * and mv-apply, doubles some where `*` stands for columns to come, and misses those that a function wants of its table. The pipe
 * up to the first operator that gives such columns, and what stands before its statement, tells them when it runs.
 * @returns undefined where there is none */
export function schemaProbe(text: string, code: ParsedCode, error: unknown): string | undefined {
  if (!(error instanceof KqlError) || error.code !== 'semantic' || error.position === undefined) return undefined;
  const operator = firstOpen(code.Syntax);
  let statement: SyntaxNode | undefined = operator;
  while (statement && !kindOf(statement).endsWith('Statement')) {
    if (kindOf(statement) === 'FunctionDeclaration') return undefined;
    statement = statement.Parent ?? undefined;
  }
  if (!operator || !statement) return undefined;
  const pipe = operator.Parent && kindOf(operator.Parent) === 'PipeExpression' ? operator.Parent : operator;
  // Positions stay.
  const left = text.slice(0, statement.TextStart).padEnd(pipe.TextStart);
  return left + text.slice(pipe.TextStart, operator.End);
}

function firstOpen(node: SyntaxNode): SyntaxNode | undefined {
  if (/^(Evaluate|Partition|MvApply)Operator$/.test(kindOf(node)) && hasOpenPlugin(node)) return node;
  for (const child of children(node)) {
    const found = child.IsToken ? undefined : firstOpen(child);
    if (found) return found;
  }
  return undefined;
}

/** Whether there is a plugin in it whose columns only a run tells. */
export const hasOpenPlugin = (node: SyntaxNode): boolean =>
  (kindOf(node) === 'EvaluateOperator' && !part(node, 'Schema') && node.ResultType?.IsOpen === true) ||
  children(node).some((child) => !child.IsToken && hasOpenPlugin(child));
