import { databaseNotFound } from '../../../../plan/kql-error.ts';
import type { Builder } from './builder.ts';
import { notSupported, positionOf } from '../../language/node-errors.ts';
import type { LanguageSymbol, SyntaxNode } from '../../language/language.ts';
import { kindOf, nameOf, need, part, symbolKind } from '../../language/language.ts';

/** The database in `database("x").T`, `cluster("c").database("x").T`; undefined when none is named. */
export function databaseOf(b: Builder, node: SyntaxNode): string | undefined {
  let top = node;
  while (top.Parent && kindOf(top.Parent) === 'PathExpression' && part(top.Parent, 'Selector') === top)
    top = top.Parent;
  if (kindOf(top) !== 'PathExpression') return undefined;
  const named = need(top, 'Expression');
  const binding = kindOf(named) === 'NameReference' ? b.scope.find(nameOf(named)) : undefined;
  if (binding?.k === 'entity') return binding.entity.Name;
  const owner = named.ResultType;
  if (!owner || symbolKind(owner) !== 'DatabaseSymbol') return undefined;
  return knownDatabase(b, named, owner).Name;
}

/** The binder takes any database of a cluster that it does not know, with any table and no columns.
 * @throws KqlError `notSupported` for one of another cluster, `databaseNotFound` */
export function knownDatabase(b: Builder, node: SyntaxNode, database: LanguageSymbol): LanguageSymbol {
  if (b.draft.keptGraphs.hasDatabase(b.draft.database, database)) return database;
  const owner = kindOf(node) === 'PathExpression' ? part(node, 'Expression') : undefined;
  if (owner) throw notSupported(b, owner, `The other cluster in ${owner.toString().trim().slice(0, 100)}`);
  const at = positionOf(b, node);
  throw databaseNotFound(database.Name.slice(0, 300), at);
}
