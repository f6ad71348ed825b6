import type { KqlError } from '../../../plan/kql-error.ts';
import { engineMistake } from '../../../plan/kql-error.ts';
import type { SyntaxNode } from '../language/language.ts';
import { kindOf, list, nameOf, need, part } from '../language/language.ts';
import { quotedText } from '../../../plan/quoted.ts';
import { literalOf } from '../language/literals.ts';

/** Who asks with patterns that are declared empty reads from the error which of them are wanted: all, each once.
 * @param calls of patterns for values that no pattern is declared for
 * @see Kusto documentation, "Pattern statement" */
export function missingPatterns(calls: readonly SyntaxNode[], position: number | undefined): KqlError {
  const references = JSON.stringify([...new Set(calls.map(patternReference))]).replaceAll('","', '", "');
  const message = `One or more pattern references were not declared. Detected pattern references: ${references}`;
  return engineMistake('semantic', { code: 'SEM0036' }, message, position, 'KS188');
}

/** `name('a','b').['path']`, however it is written. */
function patternReference(call: SyntaxNode): string {
  const values = list(need(call, 'ArgumentList'), 'Expressions').map((argument) => {
    const literal = literalOf(argument);
    return literal ? quotedText(String(literal.value)) : argument.toString().trim();
  });
  const parent = call.Parent;
  const selector = parent && kindOf(parent) === 'PathExpression' ? part(parent, 'Selector') : undefined;
  const inner = selector && part(selector, 'Expression');
  const literal = inner && literalOf(inner);
  const name = selector && (literal ? literal.value : nameOf(selector));
  return `${nameOf(need(call, 'Name'))}(${values.join(',')})${name === undefined ? '' : `.[${quotedText(String(name))}]`}`;
}
