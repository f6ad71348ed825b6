import { BoundedCache } from '../../../../base/bounded-cache.ts';
import type { LanguageSymbol } from '../language/language.ts';
import { languagePackage, symbolKind, toArray } from '../language/language.ts';
import type { Shortcut } from './correction.ts';
import { shortcut } from './correction.ts';
import type { ColumnOf } from './symbols.ts';
import { columnSymbols } from './symbols.ts';

interface TableBinder {
  /** Whether all are tables of databases, which live as long as their records in the catalog. */
  CanGlobalCache(tables: unknown): boolean;
}
interface TableOf extends LanguageSymbol {
  WithIsOpen(isOpen: boolean): TableOf;
}

/** Below it the binder's own way takes a millisecond at most. */
const columnsMin = 500;
/** What was unified last; columns of all entries together, most of which are those of the tables themselves. */
const kept = new BoundedCache<TableOf>({
  countMax: 4,
  weight: { max: 200_000, of: (_tables, table) => columnSymbols(table).length },
});

const numbers = new WeakMap<object, number>();
let lastNumber = 0;
function numberOf(table: object): number {
  const before = numbers.get(table);
  if (before !== undefined) return before;
  lastNumber += 1;
  numbers.set(table, lastNumber);
  return lastNumber;
}

/** What `union`, and `search` over all tables, have for columns, as the binder has it: one for each name and type, of several types
 * with the type in its name. The binder makes it anew for each operator that asks, a second for a thousand tables. */
export function unifiedColumns(columns: readonly ColumnOf[]): ColumnOf[] {
  const byName = new Map<string, Map<unknown, ColumnOf[]>>();
  for (const column of columns) {
    const byType = byName.get(column.Name) ?? new Map<unknown, ColumnOf[]>();
    byName.set(column.Name, byType);
    const type = typeKey(column);
    const same = byType.get(type);
    if (same) same.push(column);
    else byType.set(type, [column]);
  }
  const free = uniqueNames();
  return [...byName].flatMap(([name, byType]) =>
    [...byType.values()].map((same): ColumnOf => {
      const [first] = same as [ColumnOf];
      if (byType.size === 1 && same.length === 1) return named(first, free(name));
      const type = commonType(same) ?? first.Type;
      if (byType.size > 1) return columnFrom(free(`${name}_${type?.Name ?? ''}`), type, same);
      return named(columnFrom(name, type, same), free(name));
    }),
  );
}

/** What is known of dynamics differs; they are one type. */
function typeKey({ Type: type }: ColumnOf): unknown {
  return type && /^Dynamic\w*Symbol$/.test(symbolKind(type)) ? languagePackage().Symbols.ScalarTypes['Dynamic'] : type;
}

function commonType(same: readonly ColumnOf[]): ColumnOf['Type'] {
  const [first] = same;
  if (same.every(({ Type }) => Type === first?.Type)) return first?.Type;
  const { Conversion, TypeFacts } = languagePackage().Symbols;
  return TypeFacts.GetCommonColumnType(same, Conversion['None']);
}

function columnFrom(name: string, type: ColumnOf['Type'], originals: readonly ColumnOf[]): ColumnOf {
  const { ColumnSymbol } = languagePackage().Symbols;
  return new ColumnSymbol(name, type, undefined, originals, undefined, undefined) as ColumnOf;
}

const named = (column: ColumnOf, name: string): ColumnOf =>
  name === column.Name ? column : columnFrom(name, column.Type, [column]);

/** A name that is taken gets the next number. */
function uniqueNames(): (name: string) => string {
  const taken = new Map<string, number>();
  return (name) => {
    const last = taken.get(name);
    if (last === undefined) {
      taken.set(name, 0);
      return name;
    }
    let suffix = last + 1;
    while (taken.has(`${name}${suffix}`)) suffix += 1;
    taken.set(name, suffix);
    taken.set(`${name}${suffix}`, 0);
    return `${name}${suffix}`;
  };
}

export const unifiedColumnShortcuts: readonly Shortcut[] = [
  shortcut<{ self: TableBinder; args: [tables: unknown]; result: unknown }>(
    'Binder.GetTableOfColumnsUnifiedByNameAndType',
    (official, binder, given) => {
      // An operator that nothing is piped into begins with an empty table.
      const tables = toArray<LanguageSymbol>(given).filter((table) => table.IsOpen || columnSymbols(table).length > 0);
      const key = tables.map(numberOf).join();
      const before = kept.get(key);
      if (before) return before;
      const columns = tables.flatMap(columnSymbols);
      if (columns.length < columnsMin) return official(given);
      const { TableSymbol } = languagePackage().Symbols;
      const unified = new TableSymbol.$ctor3(unifiedColumns(columns)) as TableOf;
      const table = unified.WithIsOpen(tables.some(({ IsOpen }) => IsOpen === true));
      if (binder.CanGlobalCache(tables)) kept.set(key, table);
      return table;
    },
  ),
];
