import type { Column } from '../../../plan/types.ts';
import type { LanguageSymbol, SyntaxNode, SyntaxTree } from '../language/language.ts';
import { children, kindOf, languagePackage, part } from '../language/language.ts';
import type { Correction } from './correction.ts';
import { correction } from './correction.ts';
import { bindOptions } from './options.ts';
import type { SemanticInfo } from './symbols.ts';
import { columnSymbol } from './symbols.ts';

/** The bodies of stored functions, as they are bound for their calls. */
const storedBodies = new WeakMap<SyntaxTree, string>();

/** What a node is known by in every compilation of a text: the stored function that it stands in, and where in its text. */
export function placeOf(node: SyntaxNode): string {
  let position = node.TextStart;
  let tree = node.Tree;
  for (; tree.Original; tree = tree.Original) position += tree.OffsetInOriginal;
  return `${storedBodies.get(tree) ?? bindOptions().text}:${position}`;
}

/** What a run has told of the columns of an operator. */
export const toldColumns = (node: SyntaxNode): readonly Column[] | undefined =>
  part(node, 'Schema') ? undefined : bindOptions().told.get(placeOf(node));

/** An external table of the query that has no columns of its own. */
export const isOpenTable = (node: SyntaxNode): boolean =>
  kindOf(node) === 'InlineExternalTableExpression' && (part(node, 'Schema')?.toString().trim() ?? '') === '';

/** What its log has told of the columns of such a table. */
export const toldTable = (node: SyntaxNode): readonly Column[] | undefined =>
  isOpenTable(node) ? bindOptions().told.get(placeOf(node)) : undefined;

/** Whether there is a plugin in it whose columns only a run tells. */
export const hasOpenPlugin = (node: SyntaxNode): boolean => firstOpenPlugin(node) !== undefined;

/** The first such plugin in the text. */
export function firstOpenPlugin(node: SyntaxNode): SyntaxNode | undefined {
  if (kindOf(node) === 'EvaluateOperator' && !part(node, 'Schema') && node.ResultType?.IsOpen === true) return node;
  for (const child of children(node)) {
    const found = child.IsToken ? undefined : firstOpenPlugin(child);
    if (found) return found;
  }
  return undefined;
}

type BindBody = [
  tree: SyntaxTree,
  outer: { readonly _currentDatabase: LanguageSymbol | null },
  cluster: unknown,
  database: LanguageSymbol | null,
  called: LanguageSymbol | null,
  scope: unknown,
  locals: unknown,
];

export const openSchemaCorrections: readonly Correction[] = [
  // Only what is bound tells which function a body is of.
  correction<{ self: unknown; args: BindBody; result: boolean }>(
    'Binder().TryBindCalledFunctionBody',
    (official, _binder, tree, outer, cluster, database, called, ...rest) => {
      const owner = database ?? outer._currentDatabase;
      if (!tree.Original && called) storedBodies.set(tree, `${owner?.Name ?? ''}.${called.Name}`);
      return official(tree, outer, cluster, database, called, ...rest);
    },
    { text: 'F()', told: { 'db.F:10': [{ name: 'b', type: 'bool' }] }, official: 'a:long', corrected: 'b:bool' },
  ),
  correction<{ self: unknown; args: [node: SyntaxNode]; result: SemanticInfo | null }>(
    'NodeBinder.VisitInlineExternalTableExpression',
    (official, _binder, node) => {
      const info = official(node);
      const told = toldTable(node);
      if (!info || !told) return info;
      const { TableSymbol } = languagePackage().Symbols;
      return info.WithResultType(new TableSymbol.$ctor4('', told.map(columnSymbol)) as LanguageSymbol);
    },
    {
      text: "inline_external_table kind=delta ('https://a/b')",
      told: { ':0': [{ name: 'b', type: 'bool' }] },
      official: '',
      corrected: 'b:bool',
    },
  ),
  correction<{ self: unknown; args: [node: SyntaxNode]; result: SemanticInfo | null }>(
    'NodeBinder.VisitEvaluateOperator',
    (official, _binder, node) => {
      const info = official(node);
      const told = toldColumns(node);
      if (!info || !told) return info;
      const { TableSymbol } = languagePackage().Symbols;
      return info.WithResultType(new TableSymbol.$ctor4('', told.map(columnSymbol)) as LanguageSymbol);
    },
    {
      text: 'T | extend d = dynamic({}) | evaluate bag_unpack(d)',
      told: { ':29': [{ name: 'b', type: 'bool' }] },
      official: 'a:long',
      corrected: 'b:bool',
    },
  ),
];
