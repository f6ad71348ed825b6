import type { Builder, Draft } from './builder.ts';
import type { Restriction, Scope } from './scope.ts';
import { notSupported, semantic } from './builder.ts';
import type { LanguageSymbol, SyntaxNode } from './language.ts';
import { kindOf, list, nameOf, need, part } from './language.ts';

/** Where a restriction stands: the database of the query, and where its text begins. */
export interface Place {
  readonly draft: Pick<Draft, 'database'>;
  readonly offset: number | undefined;
}

interface Allowed {
  /** undefined: a name of a `let` statement, or of the current database. */
  readonly database: string | undefined;
  readonly name: RegExp;
}

/** `restrict access to (…)`: what the statements that follow may still see of tables, views, functions and patterns. What was
 * declared before goes on seeing everything, which is how views show part of a hidden table. */
export function restrictionOf(b: Place, node: SyntaxNode): Restriction {
  const allowed = list(node, 'Expressions').map((entry) => allowedBy(b, entry));
  const declared = new Set<string>();
  return {
    allows: (name) =>
      declared.has(name) || allowed.some((entry) => entry.database === undefined && entry.name.test(name)),
    allowsEntity: (database, name) =>
      allowed.some(
        (entry) =>
          entry.name.test(name) &&
          (entry.database === undefined
            ? database === b.draft.database && !isEverything(entry)
            : entry.database === database),
      ),
    declare: (name) => void declared.add(name),
  };
}

/** `*` alone stands for what `let` statements declare, and for nothing of the database. */
const isEverything = ({ name }: Allowed): boolean => name.source === '^.*$';

function allowedBy(b: Place, entry: SyntaxNode): Allowed {
  if (kindOf(entry) === 'NameReference') return { database: undefined, name: patternOf(entry) };
  const owner = kindOf(entry) === 'PathExpression' ? need(entry, 'Expression') : undefined;
  if (!owner || kindOf(owner) !== 'FunctionCallExpression' || nameOf(need(owner, 'Name')) !== 'database')
    throw notSupported(b, entry, 'This entity in restrict');
  const [argument] = list(need(owner, 'ArgumentList'), 'Expressions');
  const database = argument ? owner.ResultType?.Name : b.draft.database;
  if (database === undefined) throw semantic(b, entry, 'restrict: the database is not known.');
  return { database, name: patternOf(need(entry, 'Selector')) };
}

function patternOf(node: SyntaxNode): RegExp {
  const name = part(node, 'Name');
  const text = name && /Wildcard/.test(kindOf(name)) ? name.toString().trim() : nameOf(node);
  const parts = text.split('*').map((piece) => piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`);
}

/** @throws KqlError when a restriction hides what a name stands for */
export function checkVisible(b: Builder, node: SyntaxNode, name: string, database: string | undefined): void {
  const hidden =
    database === undefined && b.scope.find(name)
      ? b.scope.hides(name)
      : b.scope.hidesEntity(database ?? b.draft.database, name);
  if (hidden) throw semantic(b, node, `Failed to resolve table expression named '${name}'.`);
}

/** Whether a table or view that a wildcard takes in is to be left out of it. */
export const isHidden = (scope: Scope, database: string, name: string): boolean =>
  scope.find(name) ? scope.hides(name) : scope.hidesEntity(database, name);

/** Wildcards, and operators over all tables, would show columns of what is hidden where they are not written out. */
export function checkAllVisible(b: Builder, node: SyntaxNode, members: readonly Pick<LanguageSymbol, 'Name'>[]): void {
  if (members.some(({ Name }) => isHidden(b.scope, b.draft.database, Name)))
    throw notSupported(b, node, 'A wildcard that takes in what a restrict statement hides');
}
