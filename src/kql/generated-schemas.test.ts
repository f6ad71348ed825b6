import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fuzz } from '../../tests/support/fuzz.ts';
import type { LocalEngine } from './testing/local-engine.ts';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry } from './testing/parser-entry.ts';

let engine: LocalEngine;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

/** Per type: literals, and what an answer has for them. */
const values = {
  bool: ['true', 'false', 'bool(null)'],
  int: ['int(1)', 'int(-7)', 'int(null)'],
  long: ['1', '-99999999999', 'long(null)'],
  real: ['0.5', '-2.0', 'real(null)'],
  decimal: ['decimal(1.5)', 'decimal(null)'],
  string: ['"a"', '"B c"', '""'],
  datetime: ['datetime(2020-01-01)', 'datetime(null)'],
  timespan: ['1h', 'timespan(null)'],
  guid: ['guid(74be27de-1e4e-49d9-b579-fe0b331d3642)', 'guid(null)'],
  dynamic: ['dynamic([1])', 'dynamic({"a":"x"})', 'dynamic(null)'],
} as const;
type Type = keyof typeof values;
const types = Object.keys(values) as Type[];

/** Some with letters of their own, words of the language, and the same but for capitals. */
const names = ['a', 'A', 'ab', 'a_b', '_x1', 'take', 'count', 'é', 'a b', "it's", 'by', 'T'];

interface TestTable {
  readonly columns: readonly (readonly [name: string, type: Type])[];
  readonly rows: readonly (readonly string[])[];
}
const table: fc.Arbitrary<TestTable> = fc
  .uniqueArray(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...types)), {
    ...{ minLength: 1, maxLength: 6 },
    selector: ([name]) => name,
  })
  .chain((columns) =>
    fc
      .array(fc.tuple(...columns.map(([, type]) => fc.constantFrom<string>(...values[type]))), { maxLength: 3 })
      .map((rows) => ({ columns, rows })),
  );

const quoted = (name: string): string => `['${name.replaceAll("'", "\\'")}']`;
const letOf = (name: string, { columns, rows }: TestTable): string =>
  `let ${name} = datatable(${columns.map(([column, type]) => `${quoted(column)}: ${type}`).join(', ')})[${rows.flat().join(', ')}];\n`;

/** The columns that a query has, and its rows. */
async function answer(query: string): Promise<{ readonly columns: string[]; readonly rows: unknown[][] }> {
  const [result] = await engine.run(query);
  return {
    columns: (result?.columns ?? []).map(({ name, type }) => `${name}: ${type}`),
    rows: (result?.rows ?? []).map((row) => [...row]),
  };
}
const told = ({ columns }: TestTable): string[] => columns.map(([name, type]) => `${name}: ${type}`);
/** What a wildcard names. */
const starting = ({ columns }: TestTable, text: string): string[] =>
  columns.filter(([name]) => name.startsWith(text)).map(([name, type]) => `${name}: ${type}`);

/** Of a union: columns of one name and type are one; of one name and several types each has its type behind its name.
 * @see the page of union, "kind=outer" */
function unitedColumns(tables: readonly TestTable[]): string[] {
  const found = new Map<string, Set<Type>>();
  for (const [name, type] of tables.flatMap(({ columns }) => columns))
    found.set(name, (found.get(name) ?? new Set()).add(type));
  return [...found].flatMap(([name, several]) =>
    several.size === 1
      ? [...several].map((type) => `${name}: ${type}`)
      : [...several].map((type) => `${name}_${type}: ${type}`),
  );
}

it('queries over generated schemas have the columns and rows that their pages say', async () => {
  const property = fc.asyncProperty(table, table, async (one, other) => {
    const lets = letOf('One', one) + letOf('Other', other);
    const whole = await answer(`${lets} One`);
    expect(whole.columns).toEqual(told(one));
    expect(whole.rows).toHaveLength(one.rows.length);

    const schema = await answer(`${lets} One | getschema | project strcat(ColumnName, ": ", ColumnType)`);
    expect(schema.rows.flat()).toEqual(told(one));

    const rest = told(one).filter((column) => !starting(one, 'a').includes(column));
    if (rest.length > 0 && rest.length < one.columns.length) {
      expect((await answer(`${lets} One | project-away a*`)).columns).toEqual(rest);
      expect((await answer(`${lets} One | project-keep a*`)).columns).toEqual(starting(one, 'a'));
      const reordered = await answer(`${lets} One | project-reorder a*`);
      expect(reordered.columns).toEqual([...starting(one, 'a'), ...rest]);
    }

    const [[first]] = one.columns as [readonly [string, Type]];
    const renamed = await answer(`${lets} One | project-rename Renamed = ${quoted(first)} | extend Twice = Renamed`);
    expect(renamed.columns.map((column) => column.split(':')[0])).toEqual([
      'Renamed',
      ...one.columns.slice(1).map(([name]) => name),
      'Twice',
    ]);
    expect(renamed.rows.map((row) => row.at(-1))).toEqual(whole.rows.map(([value]) => value));

    const united = await answer(`${lets} union One, Other`);
    expect(united.columns.toSorted()).toEqual(unitedColumns([one, other]).toSorted());
    expect(united.rows).toHaveLength(one.rows.length + other.rows.length);

    const inner = await answer(`${lets} union kind=inner One, Other | count`).catch(() => undefined);
    const common = told(one).filter((column) => told(other).includes(column));
    if (common.length > 0) expect(inner?.rows).toEqual([[one.rows.length + other.rows.length]]);
  });
  await fc.assert(property, fuzz(60, 15));
});
