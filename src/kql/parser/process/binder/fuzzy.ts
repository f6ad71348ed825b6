import type { BindOptions } from './options.ts';
import { bindOptions } from './options.ts';
import type { LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { kindOf, list, nameOf, need, part, toArray } from '../language/language.ts';
import { sourceOf } from '../language/pipes.ts';

/** Whether a union does without tables that are not there: it says so, or does not say and the request does. */
export function isFuzzy(union: SyntaxNode): boolean {
  const said = list(union, 'Parameters').find((one) => nameOf(need(one, 'Name')).toLowerCase() === 'isfuzzy');
  return said ? /^(true|1)$/i.test(need(said, 'Expression').toString().trim()) : bindOptions().bestEffort;
}

/** Whether a leg of a fuzzy union starts from a table that is not there, or from a function that does. */
export function startsFromNothing(leg: SyntaxNode): boolean {
  const source = sourceOf(leg);
  const { ReferencedSymbol: symbol } = source;
  const known = answers.get(bindOptions()) ?? new Map<LanguageSymbol, boolean>();
  answers.set(bindOptions(), known);
  const before = symbol && known.get(symbol);
  if (before != null) return before;
  const body = source.GetCalledFunctionBody?.();
  const inner = body && part(body, 'Expression');
  const answer = inner
    ? startsFromNothing(inner)
    : /^(NameReference|FunctionCallExpression)$/.test(kindOf(source)) && !symbol;
  if (inner && symbol && isStored(symbol)) known.set(symbol, answer);
  return answer;
}

/** Of stored functions, by compilation: to look into a body is to bind it for the call, and parsers of parsers call hundreds. The arguments
 * of the call do not count, as a parameter is something. */
const answers = new WeakMap<BindOptions, Map<LanguageSymbol, boolean>>();

const isStored = ({ Signatures }: LanguageSymbol): boolean =>
  toArray<{ readonly Declaration?: SyntaxNode | null }>(Signatures).every(({ Declaration }) => Declaration == null);
