import type { BindOptions } from './options.ts';
import { bindOptions } from './options.ts';
import { hasOpenPlugin } from './open-schemas.ts';
import type { LanguageDiagnostic, LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { children, kindOf, list, nameOf, need, part, toArray } from '../language/language.ts';
import { pipedInto, sourceOf } from '../language/pipes.ts';
import { isUnknownName, pathTo } from '../words/complaint.ts';

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

/** Whether a fuzzy union does without a leg: it starts from nothing, or names a column, a table or a function that is not there, itself or
 * in a function that it calls. A recorded answer has such legs as warnings of the query; mistakes of other kinds nobody has seen there.
 * @see https://github.com/Azure/azure-sdk-for-python/issues/25137 */
export function isLeftOut(leg: SyntaxNode): boolean {
  const known = legs.get(bindOptions()) ?? new Map<SyntaxNode | LanguageSymbol, boolean>();
  legs.set(bindOptions(), known);
  return startsFromNothing(leg) || lacksNames(leg, known);
}

const legs = new WeakMap<BindOptions, Map<SyntaxNode | LanguageSymbol, boolean>>();

function lacksNames(node: SyntaxNode, known: Map<SyntaxNode | LanguageSymbol, boolean>): boolean {
  const before = known.get(node);
  if (before !== undefined) return before;
  known.set(node, false); // for a function that calls itself
  const lacks =
    (!hasOpenPlugin(node) && missesItself(node)) || calledIn(node).some((inner) => innerLacks(inner, known));
  known.set(node, lacks);
  return lacks;
}

const missesItself = (node: SyntaxNode): boolean =>
  toArray<LanguageDiagnostic>(node.GetContainedDiagnostics?.()).some(
    ({ Severity, Code, Start }) => Severity === 'Error' && isUnknownName(Code) && !legsAround(node, Start).length,
  );

function innerLacks(called: SyntaxNode, known: Map<SyntaxNode | LanguageSymbol, boolean>): boolean {
  if (kindOf(called) === 'UnionOperator')
    return !pipedInto(called) && list(called, 'Expressions').every((leg) => isLeftOut(leg));
  const { ReferencedSymbol: symbol } = called;
  const stored = symbol && isStored(symbol) ? symbol : undefined;
  const before = stored && known.get(stored);
  if (before !== undefined) return before;
  // Below a fuzzy union a function that is not there is no error to the binder.
  if (!symbol) return called.NameInParent !== 'FunctionCall' && kindOf(called) === 'FunctionCallExpression';
  const body = called.GetCalledFunctionBody?.();
  const lacks = body != null && lacksNames(body, known);
  if (stored) known.set(stored, lacks);
  return lacks;
}

/** Calls of functions; and fuzzy unions instead of the calls in them, as they do without those themselves. */
function calledIn(node: SyntaxNode): SyntaxNode[] {
  if (kindOf(node) === 'UnionOperator' && isFuzzy(node)) return [node];
  const inner = children(node).flatMap(calledIn);
  const isCall = kindOf(node) === 'FunctionCallExpression';
  return isCall || (kindOf(node) === 'NameReference' && node.ReferencedSymbol?.Signatures) ? [node, ...inner] : inner;
}

/** Whether a place is inside of a leg that a fuzzy union below a node does without. */
export const isInsideLeftOut = (root: SyntaxNode, at: number): boolean => legsAround(root, at).some(isLeftOut);

const legsAround = (root: SyntaxNode, at: number): SyntaxNode[] =>
  pathTo(root, at)
    .filter((node) => kindOf(node) === 'UnionOperator' && isFuzzy(node))
    .flatMap((union) => list(union, 'Expressions').filter((leg) => leg.TextStart <= at && at < leg.End));
