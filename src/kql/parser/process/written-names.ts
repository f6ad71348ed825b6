import { Scope } from './builder.ts';
import type { LanguageSymbol, SyntaxNode } from './language.ts';
import { kindOf, list, nameOf, need, part, symbolKind, toArray } from './language.ts';
import { quotedName } from '../../plan/quoted.ts';
import { isHidden, restrictionOf } from './restriction.ts';

interface Written {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Follows the statements of a text, to know what wildcards and operators over all tables take in where they stand. */
export interface NameWriter {
  /** To be called for every statement, in their order, after what is in it; of functions too. */
  passed(statement: SyntaxNode): void;
  /** @returns what a wildcard, or an operator over all tables, stands for; undefined where it can stay as it is */
  written(node: SyntaxNode): Written | undefined;
}

/** @param tables of the database that the query is for */
export function nameWriter(database: string, tables: readonly string[]): NameWriter {
  const scope = new Scope();
  const views: string[] = [];
  let hasInnerViews = false;
  const isShown = (name: string): boolean => !isHidden(scope, database, name);

  /** The binder sees no columns of views, and columns of what a restriction hides. */
  function ofWildcard(node: SyntaxNode): Written | undefined {
    const symbol = node.ReferencedSymbol;
    if (!symbol || !/Wildcard/.test(kindOf(need(node, 'Name')))) return undefined;
    const members = symbolKind(symbol) === 'GroupSymbol' ? toArray<LanguageSymbol>(symbol.Members) : [symbol];
    const names = inOrder(members.map(({ Name }) => Name));
    const shown = names.filter(isShown);
    const hides = shown.length < names.length && node.Parent !== null && kindOf(node.Parent) !== 'PathExpression';
    if (shown.length === 0 || !(hides || members.some((one) => symbolKind(one) === 'FunctionSymbol'))) return undefined;
    return { start: node.TextStart, end: node.End, text: shown.map(quotedName).join(', ') };
  }

  /** Views in the order in which they were declared, before tables. */
  const inOrder = (names: readonly string[]): string[] => [
    ...views.filter((name) => names.includes(name)),
    ...names.filter((name) => !views.includes(name)),
  ];

  function ofAllTables(node: SyntaxNode): Written | undefined {
    if (part(node, 'InClause') || hasInnerViews || !startsStatement(node)) return undefined;
    const names = [...new Set([...views, ...tables])];
    const shown = names.filter(isShown);
    if (shown.length === 0 || (views.length === 0 && shown.length === names.length)) return undefined;
    const where = kindOf(node) === 'FindOperator' && !part(node, 'WhereKeyword') ? 'where ' : '';
    const { TextStart: start } = part(node, 'WhereKeyword') ?? need(node, 'Condition');
    return { start, end: start, text: `in (${shown.map(quotedName).join(', ')}) ${where}` };
  }

  return {
    passed: (statement) => {
      const kind = kindOf(statement);
      if (kind === 'RestrictStatement') scope.restrict(restrictionOf({ draft: { database }, offset: 0 }, statement));
      if (kind !== 'LetStatement') return;
      const name = nameOf(need(statement, 'Name'));
      const expression = need(statement, 'Expression');
      const inner = isInFunction(statement);
      if (isView(expression) && inner) hasInnerViews = true;
      else if (isView(expression)) views.push(name);
      scope.bind(name, { k: 'entityGroup', entities: [] });
    },
    written: (node) => {
      const kind = kindOf(node);
      if (kind === 'NameReference') return ofWildcard(node);
      return kind === 'SearchOperator' || kind === 'FindOperator' ? ofAllTables(node) : undefined;
    },
  };
}

/** One that takes no arguments: a table to wildcards. */
function isView(expression: SyntaxNode): boolean {
  if (kindOf(expression) !== 'FunctionDeclaration' || !part(expression, 'ViewKeyword')) return false;
  return list(need(expression, 'Parameters'), 'Parameters').length === 0;
}

const isInFunction = (node: SyntaxNode): boolean =>
  node.Parent !== null && (kindOf(node.Parent) === 'FunctionBody' || isInFunction(node.Parent));

/** Whether an operator without a source has none from around it either, as it has in subqueries. */
function startsStatement(node: SyntaxNode): boolean {
  const parent = node.Parent;
  if (!parent) return false;
  const kind = kindOf(parent);
  if (/^(ExpressionStatement|LetStatement|FunctionBody)$/.test(kind)) return true;
  const isSource =
    kind === 'ParenthesizedExpression' || (kind === 'PipeExpression' && part(parent, 'Expression') === node);
  return isSource && startsStatement(parent);
}
