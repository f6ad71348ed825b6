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
  countMax: 6,
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
  const free = uniqueNames();
  return [...byNameAndType(columns)].flatMap(([name, byType]) =>
    [...byType.values()].map((same): ColumnOf => {
      const [first] = same as [ColumnOf];
      if (byType.size === 1 && same.length === 1) return named(first, free(name));
      const type = commonType(same) ?? first.Type;
      if (byType.size > 1) return columnFrom(free(`${name}_${type?.Name ?? ''}`), type, same);
      return named(columnFrom(name, type, same), free(name));
    }),
  );
}

function byNameAndType(columns: readonly ColumnOf[]): ReadonlyMap<string, ReadonlyMap<unknown, ColumnOf[]>> {
  const byName = new Map<string, Map<unknown, ColumnOf[]>>();
  for (const column of columns) {
    const byType = byName.get(column.Name) ?? new Map<unknown, ColumnOf[]>();
    byName.set(column.Name, byType);
    const type = typeKey(column);
    const same = byType.get(type);
    if (same) same.push(column);
    else byType.set(type, [column]);
  }
  return byName;
}

/** What conditions of `find` see of columns, as the binder has it: one for each name. */
export function columnsByName(columns: readonly ColumnOf[]): ColumnOf[] {
  return [...byNameAndType(columns)].map(([name, byType]): ColumnOf => {
    const [[first, ...others] = [], ...otherTypes] = [...byType.values()];
    if (first === undefined || (others.length === 0 && otherTypes.length === 0)) return first as ColumnOf;
    const type = otherTypes.length === 0 ? first.Type : commonScalar([...byType.keys()]);
    return columnFrom(name, type, [...byType.values()].flat());
  });
}

/** What all of several tables have, by name, as the binder has it for `find`. The binder goes from table to table, and puts all columns of a
 * name together anew with each: the square of their number. */
export function commonColumns(tables: readonly (readonly ColumnOf[])[]): ColumnOf[] {
  const [first = [], ...others] = tables;
  if (others.length === 0) return [...first];
  const rest = others.map((columns) => new Map(columns.map((column) => [column.Name, column])));
  return first.flatMap((column) => {
    const found: ColumnOf[] = [column];
    for (const columns of rest) {
      const same = columns.get(column.Name);
      if (same === undefined) return [];
      found.push(same);
    }
    // From table to table: with another type between them, the same types may have another one in common.
    const type = found.reduce((known: ColumnOf['Type'], one) => {
      const key = typeKey({ Type: known ?? null });
      return key === typeKey(one) ? known : commonScalar([key, typeKey(one)]);
    }, column.Type);
    return [columnFrom(column.Name, type, found)];
  });
}

function commonScalar(types: readonly unknown[]): ColumnOf['Type'] {
  const { ScalarTypes, TypeFacts } = languagePackage().Symbols;
  return TypeFacts.GetCommonScalarType$1(types) ?? (ScalarTypes['Dynamic'] as ColumnOf['Type']);
}

/** What is known of dynamics differs; they are one type. */
function typeKey({ Type: type }: Pick<ColumnOf, 'Type'>): unknown {
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

/** @param from what is made of the columns of each table */
const ofTables = (place: string, from: (tables: readonly (readonly ColumnOf[])[]) => ColumnOf[]): Shortcut =>
  shortcut<{ self: TableBinder; args: [tables: unknown]; result: unknown }>(place, (official, binder, given) => {
    const all = toArray<LanguageSymbol>(given);
    // An operator that nothing is piped into begins with an empty table.
    const tables = place === common ? all : all.filter((table) => table.IsOpen || columnSymbols(table).length > 0);
    const key = `${place} ${tables.map(numberOf).join()}`;
    const before = kept.get(key);
    if (before) return before;
    const columns = tables.map(columnSymbols);
    if (columns.reduce((sum, { length }) => sum + length, 0) < columnsMin) return official(given);
    const { TableSymbol } = languagePackage().Symbols;
    const made = new TableSymbol.$ctor3(from(columns)) as TableOf;
    const isOpen = ({ IsOpen }: LanguageSymbol): boolean => IsOpen === true;
    const table = made.WithIsOpen(place === common ? tables.length > 0 && tables.every(isOpen) : tables.some(isOpen));
    if (binder.CanGlobalCache(tables)) kept.set(key, table);
    return table;
  });
const common = 'Binder.GetTableOfCommonColumns';

export const unifiedColumnShortcuts: readonly Shortcut[] = [
  ofTables('Binder.GetTableOfColumnsUnifiedByNameAndType', (tables) => unifiedColumns(tables.flat())),
  ofTables('Binder.GetTableOfColumnsUnifiedByName', (tables) => columnsByName(tables.flat())),
  ofTables(common, commonColumns),
];
