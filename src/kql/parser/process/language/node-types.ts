import { madeOnce } from '../../../../base/made-once.ts';
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

/** Symbols of tables are as long there as their records in the catalog, and each text that names all of them reads all their columns. */
const columnsOnce = madeOnce((symbol: LanguageSymbol): readonly Column[] =>
  toArray<LanguageSymbol>(symbol.Columns).map((column) => ({ name: column.Name, type: typeOfSymbol(column.Type) })),
);
export const columnsOfSymbol = (symbol: LanguageSymbol | null | undefined): readonly Column[] =>
  symbol ? columnsOnce(symbol) : [];

export const columnsOf = (node: SyntaxNode): readonly Column[] => distinctNames(columnsOfSymbol(node.ResultType));

/** Columns that an operator adds may be there already, under the same names; operators that follow know them by numbered ones. */
function distinctNames(cols: readonly Column[]): readonly Column[] {
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
