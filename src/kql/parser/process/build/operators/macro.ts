import type { Plan } from '../../../../plan/plan.ts';
import { namesakes } from '../../../../plan/union-feeds.ts';
import type { Builder } from '../draft/builder.ts';
import type { Entity } from '../draft/scope.ts';
import { columnsOf, columnsOfSymbol } from '../../language/node-types.ts';
import { notSupported, positionOf, semantic } from '../../language/node-errors.ts';
import { databaseNotFound } from '../../../../plan/kql-error.ts';
import { Scope } from '../draft/scope.ts';
import type { LanguageSymbol, SyntaxNode } from '../../language/language.ts';
import { children, kindOf, list, nameOf, need, part, symbolKind, toArray } from '../../language/language.ts';
import { parametersOf } from './basic.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildStatement, buildTable } from '../draft/visit.ts';
import { knownDatabase } from '../draft/databases.ts';

/** The databases of an entity group: written out, named by a `let`, or stored in the database of the query. */
export function entitiesOf(b: Builder, node: SyntaxNode): readonly Entity[] {
  if (kindOf(node) === 'EntityGroupExpression')
    return list(node, 'Entities').map((entity) => {
      const symbol = entity.ResultType;
      if (!symbol || symbolKind(symbol) !== 'DatabaseSymbol')
        throw notSupported(b, entity, 'An entity group of anything but databases');
      return knownDatabase(b, entity, symbol);
    });
  const binding = kindOf(node) === 'NameReference' ? b.scope.find(nameOf(node)) : undefined;
  if (binding?.k === 'entityGroup') return binding.entities;
  const stored =
    kindOf(node) === 'NameReference' ? b.draft.keptGraphs.entities(b.draft.database, nameOf(node)) : undefined;
  if (stored === undefined) throw notSupported(b, node, 'This entity group');
  const members = toArray<LanguageSymbol>((node.ResultType as Entity | undefined)?.Members);
  return stored.map((text, index) => {
    const member = members[index];
    if (member && b.draft.keptGraphs.hasDatabase(b.draft.database, member)) return member;
    if (text.startsWith('cluster(')) throw notSupported(b, node, `The other cluster in ${text.slice(0, 100)}`);
    throw databaseNotFound(text.replace(/^database\('|'\)$/g, ''), positionOf(b, node));
  });
}

/** macro-expand: the subquery once for each database of the group, and the union of what they give. The binder looks at the
 * subquery with the first database, and wants its tables to be in all (even with isfuzzy); here their columns must be the
 * same. */
const macroExpand: OperatorBuilder = (b, node) => {
  const entities = entitiesOf(b, need(node, 'EntityGroup'));
  const reference = part(node, 'ScopeReferenceName');
  if (!reference) throw notSupported(b, node, "macro-expand without 'as'");
  const name = nameOf(need(reference, 'EntityGroupReferenceName'));
  const parameters = parametersOf(b, node);
  for (const [parameter, value] of parameters)
    if (!(parameter === 'kind' && /^(inner|outer)$/.test(value)) && parameter !== 'isfuzzy')
      throw notSupported(b, node, `macro-expand with ${parameter}=${value}`);
  const statements = list(node, 'StatementList');
  const body = statements.at(-1);
  if (!body || kindOf(body) !== 'ExpressionStatement')
    throw semantic(b, node, 'The subquery of macro-expand has no result.');
  const tables = statements.flatMap((statement) => scopedTables(b, statement, name));
  const [first] = entities;
  for (const entity of entities.slice(1)) requireSameTables(b, node, entity, first, tables);
  const cols = columnsOf(node);
  const legs = entities.map((entity) => {
    const scope = new Scope(b.scope);
    scope.bind(name, { k: 'entity', entity });
    const inner: Builder = { ...b, scope };
    for (const statement of statements.slice(0, -1)) buildStatement(inner, statement);
    const plan: Plan = buildTable(inner, need(body, 'Expression'));
    return { plan, from: namesakes(cols, cols), source: '' };
  });
  return { op: 'union', legs, cols };
};

/** What may follow the dot after the name of an entity, besides a table. */
export const entityFacts: ReadonlySet<string> = new Set(['$current_database', '$current_cluster_endpoint']);

/** The names of the tables that a subquery takes from the entity. */
function scopedTables(b: Builder, node: SyntaxNode, name: string): string[] {
  const owner = kindOf(node) === 'PathExpression' ? part(node, 'Expression') : undefined;
  if (owner && isEntity(owner) && nameOf(owner) === name) {
    const selector = need(node, 'Selector');
    if (kindOf(selector) !== 'NameReference') throw notSupported(b, selector, 'This part of an entity in macro-expand');
    return entityFacts.has(nameOf(selector)) ? [] : [nameOf(selector)];
  }
  return children(node).flatMap((child) => scopedTables(b, child, name));
}

const isEntity = (node: SyntaxNode): boolean =>
  kindOf(node) === 'NameReference' &&
  node.ReferencedSymbol !== null &&
  node.ReferencedSymbol !== undefined &&
  symbolKind(node.ReferencedSymbol) === 'EntityGroupElementSymbol';

const tableIn = (entity: Entity | undefined, name: string): LanguageSymbol | undefined =>
  toArray<LanguageSymbol>(entity?.Members).find(
    (member) => member.Name === name && /^(TableSymbol|MaterializedViewSymbol)$/.test(symbolKind(member)),
  );

function requireSameTables(
  b: Builder,
  node: SyntaxNode,
  entity: Entity,
  first: Entity | undefined,
  tables: readonly string[],
): void {
  for (const name of tables) {
    const [table, model] = [tableIn(entity, name), tableIn(first, name)];
    if (!table || !model) throw semantic(b, node, `Failed to resolve table '${name}' in database '${entity.Name}'.`);
    if (JSON.stringify(columnsOfSymbol(table)) !== JSON.stringify(columnsOfSymbol(model)))
      throw notSupported(b, node, `macro-expand over tables '${name}' of different columns`);
  }
}

export const macroOperators: Readonly<Record<string, OperatorBuilder>> = { MacroExpandOperator: macroExpand };
