import type { LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { kindOf, languagePackage, part, symbolKind, toArray } from '../language/language.ts';
import type { Correction } from './correction.ts';
import { correction } from './correction.ts';
import type { SemanticInfo } from './symbols.ts';
import { columnSymbols } from './symbols.ts';
import { hiddenAt } from './visible.ts';

interface TableBinder {
  readonly _rowScope: LanguageSymbol | null;
  readonly _localScope: { GetSymbols(match: number, found: unknown): void };
}
interface ViewSymbol extends LanguageSymbol {
  readonly IsView?: boolean;
  readonly MinArgumentCount?: number;
}

const isView = (symbol: ViewSymbol): boolean => symbolKind(symbol) === 'FunctionSymbol' && symbol.IsView === true;

/** A view as a table of its name. Its body stands bound where it is declared, as it takes no arguments. */
function tableOf(view: LanguageSymbol): LanguageSymbol | undefined {
  const [signature] = toArray<{ readonly Declaration?: SyntaxNode | null }>(view.Signatures);
  const expression = signature?.Declaration && part(signature.Declaration, 'Expression');
  const result = expression?.ResultType;
  if (!result || symbolKind(result) !== 'TableSymbol') return undefined;
  const { TableSymbol } = languagePackage().Symbols;
  return new TableSymbol.$ctor4(view.Name, columnSymbols(result)) as LanguageSymbol;
}

const startOf = (view: LanguageSymbol): number =>
  toArray<{ readonly Declaration?: SyntaxNode | null }>(view.Signatures)[0]?.Declaration?.TextStart ?? 0;

/** Views in the order in which they are declared, before tables; a table of the name of one is behind it.
 * @returns undefined where that is what the binder says already, and where nothing of it may be seen */
function visible(node: SyntaxNode, symbols: readonly LanguageSymbol[]): LanguageSymbol[] | undefined {
  const views = symbols
    .filter(isView)
    .sort((one, other) => startOf(one) - startOf(other))
    .flatMap((view) => tableOf(view) ?? []);
  const names = new Set(views.map(({ Name }) => Name));
  const tables = symbols.filter((symbol) => !isView(symbol) && !names.has(symbol.Name));
  const isHidden = hiddenAt(node);
  const shown = [...views, ...tables].filter(({ Name }) => !isHidden(Name));
  return shown.length === 0 || (views.length === 0 && shown.length === symbols.length) ? undefined : shown;
}

/** The binder sees no columns of views that a wildcard takes in, and columns of what a restriction hides. */
function ofWildcard(info: SemanticInfo | null, node: SyntaxNode): SemanticInfo | null {
  const symbol = info?.ReferencedSymbol;
  if (!symbol || (node.Parent && kindOf(node.Parent) === 'PathExpression')) return info;
  const members = symbolKind(symbol) === 'GroupSymbol' ? toArray<LanguageSymbol>(symbol.Members) : [symbol];
  if (members.some((member) => symbolKind(member) === 'ColumnSymbol')) return info;
  const shown = visible(node, members);
  if (!shown) return info;
  const { Binding, Symbols } = languagePackage();
  const [only, ...others] = shown;
  const found = only && others.length === 0 ? only : new Symbols.GroupSymbol.$ctor1(shown);
  return Binding.Binder.CreateSemanticInfo(found) as SemanticInfo;
}

/** The tables of an operator that looks at all of them. */
function ofAllTables(official: unknown, { _localScope: scope }: TableBinder, node: SyntaxNode): unknown {
  const { s_symbolListPool: pool } = languagePackage().Binding.Binder;
  const found = pool.AllocateFromPool();
  try {
    scope.GetSymbols(functionsAndViews, found);
    const views = toArray<ViewSymbol>(found).filter((one) => isView(one) && one.MinArgumentCount === 0);
    // The binder puts the tables of views behind those of the database.
    const all = toArray<LanguageSymbol>(official);
    return visible(node, [...views, ...all.slice(0, all.length - views.length)]) ?? official;
  } finally {
    pool.ReturnToPool(found);
  }
}
/** `SymbolMatch.Function | SymbolMatch.Local`. */
const functionsAndViews = 2064;

const view = 'let V = view () { print b = 1 };';

export const wildcardCorrections: readonly Correction[] = [
  correction<{ self: unknown; args: [SyntaxNode, string]; result: SemanticInfo | null }>(
    'NodeBinder.VisitWildcardedNameReference',
    (official, _binder, node, pattern) => ofWildcard(official(node, pattern), node),
    { text: `${view} union V*`, official: '', corrected: 'b:long' },
  ),
  correction<{ self: TableBinder; args: [SyntaxNode]; result: unknown }>(
    'Binder.GetSearchTables',
    (official, binder, node) =>
      part(node, 'InClause') || binder._rowScope ? official(node) : ofAllTables(official(node), binder, node),
    {
      text: `${view} restrict access to (V); search "x"`,
      official: '$table:string, a:long, b:long',
      corrected: '$table:string, b:long',
    },
  ),
  correction<{ self: TableBinder; args: [SyntaxNode]; result: unknown }>(
    'Binder.GetFindTables',
    (official, binder, node) => (part(node, 'InClause') ? official(node) : ofAllTables(official(node), binder, node)),
    {
      text: `${view} restrict access to (V); find "x"`,
      official: 'source_:string, pack_:dynamic',
      corrected: 'source_:string, b:long',
    },
  ),
];
