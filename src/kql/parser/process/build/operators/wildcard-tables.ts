import type { Plan } from '../../../../plan/plan.ts';
import type { Builder } from '../draft/builder.ts';
import { columnsOfSymbol } from '../../language/node-types.ts';
import { buildView } from '../expressions/functions.ts';
import type { LanguageSymbol, SyntaxNode } from '../../language/language.ts';
import { kindOf, need, symbolKind, toArray } from '../../language/language.ts';
import { storedTable } from '../draft/stored-tables.ts';
import { checkAllVisible, isHidden } from '../draft/visibility.ts';

/** A table, and the name that its rows have in a column of sources. */
export interface NamedTable {
  readonly plan: Plan;
  readonly source: string;
}

/** The tables and views that a wildcard takes in; undefined for what is none. A wildcard that one table fits stands for that table. */
export function membersOf(node: SyntaxNode): readonly LanguageSymbol[] | undefined {
  const symbol = node.ReferencedSymbol;
  if (!symbol || kindOf(node) !== 'NameReference') return undefined;
  if (symbolKind(symbol) === 'GroupSymbol') return toArray<LanguageSymbol>(symbol.Members);
  return /Wildcard/.test(kindOf(need(node, 'Name'))) && symbolKind(symbol) === 'TableSymbol' ? [symbol] : undefined;
}

/** The binder has left out what may not be seen; what may not all the same is refused. */
export function memberTables(b: Builder, node: SyntaxNode, members: readonly LanguageSymbol[]): NamedTable[] {
  checkAllVisible(b, node, members);
  return members.map((member) => ({ plan: viewNamed(b, member.Name) ?? tableOf(b, member), source: member.Name }));
}

/** What an operator looks at that looks at all tables: the views that `let` statements declare, and tables. */
export function allTables(b: Builder, node: SyntaxNode): NamedTable[] {
  const views = b.scope.names().flatMap((name) => {
    const plan = viewNamed(b, name);
    return plan ? [{ plan, source: name }] : [];
  });
  const tables = b.draft.tables
    .filter(({ Name }) => !views.some(({ source }) => source === Name))
    .map((table) => ({ plan: tableOf(b, table), source: table.Name }));
  const all = [...views, ...tables];
  const shown = all.filter(({ source }) => !isHidden(b.scope, b.draft.database, source));
  if (shown.length === 0)
    checkAllVisible(
      b,
      node,
      all.map(({ source }) => ({ Name: source })),
    );
  return shown;
}

function viewNamed(b: Builder, name: string): Plan | undefined {
  const found = b.scope.find(name);
  return found?.k === 'function' ? buildView(b, found) : undefined;
}

const tableOf = (b: Builder, symbol: LanguageSymbol): Plan =>
  storedTable(b, { database: b.draft.database, table: symbol.Name }, columnsOfSymbol(symbol));
