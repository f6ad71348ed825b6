import { invariant } from '../../../../base/invariant.ts';

/** The small part of the official language package (transpiled C#) that is used here. Node properties of the syntax tree
 * are read by name through `part`, `list` and `kindOf`, so that no more of its 1.7 MB of typings is needed. */
export interface SyntaxNode {
  readonly Kind: number;
  readonly ChildCount: number;
  GetChild(index: number): SyntaxNode | null;
  readonly NameInParent: string | null;
  readonly Parent: SyntaxNode | null;
  readonly TextStart: number;
  readonly End: number;
  readonly IsToken: boolean;
  readonly Text?: string;
  readonly ResultType?: LanguageSymbol | null;
  readonly ReferencedSymbol?: LanguageSymbol | null;
  readonly LiteralValue?: unknown;
  readonly LiteralValueInfo?: { readonly ValueText: string; readonly Value: unknown } | null;
  readonly IsConstant?: boolean;
  readonly SimpleName?: string;
  readonly CommandKind?: string;
  readonly Tree: SyntaxTree;
  GetCalledFunctionBody?(): SyntaxNode | null;
  GetContainedDiagnostics?(): unknown;
  toString(): string;
}

/** A text, or the body of a function bound for one of its calls. */
export interface SyntaxTree {
  readonly Root: SyntaxNode & { GetNodeAt(start: number, width: number): SyntaxNode | null };
  /** The tree in which the function is declared; null of a text, and of a stored function. */
  readonly Original: SyntaxTree | null;
  readonly OffsetInOriginal: number;
}

export interface LanguageSymbol {
  readonly Name: string;
  readonly IsTabular?: boolean;
  readonly IsOpen?: boolean;
  readonly Columns?: unknown;
  readonly Members?: unknown;
  readonly Type?: LanguageSymbol | null;
  readonly Signatures?: unknown;
  readonly ResultSchema?: string;
}

export interface LanguageDiagnostic {
  readonly Code: string;
  readonly Severity: string;
  readonly Message: string;
  readonly Start: number;
  readonly Length: number;
}

export interface ParsedCode {
  readonly Kind: string;
  readonly Text: string;
  readonly Syntax: SyntaxNode;
  readonly ResultType?: LanguageSymbol | null;
  GetDiagnostics(): unknown;
  GetSyntaxDiagnostics(): unknown;
}

type Constructor = new (...args: unknown[]) => unknown;
interface SymbolsNamespace {
  readonly ScalarTypes: Readonly<Record<string, unknown>>;
  readonly SymbolMatch: Readonly<Record<string, unknown>>;
  readonly ColumnSymbol: Constructor;
  readonly TableSymbol: { readonly $ctor3: Constructor; readonly $ctor4: Constructor };
  readonly TypeFacts: {
    GetCommonColumnType(columns: readonly unknown[], conversion: unknown): LanguageSymbol | null;
    GetCommonScalarType$1(types: readonly unknown[]): LanguageSymbol | null;
  };
  readonly Conversion: Readonly<Record<string, unknown>>;
  readonly FunctionSymbol: { readonly ctor: Constructor; readonly $ctor16: Constructor };
  readonly Tabularity: Readonly<Record<string, unknown>>;
  readonly EntityGroupSymbol: { readonly $ctor3: Constructor };
  readonly MaterializedViewSymbol: { readonly $ctor3: Constructor };
  readonly ExternalTableSymbol: { readonly ctor: Constructor };
  readonly GraphModelSymbol: { readonly $ctor1: Constructor };
  readonly StoredQueryResultSymbol: { readonly $ctor1: Constructor };
  readonly GroupSymbol: { readonly $ctor1: Constructor };
  readonly DatabaseSymbol: { readonly ctor: Constructor };
  readonly ClusterSymbol: { readonly ctor: Constructor };
}
export interface GlobalState {
  WithCluster(cluster: unknown): GlobalState;
  WithDatabase(database: unknown): GlobalState;
  WithPlugIns(plugins: readonly unknown[]): GlobalState;
  readonly PlugIns: unknown;
  readonly Cluster: { readonly Databases: unknown };
  readonly Database: { readonly Tables: unknown };
  WithFunctions(functions: readonly unknown[]): GlobalState;
  GetFunction(name: string): LanguageSymbol | null | undefined;
  GetAggregate(name: string): LanguageSymbol | null | undefined;
  GetPlugIn(name: string): LanguageSymbol | null | undefined;
  GetOperator(kind: number): LanguageSymbol | null | undefined;
  GetCommand(name: string): LanguageSymbol | null | undefined;
  readonly Functions: unknown;
}
export interface LanguagePackage {
  readonly KustoCode: {
    Parse(text: string, state: GlobalState): ParsedCode;
    ParseAndAnalyze(text: string, state: GlobalState): ParsedCode;
  };
  readonly GlobalState: { readonly Default: GlobalState };
  readonly Symbols: SymbolsNamespace;
  readonly Syntax: {
    readonly SyntaxKind: Readonly<Record<string, number>>;
    readonly SyntaxToken: { Missing(trivia: string, kind: number | undefined): SyntaxNode };
    readonly PackExpression: Constructor;
    readonly Command: unknown;
  };
  readonly QueryOperatorParameters: { readonly SummarizeParameters: unknown };
  readonly Parsing: {
    readonly QueryParser: { readonly prototype: unknown };
    readonly LexicalToken: unknown;
    BestParser$2(input: unknown, output: unknown): { readonly prototype: unknown };
    readonly PartialParser: { ScanPartialBest?: (...given: readonly unknown[]) => number };
    readonly QueryGrammar: { IsKeywordAsIdentifier?: (token: { readonly Text: string }) => boolean };
  };
  readonly Binding: {
    readonly Binder: {
      GetExpressionResultName(expression: SyntaxNode, otherwise: string, row: null): string;
      CreateSemanticInfo(referenced: unknown): unknown;
      readonly s_symbolListPool: { AllocateFromPool(): unknown; ReturnToPool(list: unknown): void };
      readonly s_columnListPool: { AllocateFromPool(): { add(column: unknown): void } };
      UnifyColumnsWithSameNameAndType(columns: unknown): void;
      UnifyColumnsWithSameName(columns: unknown): void;
      GetCommonColumns(tables: readonly unknown[], common: unknown): void;
      readonly ProjectionStyle: Readonly<Record<string, unknown>>;
      readonly prototype: unknown;
      readonly NodeBinder: { readonly prototype: unknown };
      readonly TreeBinder: { readonly prototype: unknown };
    };
    readonly ColumnMap: { readonly prototype: unknown };
    readonly GlobalBindingCache: unknown;
  };
}
interface BridgeGlobals {
  readonly Kusto: { readonly Language: LanguagePackage };
  readonly Bridge: {
    toArray(list: unknown): unknown[];
    unbox(value: unknown, clone: boolean): unknown;
    getTypeName(value: unknown): string;
  };
  readonly System: { readonly Enum: { toString(type: unknown, value: number): string } };
}

/** The package puts `Kusto`, `Bridge` and `System` on the global object. Load it before the first call. */
const globals = (): BridgeGlobals => globalThis as unknown as BridgeGlobals;
export const languagePackage = (): LanguagePackage => globals().Kusto.Language;

export const toArray = <T>(list: unknown): T[] =>
  list === null || list === undefined ? [] : (globals().Bridge.toArray(list) as T[]);

const kindNames = new Map<number, string>();
export function kindOf(node: SyntaxNode): string {
  let name = kindNames.get(node.Kind);
  if (name === undefined) {
    name = globals().System.Enum.toString(languagePackage().Syntax.SyntaxKind, node.Kind);
    kindNames.set(node.Kind, name);
  }
  return name;
}

/** The name that the binder gives to a column of this expression when the text gives none; '' when it numbers the column. */
export const resultName = (node: SyntaxNode): string =>
  languagePackage().Binding.Binder.GetExpressionResultName(node, '', null);

/** `ColumnSymbol`, `TableSymbol`, `FunctionSymbol` … */
export function symbolKind(symbol: LanguageSymbol): string {
  return globals().Bridge.getTypeName(symbol).split('.').pop() ?? '';
}

/** What a call gives that yields several columns. */
export const isTuple = (symbol: LanguageSymbol | null | undefined): symbol is LanguageSymbol =>
  symbol !== null && symbol !== undefined && symbolKind(symbol) === 'TupleSymbol';

const property = (node: SyntaxNode, name: string): unknown => (node as unknown as Record<string, unknown>)[name];

/** A child by its property name, for instance `part(filter, 'Condition')`; undefined when it was left out. */
export function part(node: SyntaxNode, name: string): SyntaxNode | undefined {
  const value = property(node, name);
  return value === null || value === undefined ? undefined : (value as SyntaxNode);
}

export function need(node: SyntaxNode, name: string): SyntaxNode {
  const child = part(node, name);
  invariant(child, `${kindOf(node)} has ${name}`);
  return child;
}

export function children(node: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let index = 0; index < node.ChildCount; index += 1) {
    const child = node.GetChild(index);
    if (child) found.push(child);
  }
  return found;
}

/** The elements of a list property without their separators. */
export function list(node: SyntaxNode, name: string): SyntaxNode[] {
  const value = part(node, name);
  return value ? elements(value) : [];
}

export const elements = (listNode: SyntaxNode): SyntaxNode[] =>
  children(listNode).map((child) => (kindOf(child) === 'SeparatedElement' ? (child.GetChild(0) ?? child) : child));

export const tokenText = (node: SyntaxNode, name: string): string => part(node, name)?.Text ?? '';

/** The name that a name node declares or refers to, unquoted. */
export function nameOf(node: SyntaxNode): string {
  return node.SimpleName ?? part(node, 'Name')?.SimpleName ?? node.Text ?? node.toString().trim();
}
