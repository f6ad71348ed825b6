import { KqlError } from '../kql-error.ts';
import type { LanguageSymbol, ParsedCode, SyntaxNode } from './language.ts';
import { children, kindOf, need, symbolKind, toArray } from './language.ts';

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A text in which the views of `let` statements stand by their names, and how far what follows was moved. */
export interface NamedViews {
  readonly text: string;
  /** @returns the error with the position it has in the text as sent */
  placed(error: unknown): unknown;
}

/** The binder sees no columns of views that a wildcard takes in, so those wildcards are written out.
 * @returns undefined when there is none */
export function withNamedViews(text: string, code: ParsedCode): NamedViews | undefined {
  const replacements: Replacement[] = [];
  const visit = (node: SyntaxNode): void => {
    if (kindOf(node) === 'RestrictStatement') return;
    const names = kindOf(node) === 'NameReference' ? membersOf(node) : [];
    if (names.length > 0) replacements.push({ start: node.TextStart, end: node.End, text: names.join(', ') });
    else for (const child of children(node)) if (!child.IsToken) visit(child);
  };
  if (/\bview\b/.test(text) && text.includes('*')) visit(code.Syntax);
  if (replacements.length === 0) return undefined;
  let written = text;
  for (const { start, end, text: names } of replacements.toReversed())
    written = written.slice(0, start) + names + written.slice(end);
  return {
    text: written,
    placed: (error) =>
      error instanceof KqlError && error.position !== undefined
        ? new KqlError(error.code, error.message, original(error.position, replacements))
        : error,
  };
}

function membersOf(node: SyntaxNode): string[] {
  const symbol = node.ReferencedSymbol;
  if (!symbol || !/Wildcard/.test(kindOf(need(node, 'Name')))) return [];
  const members = symbolKind(symbol) === 'GroupSymbol' ? toArray<LanguageSymbol>(symbol.Members) : [symbol];
  const ofViews = members.some((member) => symbolKind(member) === 'FunctionSymbol');
  return ofViews ? members.map(({ Name }) => `['${Name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`) : [];
}

function original(position: number, replacements: readonly Replacement[]): number {
  let moved = 0;
  for (const { start, end, text } of replacements) {
    if (position < start + moved) break;
    if (position < start + moved + text.length) return start;
    moved += text.length - (end - start);
  }
  return position - moved;
}
