import type { TextPlace } from '../language/node-errors.ts';
import { notSupported, semantic } from '../language/node-errors.ts';
import type { SyntaxNode } from '../language/language.ts';
import { kindOf, list, nameOf, need, part } from '../language/language.ts';

/** Where a restriction stands: the database of the query, and where its text begins. */
export interface RestrictionPlace extends TextPlace {
  readonly draft: { readonly database: string };
}

/** What a `restrict` statement leaves visible. */
export interface Restriction {
  /** By a name of a `let` statement. */
  allows(name: string): boolean;
  allowsEntity(database: string, name: string): boolean;
  /** What is declared afterwards is visible. */
  declare(name: string): void;
}

export const bothRestrictions = (one: Restriction, other: Restriction): Restriction => ({
  allows: (name) => one.allows(name) && other.allows(name),
  allowsEntity: (database, name) => one.allowsEntity(database, name) && other.allowsEntity(database, name),
  declare: (name) => {
    one.declare(name);
    other.declare(name);
  },
});

interface Allowed {
  /** undefined: a name of a `let` statement, or of the current database. */
  readonly database: string | undefined;
  readonly name: RegExp;
}

/** `restrict access to (…)`: what the statements that follow may still see of tables, views, functions and patterns. What was
 * declared before goes on seeing everything, which is how views show part of a hidden table. */
export function restrictionOf(b: RestrictionPlace, node: SyntaxNode): Restriction {
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

function allowedBy(b: RestrictionPlace, entry: SyntaxNode): Allowed {
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
