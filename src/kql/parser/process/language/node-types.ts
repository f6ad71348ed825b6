import type { Column, KqlType } from '../../../plan/types.ts';
import { isKqlType } from '../../../plan/types.ts';
import type { LanguageSymbol, SyntaxNode } from './language.ts';
import { symbolKind, toArray } from './language.ts';

/** A type the binder could not settle (`unknown`) stands for dynamic. */
export function typeOfSymbol(symbol: LanguageSymbol | null | undefined): KqlType {
  if (!symbol) return 'dynamic';
  return isKqlType(symbol.Name) ? symbol.Name : 'dynamic';
}

export const typeOf = (node: SyntaxNode): KqlType => typeOfSymbol(node.ResultType);

export const columnsOfSymbol = (symbol: LanguageSymbol | null | undefined): Column[] =>
  toArray<LanguageSymbol>(symbol?.Columns).map((column) => ({ name: column.Name, type: typeOfSymbol(column.Type) }));

export const columnsOf = (node: SyntaxNode): Column[] => distinctNames(columnsOfSymbol(node.ResultType));

/** Columns that an operator adds may be there already, under the same names; operators that follow know them by numbered ones. */
function distinctNames(cols: readonly Column[]): Column[] {
  const taken = new Set<string>();
  return cols.map((column) => {
    let { name } = column;
    for (let number = 1; taken.has(name); number += 1) name = `${column.name}${number}`;
    taken.add(name);
    return { ...column, name };
  });
}

export const isTabular = (node: SyntaxNode): boolean => {
  const result = node.ResultType;
  return (
    result !== null &&
    result !== undefined &&
    /^(Table|ExternalTable|Group|MaterializedView|StoredQueryResult)Symbol$/.test(symbolKind(result))
  );
};
