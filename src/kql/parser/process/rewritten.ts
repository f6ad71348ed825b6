import type { Program } from '../../plan/plan.ts';
import { KqlError } from '../../plan/kql-error.ts';
import type { LanguageSymbol, ParsedCode, SyntaxNode } from './language.ts';
import { children, kindOf, list, nameOf, need, part, resultName, symbolKind, toArray } from './language.ts';
import type { Column } from '../../plan/types.ts';
import { columnsOf, columnsOfSymbol, startsFromNothing } from './builder.ts';
import { isFuzzy } from './diagnostics.ts';
import { givenNames } from './operators-basic.ts';
import { nameWriter } from './written-names.ts';
import { quotedName } from '../../plan/quoted.ts';

interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Without one of these words there is nothing to look for. */
const mayNeedWriting =
  /\b(isfuzzy|view|restrict|parse|serialize|getschema|top-nested)\b|\bkind\s*=\s*inner\b|\bcovariance/;

interface Surroundings {
  readonly database: string;
  /** Of that database. */
  readonly tables: readonly string[];
  /** What the request says, if the text does not. */
  readonly bestEffort: boolean;
}

/** Thrown where a text must go on in other words, which only building it has told. */
export class TextNeeded extends Error {
  constructor(
    readonly position: number,
    readonly text: string,
  ) {
    super('The text is to be written in full.');
  }
}

/** A text that says in full what the binder does not work out, and where in the text as sent its positions are. */
export interface Rewritten {
  readonly text: string;
  /** @returns the error with the position it has in the text as sent */
  placed(error: unknown): unknown;
  /** @returns the program with its positions in the text as sent */
  located(program: Program): Program;
}

/** The binder sees no columns of views that a wildcard takes in, and columns of what a restriction hides, so names are written out; it
 * does not narrow the columns of `union kind=inner`, so they are chosen afterwards; `serialize` and `parse` that replace a column are
 * written with extend; covariances are named, and so are expressions of top-nested; and under `best_effort` unions are fuzzy.
 * @returns undefined when there is nothing to write */
export function rewritten(
  text: string,
  code: ParsedCode,
  { database, tables, bestEffort: asked }: Surroundings,
): Rewritten | undefined {
  const replacements: Replacement[] = [];
  const bestEffort = text.includes('best_effort') ? (setsBestEffort(code.Syntax) ?? asked) : asked;
  const names = nameWriter(database, tables);
  const visit = (node: SyntaxNode): void => {
    const kind = kindOf(node);
    if (kind === 'RestrictStatement') {
      names.passed(node);
      return;
    }
    const numbered = kind === 'TopNestedOperator' ? unnamedLevels(node) : [];
    replacements.push(...numbered);
    const keyword = bestEffort && kind === 'UnionOperator' ? strictUnion(node) : undefined;
    if (keyword) replacements.push({ start: keyword.End, end: keyword.End, text: ' isfuzzy=true' });
    const covariance = kind === 'FunctionCallExpression' ? covarianceName(node) : undefined;
    const naming = covariance === undefined ? '' : `${quotedName(covariance)} = `;
    if (naming !== '' && !replacements.some((other) => other.text === naming))
      replacements.push({ start: node.TextStart, end: node.TextStart, text: naming });
    const written = names.written(node);
    if (written) replacements.push(written);
    for (const child of children(node)) if (!child.IsToken) visit(child);
    if (kind === 'LetStatement') names.passed(node);
    if (/^Parse(Where|Kv)?Operator$/.test(kind)) replacements.push(...replacedCaptures(text, node));
    if (kind === 'GetSchemaOperator' && isReadOn(node) && !text.startsWith(withIntOrdinal, node.End))
      replacements.push({ start: node.End, end: node.End, text: withIntOrdinal });
    const serialize = kind === 'SerializeOperator' ? replacing(node) : undefined;
    if (serialize) replacements.push({ start: serialize.End, end: serialize.End, text: ' | extend' });
    const choice = kind === 'UnionOperator' ? commonColumns(node) : undefined;
    if (choice !== undefined && !text.startsWith(choice, node.End))
      replacements.push({ start: node.End, end: node.End, text: choice });
  };
  if (mayNeedWriting.test(text) || bestEffort) visit(code.Syntax);
  if (replacements.length === 0) return undefined;
  return withReplacements(text, replacements);
}

export function withReplacements(text: string, unordered: readonly Replacement[]): Rewritten {
  const replacements = unordered.toSorted((one, other) => one.start - other.start);
  let written = text;
  for (const { start, end, text: added } of replacements.toReversed())
    written = written.slice(0, start) + added + written.slice(end);
  return {
    text: written,
    placed: (error) =>
      error instanceof KqlError && error.position !== undefined
        ? new KqlError(
            error.code,
            error.message,
            original(error.position, replacements),
            error.code === 'semantic' ? error.parserCode : undefined,
          )
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
      key === 'at' || key === 'schemaAt' || key === 'calls' ? moved(item, replacements) : located(item, replacements),
    ]),
  );
}

function moved(places: unknown, replacements: readonly Replacement[]): unknown {
  if (Array.isArray(places)) return places.map((place) => moved(place, replacements));
  return typeof places === 'number' && places >= 0 ? original(places, replacements) : places;
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

/** What the text itself says, last. */
const setsBestEffort = (root: SyntaxNode): boolean | undefined =>
  list(root, 'Statements')
    .flatMap((statement) => {
      if (kindOf(statement) !== 'SetOptionStatement') return [];
      const [, name = '', value = 'true'] = /^set\s+(\w+)\s*(?:=\s*(\w+))?/i.exec(statement.toString().trim()) ?? [];
      return name === 'best_effort' ? [value.toLowerCase() === 'true'] : [];
    })
    .at(-1);

/** The keyword of a union that does not say whether it is fuzzy. */
function strictUnion(node: SyntaxNode): SyntaxNode | undefined {
  const says = list(node, 'Parameters').some((one) => nameOf(need(one, 'Name')).toLowerCase() === 'isfuzzy');
  return says ? undefined : part(node, 'UnionKeyword');
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

/** The engine numbers columns with ints, the binder with longs. */
const withIntOrdinal = ' | extend ColumnOrdinal = toint(ColumnOrdinal)';

/** Whether something reads the rows of an operator, rather than their being a result. */
function isReadOn(node: SyntaxNode): boolean {
  const above = node.Parent?.Parent;
  return above != null && kindOf(above) !== 'ExpressionStatement';
}

/** What is captured under the name of a column that is there replaces it, as extend does; the binder adds another one. Captures of
 * parse get another name until extend gives their columns the values; keys of parse-kv are their names, so the columns get one. */
function replacedCaptures(text: string, node: SyntaxNode): Replacement[] {
  const columns = columnsOfSymbol(node.ResultType).map(({ name }) => name);
  const keys = part(node, 'Keys');
  const declared = (keys ? list(keys, 'Columns') : list(node, 'Patterns')).flatMap((one) => {
    const kind = kindOf(one);
    return kind === 'NameDeclaration' ? [one] : kind === 'NameAndTypeDeclaration' ? [need(one, 'Name')] : [];
  });
  const names = declared.map(nameOf);
  if (new Set(names).size < names.length) return [];
  const replacing = declared.filter((one) => columns.filter((name) => name === nameOf(one)).length > 1);
  if (replacing.length === 0) return [];
  const column = (one: SyntaxNode): string => quotedName(nameOf(one));
  const helper = helperName(columns);
  const other = (one: SyntaxNode): string => quotedName(`${helper} ${nameOf(one)}`);
  const each = (words: (one: SyntaxNode) => string): string => replacing.map(words).join(', ');
  const end = { start: node.End, end: node.End };
  if (!keys) {
    const after = ` | extend ${each((one) => `${column(one)} = ${other(one)}`)} | project-away ${each(other)}`;
    return [
      ...replacing.map((one) => ({ start: one.TextStart, end: one.End, text: other(one) })),
      { ...end, text: after },
    ];
  }
  const { TextStart: start, End: sourceEnd } = need(node, 'Expression');
  const source = quotedName(helper);
  const aside = each((one) => `${other(one)} = ${column(one)}`);
  return [
    {
      start: node.TextStart,
      end: node.TextStart,
      text: `extend ${source} = ${text.slice(start, sourceEnd)} | project-rename ${aside} | `,
    },
    { start, end: sourceEnd, text: source },
    {
      ...end,
      text: ` | extend ${aside} | project-away ${source}, ${each(column)} | project-rename ${each((one) => `${column(one)} = ${other(one)}`)}`,
    },
  ];
}

/** What no column is called, nor begins with. */
function helperName(columns: readonly string[]): string {
  let name = '$parsed';
  for (let number = 1; columns.some((column) => column.startsWith(name)); number += 1) name = `$parsed${number}`;
  return name;
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
  const isThere = (leg: SyntaxNode): boolean => !(isFuzzy(node) && startsFromNothing(leg));
  const legs = [
    ...piped,
    ...list(node, 'Expressions')
      .filter(isThere)
      .map((leg) => leg.ResultType),
  ].flatMap((symbol) =>
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

function original(position: number, replacements: readonly Replacement[]): number {
  let moved = 0;
  for (const { start, end, text } of replacements) {
    if (position < start + moved) break;
    if (position < start + moved + text.length) return start;
    moved += text.length - (end - start);
  }
  return position - moved;
}
