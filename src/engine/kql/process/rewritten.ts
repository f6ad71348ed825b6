import type { Program } from '../ir/plan.ts';
import { KqlError } from '../kql-error.ts';
import type { LanguageDiagnostic, LanguageSymbol, ParsedCode, SyntaxNode } from './language.ts';
import { children, kindOf, list, nameOf, need, part, resultName, symbolKind, toArray } from './language.ts';
import type { Column } from '../types.ts';
import { columnsOf, columnsOfSymbol } from './builder.ts';
import { givenNames } from './operators-basic.ts';
import { quotedName } from '../quoted.ts';

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** A text that says in full what the binder does not work out, and where in the text as sent its positions are. */
export interface Rewritten {
  readonly text: string;
  /** @returns the error with the position it has in the text as sent */
  placed(error: unknown): unknown;
  /** @returns the program with its positions in the text as sent */
  located(program: Program): Program;
}

/** The binder sees no columns of views that a wildcard takes in, so those wildcards are written out; and it does not narrow the
 * columns of `union kind=inner`, so they are chosen afterwards; `serialize` that replaces a column is written with extend; covariances
 * are named, and so are expressions of top-nested; under `set best_effort` unions are fuzzy; and what
 * a fuzzy union does without is left out, as the binder gives it the columns that its conditions speak of.
 * @returns undefined when there is nothing to write */
export function rewritten(text: string, code: ParsedCode): Rewritten | undefined {
  const replacements: Replacement[] = [];
  const bestEffort = text.includes('best_effort') && asksForBestEffort(code.Syntax);
  const missing = new Set(
    toArray<LanguageDiagnostic>(code.GetDiagnostics()).flatMap(({ Code, Start }) => (Code === 'KS205' ? [Start] : [])),
  );
  const visit = (node: SyntaxNode): void => {
    const kind = kindOf(node);
    if (kind === 'RestrictStatement') return;
    const numbered = kind === 'TopNestedOperator' ? unnamedLevels(node) : [];
    replacements.push(...numbered);
    const keyword = bestEffort && kind === 'UnionOperator' ? strictUnion(node) : undefined;
    if (keyword) replacements.push({ start: keyword.End, end: keyword.End, text: ' isfuzzy=true' });
    if (kind === 'UnionOperator') replacements.push(...missingLegs(node, missing));
    const covariance = kind === 'FunctionCallExpression' ? covarianceName(node) : undefined;
    const naming = covariance === undefined ? '' : `${quotedName(covariance)} = `;
    if (naming !== '' && !replacements.some((other) => other.text === naming))
      replacements.push({ start: node.TextStart, end: node.TextStart, text: naming });
    const names = kind === 'NameReference' ? membersOf(node) : [];
    if (names.length > 0) replacements.push({ start: node.TextStart, end: node.End, text: names.join(', ') });
    else for (const child of children(node)) if (!child.IsToken) visit(child);
    const serialize = kind === 'SerializeOperator' ? replacing(node) : undefined;
    if (serialize) replacements.push({ start: serialize.End, end: serialize.End, text: ' | extend' });
    const choice = kind === 'UnionOperator' ? commonColumns(node) : undefined;
    if (choice !== undefined && !text.startsWith(choice, node.End))
      replacements.push({ start: node.End, end: node.End, text: choice });
  };
  if (
    (/\bview\b/.test(text) && text.includes('*')) ||
    /\bkind\s*=\s*inner\b|\bserialize\b|\bcovariance|\btop-nested\b/.test(text) ||
    bestEffort ||
    missing.size > 0
  )
    visit(code.Syntax);
  if (replacements.length === 0) return undefined;
  replacements.sort((one, other) => one.start - other.start);
  let written = text;
  for (const { start, end, text: names } of replacements.toReversed())
    written = written.slice(0, start) + names + written.slice(end);
  return {
    text: written,
    placed: (error) =>
      error instanceof KqlError && error.position !== undefined
        ? new KqlError(error.code, error.message, original(error.position, replacements))
        : error,
    located: (program) => located(program, replacements) as Program,
  };
}

function located(value: unknown, replacements: readonly Replacement[]): unknown {
  if (Array.isArray(value)) return value.map((item) => located(item, replacements));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]): [string, unknown] => [
      key,
      (key === 'at' || key === 'schemaAt') && typeof item === 'number' && item >= 0
        ? original(item, replacements)
        : located(item, replacements),
    ]),
  );
}

/** An unnamed covariance carries the names of both columns in the engine, of the first in the binder. */
function covarianceName(call: SyntaxNode): string | undefined {
  const name = nameOf(need(call, 'Name'));
  const items = call.Parent?.Parent;
  const operator = items?.NameInParent === 'Aggregates' ? items.Parent : undefined;
  if (!name.startsWith('covariance') || !operator || kindOf(operator) !== 'SummarizeOperator') return undefined;
  const [first, second] = list(need(call, 'ArgumentList'), 'Expressions');
  const columns = [first, second].map((argument) =>
    argument && kindOf(argument) === 'NameReference' ? `_${nameOf(argument)}` : '',
  );
  const full = name + columns.join('');
  return columnsOf(operator).some((column) => column.name === full) ? undefined : full;
}

const asksForBestEffort = (root: SyntaxNode): boolean =>
  list(root, 'Statements').some((statement) => {
    if (kindOf(statement) !== 'SetOptionStatement') return false;
    const [, name = '', value = 'true'] = /^set\s+(\w+)\s*(?:=\s*(\w+))?/i.exec(statement.toString().trim()) ?? [];
    return name === 'best_effort' && value.toLowerCase() === 'true';
  });

/** The keyword of a union that does not say whether it is fuzzy. */
function strictUnion(node: SyntaxNode): SyntaxNode | undefined {
  const says = list(node, 'Parameters').some((one) => nameOf(need(one, 'Name')).toLowerCase() === 'isfuzzy');
  return says ? undefined : part(node, 'UnionKeyword');
}

/** @param missing where the text names tables that are not there and need not be */
function missingLegs(node: SyntaxNode, missing: ReadonlySet<number>): Replacement[] {
  const legs = list(node, 'Expressions');
  const isMissing = legs.map((leg) => missing.has(sourceOf(leg).TextStart));
  const firstKept = isMissing.indexOf(false);
  if (firstKept < 0) return [];
  // With the comma: the one before, or after for those in front.
  return legs.flatMap((leg, index): Replacement[] => {
    const [before, after] = [legs[index - 1], legs[index + 1]];
    if (isMissing[index] !== true) return [];
    if (index > firstKept && before) return [{ start: before.End, end: leg.End, text: '' }];
    return after ? [{ start: leg.TextStart, end: after.TextStart, text: '' }] : [];
  });
}

function sourceOf(node: SyntaxNode): SyntaxNode {
  const kind = kindOf(node);
  if (kind === 'ParenthesizedExpression' || kind === 'PipeExpression') return sourceOf(need(node, 'Expression'));
  return kind === 'PathExpression' ? sourceOf(need(node, 'Selector')) : node;
}

/** Names for the levels of top-nested that are neither columns nor named: the binder gives them an empty one. */
function unnamedLevels(node: SyntaxNode): Replacement[] {
  const expressions = list(node, 'Clauses').map((clause) => need(clause, 'OfExpression'));
  return expressions
    .filter((expression) => givenNames(expression) === undefined && resultName(expression) === '')
    .map(({ TextStart: start }, index) => ({ start, end: start, text: `Column${index + 1} = ` }));
}

/** The keyword of a `serialize` that gives a column anew: the binder adds another one, extend replaces it. */
function replacing(node: SyntaxNode): SyntaxNode | undefined {
  const parent = node.Parent;
  if (!parent || kindOf(parent) !== 'PipeExpression') return undefined;
  const known = new Set(columnsOf(need(parent, 'Expression')).map(({ name }) => name));
  const names = list(node, 'Expressions').flatMap((item) => givenNames(item) ?? []);
  return names.some((name) => known.has(name)) ? part(node, 'SerializeKeyword') : undefined;
}

/** What follows a `union kind=inner`: the choice of the columns that all its legs have; undefined where that is all of them, or
 * where the columns of a leg are not known yet. */
function commonColumns(node: SyntaxNode): string | undefined {
  const settings = list(node, 'Parameters').map((parameter) => ({
    name: nameOf(need(parameter, 'Name')).toLowerCase(),
    value: need(parameter, 'Expression'),
  }));
  if (!settings.some(({ name, value }) => name === 'kind' && value.toString().trim().toLowerCase() === 'inner'))
    return undefined;
  const parent = node.Parent;
  const piped =
    parent && kindOf(parent) === 'PipeExpression' && part(parent, 'Operator') === node
      ? [need(parent, 'Expression').ResultType]
      : [];
  const legs = [...piped, ...list(node, 'Expressions').map((leg) => leg.ResultType)].flatMap((symbol) =>
    symbol && symbolKind(symbol) === 'GroupSymbol' ? toArray<LanguageSymbol>(symbol.Members) : [symbol],
  );
  if (legs.some((leg) => !leg || symbolKind(leg) !== 'TableSymbol')) return undefined;
  const columns = legs.map((leg) => columnsOfSymbol(leg));
  const source = settings.find(({ name }) => name === 'withsource' || name === 'with_source')?.value;
  const all = columnsOf(node).map(({ name }) => name);
  const kept = all.filter(
    (name) =>
      name === (source && nameOf(source)) ||
      columns.every((leg) => leg.some((column) => column.name === name && column.type === typeIn(columns[0], name))),
  );
  return kept.length === all.length ? undefined : ` | project-keep ${kept.map(quotedName).join(', ')}`;
}
const typeIn = (columns: readonly Column[] | undefined, name: string): Column['type'] | undefined =>
  columns?.find((column) => column.name === name)?.type;

function membersOf(node: SyntaxNode): string[] {
  const symbol = node.ReferencedSymbol;
  if (!symbol || !/Wildcard/.test(kindOf(need(node, 'Name')))) return [];
  const members = symbolKind(symbol) === 'GroupSymbol' ? toArray<LanguageSymbol>(symbol.Members) : [symbol];
  const ofViews = members.some((member) => symbolKind(member) === 'FunctionSymbol');
  return ofViews ? members.map(({ Name }) => quotedName(Name)) : [];
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
