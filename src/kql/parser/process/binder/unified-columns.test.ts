import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CatalogTable } from '../../../plan/catalog.ts';
import type { KqlType } from '../../../plan/types.ts';
import { loadLanguage } from '../load-language.ts';
import { engineFunctions } from './engine-functions.ts';
import { stateCache } from './global-state.ts';
import type { LanguageSymbol } from '../language/language.ts';
import { languagePackage, toArray } from '../language/language.ts';
import type { ColumnOf } from './symbols.ts';
import { columnSymbol, columnSymbols } from './symbols.ts';
import { columnsByName, commonColumns, unifiedColumns } from './unified-columns.ts';

beforeAll(() => loadLanguage());

/** What the binder makes of the columns of several tables, by its own way: it changes a list of its own in place. */
function official(columns: readonly ColumnOf[], by: 'Name' | 'NameAndType' = 'NameAndType'): ColumnOf[] {
  const { Binder } = languagePackage().Binding;
  const list = Binder.s_columnListPool.AllocateFromPool();
  for (const one of columns) list.add(one);
  Binder[`UnifyColumnsWithSame${by}`](list);
  return toArray<ColumnOf>(list);
}

function officialCommon(tables: readonly (readonly ColumnOf[])[]): ColumnOf[] {
  const { Binding, Symbols } = languagePackage();
  const list = Binding.Binder.s_columnListPool.AllocateFromPool();
  Binding.Binder.GetCommonColumns(
    tables.map((columns) => new Symbols.TableSymbol.$ctor3(columns)),
    list,
  );
  return toArray<ColumnOf>(list);
}

const shown = ({ Name, Type, OriginalColumns }: ColumnOf): unknown => ({
  Name,
  Type,
  originals: toArray<ColumnOf>(OriginalColumns),
});
const same = (columns: readonly ColumnOf[]): void => sameColumns(unifiedColumns(columns), official(columns));
const sameColumns = (one: readonly ColumnOf[], other: readonly ColumnOf[]): void => {
  const [ours, theirs] = [one, other].map((all) => all.map(shown));
  expect(ours?.length).toBe(theirs?.length);
  for (const [index, one] of (ours ?? []).entries()) {
    const [own, other] = [one, theirs?.[index]] as { Name: string; Type: unknown; originals: ColumnOf[] }[];
    expect(own?.Name).toBe(other?.Name);
    expect(own?.Type === other?.Type).toBe(true);
    expect(own?.originals.length).toBe(other?.originals.length);
    expect(own?.originals.every((column, at) => column === other?.originals[at])).toBe(true);
  }
};

const types: readonly KqlType[] = ['string', 'long', 'int', 'real', 'dynamic', 'datetime'];
/** Names that meet those made of a name and a type, or of a name and a number. */
const names = ['a', 'A', 'a1', 'a2', 'a_long', 'a_long1', 'a_string', 'b', 'b_dynamic'];
const column = fc.record({ name: fc.constantFrom(...names), type: fc.constantFrom(...types) });

describe('columns of a union', () => {
  it('are those of the official binder, whatever the tables have', () => {
    fc.assert(
      fc.property(fc.array(column, { maxLength: 60 }), (columns) => same(columns.map(columnSymbol))),
      { numRuns: 500 },
    );
  });

  it('are those that conditions of find see, whatever the tables have', () => {
    fc.assert(
      fc.property(fc.array(column, { maxLength: 60 }), (given) => {
        const columns = given.map(columnSymbol);
        sameColumns(columnsByName(columns), official(columns, 'Name'));
      }),
      { numRuns: 500 },
    );
  });

  it('are those that all tables of find have', () => {
    const table = fc.uniqueArray(column, { minLength: 3, maxLength: 9, selector: ({ name }) => name });
    fc.assert(
      fc.property(fc.array(table, { maxLength: 6 }), (given) => {
        const tables = given.map((columns) => columns.map(columnSymbol));
        sameColumns(commonColumns(tables), officialCommon(tables));
      }),
      { numRuns: 500 },
    );
  });

  it('are there by any name', () => {
    const columns = ['__proto__', 'constructor', 'toString'].map((name) => columnSymbol({ name, type: 'long' }));
    expect(unifiedColumns([...columns, ...columns]).map(({ Name }) => Name)).toEqual(columns.map(({ Name }) => Name));
  });

  it('are made once for the tables of one version of a catalog, and anew for others', () => {
    const tableOf = (name: string): CatalogTable => ({
      name,
      columns: Array.from({ length: 300 }, (_column, index) => ({ name: `c${index}`, type: 'long' })),
    });
    const tables = ['A', 'B', 'C'].map(tableOf);
    const functions = engineFunctions({}, {});
    const lastOf = (given: readonly CatalogTable[], text: string): ColumnOf | undefined => {
      const catalog = { version: '1', cluster: 'c', databases: [{ name: 'db', tables: given, functions: [] }] };
      const state = stateCache()(catalog, functions, 'db');
      return columnSymbols(languagePackage().KustoCode.ParseAndAnalyze(text, state).ResultType).at(-1);
    };
    const first = lastOf(tables, 'union *');
    expect(first?.Name).toBe('c299');
    expect(lastOf(tables, 'search "x"') === first).toBe(true);
    expect(lastOf([...tables.slice(0, 2), tableOf('C')], 'union *') === first).toBe(false);
    expect(lastOf(tables, 'union A, B') === first).toBe(false);
  });

  it('are those of the official binder where all is known of some dynamics', () => {
    const state = languagePackage().GlobalState.Default;
    const columnsOf = (text: string): ColumnOf[] => {
      const type: LanguageSymbol | null | undefined = languagePackage().KustoCode.ParseAndAnalyze(
        text,
        state,
      ).ResultType;
      return columnSymbols(type);
    };
    const known = [
      'dynamic({"a":1})',
      'dynamic({"b":"x"})',
      'dynamic([1,2])',
      'dynamic(["x"])',
      'dynamic(1)',
      '1',
      '"x"',
    ];
    const symbols = known.map((value) => columnsOf(`print d = ${value}`));
    expect(symbols.every((columns) => columns.length === 1)).toBe(true);
    const some = fc.array(fc.constantFrom(...symbols), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(some, (all) => same(all.flat())),
      { numRuns: 200 },
    );
  });
});
