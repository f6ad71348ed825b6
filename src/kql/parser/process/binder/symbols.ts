import type { Column, KqlType } from '../../../plan/types.ts';
import type { LanguageSymbol } from '../language/language.ts';
import { languagePackage, toArray } from '../language/language.ts';

/** What a visitor of the binder says of a node. */
export interface SemanticInfo {
  readonly ResultType: LanguageSymbol | null;
  readonly ReferencedSymbol: LanguageSymbol | null;
  WithResultType(type: LanguageSymbol): SemanticInfo;
}

export interface ColumnOf extends LanguageSymbol {
  readonly Source?: unknown;
  /** What a union or a rename made it from. */
  readonly OriginalColumns?: unknown;
  WithName(name: string): ColumnOf;
  WithType(type: unknown): ColumnOf;
}

interface TableOf extends LanguageSymbol {
  WithColumns(columns: readonly ColumnOf[]): TableOf;
}

export const columnSymbols = (table: LanguageSymbol | null | undefined): ColumnOf[] => toArray(table?.Columns);

/** The same table with other columns. */
export const withColumns = (table: LanguageSymbol, columns: readonly ColumnOf[]): LanguageSymbol =>
  (table as TableOf).WithColumns(columns);

/** What is said of a node whose result is a table, with other columns. */
export function corrected(
  info: SemanticInfo | null,
  columns: (official: readonly ColumnOf[]) => readonly ColumnOf[] | undefined,
): SemanticInfo | null {
  const table = info?.ResultType;
  if (!info || !table?.IsTabular) return info;
  const changed = columns(columnSymbols(table));
  return changed ? info.WithResultType(withColumns(table, changed)) : info;
}

const symbolName: Record<KqlType, string> = {
  bool: 'Bool',
  int: 'Int',
  long: 'Long',
  real: 'Real',
  decimal: 'Decimal',
  datetime: 'DateTime',
  timespan: 'TimeSpan',
  guid: 'Guid',
  string: 'String',
  dynamic: 'Dynamic',
};

export const scalarType = (type: KqlType): unknown => languagePackage().Symbols.ScalarTypes[symbolName[type]];

export function columnSymbol({ name, type }: Column): ColumnOf {
  const { ColumnSymbol } = languagePackage().Symbols;
  return new ColumnSymbol(name, scalarType(type), null, null, null, null) as ColumnOf;
}
