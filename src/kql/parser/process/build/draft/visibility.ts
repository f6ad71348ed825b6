import type { Builder } from './builder.ts';
import type { LanguageSymbol, SyntaxNode } from '../../language/language.ts';
import { inEngineWords, notSupported } from '../../language/node-errors.ts';
import type { Scope } from './scope.ts';

/** @throws KqlError when a restriction hides what a name stands for */
export function checkVisible(b: Builder, node: SyntaxNode, name: string, database: string | undefined): void {
  const hidden =
    database === undefined && b.scope.find(name)
      ? b.scope.hides(name)
      : b.scope.hidesEntity(database ?? b.draft.database, name);
  if (hidden)
    throw inEngineWords(b, node, 'SEM0100', `'table' operator: Failed to resolve table expression named '${name}'`);
}

/** Whether a table or view that a wildcard takes in is to be left out of it. */
export const isHidden = (scope: Scope, database: string, name: string): boolean =>
  scope.find(name) ? scope.hides(name) : scope.hidesEntity(database, name);

/** Wildcards, and operators over all tables, would show columns of what is hidden where they are not written out. */
export function checkAllVisible(b: Builder, node: SyntaxNode, members: readonly Pick<LanguageSymbol, 'Name'>[]): void {
  if (members.some(({ Name }) => isHidden(b.scope, b.draft.database, Name)))
    throw notSupported(b, node, 'A wildcard that takes in what a restrict statement hides');
}
