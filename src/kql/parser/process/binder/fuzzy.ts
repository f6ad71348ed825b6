import type { BindOptions } from './options.ts';
import { bindOptions } from './options.ts';
import { firstOpenPlugin } from './open-schemas.ts';
import type { LanguageDiagnostic, LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { children, kindOf, list, nameOf, need, part, toArray } from '../language/language.ts';
import { columnsOf } from '../language/node-types.ts';
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
    : (/^(NameReference|FunctionCallExpression)$/.test(kindOf(source)) && !symbol) || isMadeUp(source);
  if (inner && symbol && isStored(symbol)) known.set(symbol, answer);
  return answer;
}

/** `table('Gone')`: below a fuzzy union the binder makes up a table with any columns. */
const isMadeUp = (source: SyntaxNode): boolean =>
  kindOf(source) === 'FunctionCallExpression' &&
  nameOf(need(source, 'Name')) === 'table' &&
  source.ResultType?.IsOpen === true &&
  columnsOf(source).length === 0;

/** Of stored functions, by compilation: to look into a body is to bind it for the call, and parsers of parsers call hundreds. The arguments
 * of the call do not count, as a parameter is something. */
const answers = new WeakMap<BindOptions, Map<LanguageSymbol, boolean>>();

const isStored = ({ Signatures }: LanguageSymbol): boolean =>
  toArray<{ readonly Declaration?: SyntaxNode | null }>(Signatures).every(({ Declaration }) => Declaration == null);

/** Whether a fuzzy union does without a leg: it starts from nothing, or cannot be resolved, itself or in a function that it calls: a name is
 * not there, or a type does not fit. A recorded answer has names that are not there as warnings of the query, and the page speaks of any
 * failure. Of types: the parsers of Sentinel give `coalesce` a text and a dynamic, which its page refuses, in one leg of a union that
 * queries of Microsoft's read as if that leg had no columns.
 * @see https://github.com/Azure/azure-sdk-for-python/issues/25137, vimProcessEventMD4IoT.yaml in Azure-Sentinel */
export function isLeftOut(leg: SyntaxNode): boolean {
  return startsFromNothing(leg) || fails(leg, knownLegs());
}

function knownLegs(): Map<SyntaxNode | LanguageSymbol, boolean> {
  const known = legs.get(bindOptions()) ?? new Map<SyntaxNode | LanguageSymbol, boolean>();
  legs.set(bindOptions(), known);
  return known;
}
const legs = new WeakMap<BindOptions, Map<SyntaxNode | LanguageSymbol, boolean>>();

function fails(node: SyntaxNode, known: Map<SyntaxNode | LanguageSymbol, boolean>): boolean {
  const before = known.get(node);
  if (before !== undefined) return before;
  known.set(node, false); // for a function that calls itself
  const answer = failsItself(node) || calledIn(node).some((inner) => innerFails(inner, known));
  known.set(node, answer);
  return answer;
}

const failsItself = (node: SyntaxNode): boolean => ownFailure(node) !== undefined;

/** What comes after columns that only a run tells counts once they are told. */
function ownFailure(node: SyntaxNode): LanguageDiagnostic | undefined {
  const open = firstOpenPlugin(node)?.End ?? Infinity;
  return toArray<LanguageDiagnostic>(node.GetContainedDiagnostics?.()).find(
    (diagnostic) =>
      diagnostic.Severity === 'Error' &&
      diagnostic.Start < open &&
      (isUnknownName(diagnostic.Code) || bindOptions().isMistake(node, diagnostic)) &&
      !legsAround(node, diagnostic.Start).length,
  );
}

/** What a leg is left out for, in the tree that its places are counted in. */
export interface LegFailure {
  readonly root: SyntaxNode;
  readonly diagnostic: LanguageDiagnostic;
}

/** The first thing that a leg is left out for, however deep in the functions that it calls. It looks into those alone that are known to fail:
 * parsers of parsers call hundreds.
 * @param depth of functions in functions
 * @returns undefined where nothing is to be told, as of a pattern of names that no table has */
export function failureOf(leg: SyntaxNode, depth = 0): LegFailure | undefined {
  if (depth > depthMax) return undefined; // a function that calls itself
  const source = sourceOf(leg);
  if (startsFromNothing(leg)) {
    const body = source.GetCalledFunctionBody?.();
    const inner = body && part(body, 'Expression');
    if (inner) return failureOf(inner, depth + 1);
    const isPattern = kindOf(source) === 'NameReference' && /Wildcard/.test(kindOf(need(source, 'Name')));
    return isPattern ? undefined : { root: rootOf(source), diagnostic: missing(source) };
  }
  const own = ownFailure(leg);
  if (own) return { root: rootOf(leg), diagnostic: own };
  const failing = calledIn(leg).find((called) => innerFails(called, knownLegs()));
  return failing && calledFailure(failing, depth + 1);
}
const depthMax = 100;

function calledFailure(called: SyntaxNode, depth: number): LegFailure | undefined {
  if (kindOf(called) === 'UnionOperator') {
    const [first] = list(called, 'Expressions');
    return first && failureOf(first, depth);
  }
  if (isMadeUp(called)) return { root: rootOf(called), diagnostic: missing(called) };
  if (!called.ReferencedSymbol) return { root: rootOf(called), diagnostic: missing(called) };
  const body = called.GetCalledFunctionBody?.();
  return body ? failureOf(body, depth) : undefined;
}

/** The complaint that the binder does not make below a fuzzy union. */
const missing = (node: SyntaxNode): LanguageDiagnostic => ({
  ...(isMadeUp(node)
    ? { Code: 'KS142', Message: `The name '${node.ResultType?.Name ?? ''}' does not refer to any known table.` }
    : { Code: 'KS204', Message: '' }),
  ...{ Severity: 'Error', Start: node.TextStart, Length: node.End - node.TextStart },
});

const rootOf = (node: SyntaxNode): SyntaxNode => (node.Parent ? rootOf(node.Parent) : node);

function innerFails(called: SyntaxNode, known: Map<SyntaxNode | LanguageSymbol, boolean>): boolean {
  if (kindOf(called) === 'UnionOperator')
    return !pipedInto(called) && list(called, 'Expressions').every((leg) => isLeftOut(leg));
  if (isMadeUp(called)) return true;
  const { ReferencedSymbol: symbol } = called;
  const stored = symbol && isStored(symbol) ? symbol : undefined;
  const before = stored && known.get(stored);
  if (before !== undefined) return before;
  // Below a fuzzy union a function that is not there is no error to the binder.
  if (!symbol) return called.NameInParent !== 'FunctionCall' && kindOf(called) === 'FunctionCallExpression';
  const body = called.GetCalledFunctionBody?.();
  const answer = body != null && fails(body, known);
  if (stored) known.set(stored, answer);
  return answer;
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
