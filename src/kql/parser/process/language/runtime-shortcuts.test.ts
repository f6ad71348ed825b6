import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { languageFiles } from './language-files.ts';
import { shortenRuntime } from './runtime-shortcuts.ts';

interface Package {
  readonly Bridge: { readonly is: TypeTest; readonly as: TypeTest };
  readonly System: { readonly Array: { readonly getCount: ListRead; readonly getItem: ListRead } };
}
type TypeTest = (value: unknown, type: unknown, ...rest: unknown[]) => unknown;
type ListRead = (list: unknown, ...rest: unknown[]) => unknown;

/** A context of its own, so that the functions of the package are there as they come. */
const context = createContext({});
for (const file of languageFiles(import.meta.dirname)) runInContext(readFileSync(file, 'utf8'), context);
const { Bridge: runtime, System: system } = context as Package;
const official = { ...runtime };
const officialLists = { ...system.Array };
shortenRuntime(context);

/** Nodes and tokens of bound queries, their symbols and types, and what JavaScript and the runtime have for values. */
const values = runInContext(
  `(() => {
    const found = new Set([1, 2.5, 'x', true, new Date(0), [], [1], {}, Object.create(null), () => 1]);
    const { KustoCode, Symbols } = Kusto.Language;
    const add = (value) => { if (value !== null && value !== undefined) found.add(value); };
    const walk = (node) => {
      add(node); add(node.ReferencedSymbol); add(node.ResultType); add(node.LiteralValueInfo); add(node.Tree);
      for (let at = 0; at < node.ChildCount; at += 1) { const child = node.GetChild(at); if (child) walk(child); }
    };
    for (const text of ['let f = (x:long) { x + 1 }; print f(1), dynamic({"a":[1]}), 1d, guid(null) | extend y = datetime(2020-01-01)',
      'range a from 1 to 5 step 1 | summarize count(), make_list(a) by b = a % 2 | mv-expand list_a | union (print 1)'])
      walk(KustoCode.ParseAndAnalyze(text, Kusto.Language.GlobalState.Default).Syntax);
    const list = new (System.Collections.Generic.List$1(Symbols.Symbol).ctor)();
    add(list); add(new System.Int64(5)); add(Bridge.box(5, System.Int32)); add(System.Array.init([1], System.Int32));
    add(Kusto.Language.GlobalState.Default); add(new System.Exception('e')); add(Bridge.box(Symbols.SymbolKind.Table, Symbols.SymbolKind));
    return [...found];
  })()`,
  context,
) as readonly unknown[];
const types = runInContext(
  `[...Object.values(Kusto.Language.Syntax), ...Object.values(Kusto.Language.Symbols), System.Object, System.String, System.Int32, System.Int64,
    System.Boolean, System.Exception, System.IDisposable, System.Collections.IEnumerable, System.Collections.Generic.IReadOnlyList$1(Kusto.Language.Symbols.Symbol),
    System.Collections.Generic.List$1(Kusto.Language.Symbols.Symbol)].filter((type) => typeof type === 'function' && type.$$name)`,
  context,
) as readonly unknown[];

const answerOf = (ask: () => unknown): unknown => {
  try {
    return ask();
  } catch (error) {
    return `throws ${error instanceof Error ? error.message : String(error)}`;
  }
};

/** What is boxed anew for each question has the same type and text. */
const isSame = (one: unknown, other: unknown): boolean =>
  Object.is(one, other) || (isBoxed(one) && isBoxed(other) && one.v === other.v && one.type === other.type);
const isBoxed = (value: unknown): value is { readonly v: unknown; readonly type: unknown } =>
  typeof value === 'object' && value !== null && '$boxed' in value;

describe('the shortened runtime', () => {
  it('says of every value and type what the official one says, the first time and the second', () => {
    expect(values.length).toBeGreaterThan(150);
    expect(types.length).toBeGreaterThan(150);
    const differing: string[] = [];
    for (const [at, value] of values.entries())
      for (const type of types)
        for (const time of [1, 2]) {
          const isSame = answerOf(() => official.is(value, type)) === answerOf(() => runtime.is(value, type));
          const isCastSame = answerOf(() => official.as(value, type)) === answerOf(() => runtime.as(value, type));
          if (!isSame || !isCastSame) differing.push(`${at} ${(type as { $$name: string }).$$name} ${time}`);
        }
    expect(differing).toEqual([]);
    expect(runtime.is(null, types[0])).toBe(official.is(null, types[0]));
    expect(runtime.is(null, types[0], false, true)).toBe(true);
    expect(runtime.as(undefined, types[0])).toBe(official.as(undefined, types[0]));
  });

  it('reads lists of every kind alike', () => {
    const [lists, elements] = runInContext(
      `(() => {
        const { Symbol: Element, ColumnSymbol, ScalarTypes } = Kusto.Language.Symbols;
        const column = new ColumnSymbol('a', ScalarTypes.Long, null, null, null, null);
        const list = new (System.Collections.Generic.List$1(ColumnSymbol).ctor)();
        list.add(column);
        const code = Kusto.Language.KustoCode.ParseAndAnalyze('print 1, 2', Kusto.Language.GlobalState.Default);
        const numbers = new (System.Collections.Generic.List$1(System.Int32).ctor)();
        numbers.add(5);
        const { ListExtensions } = Kusto.Language.Utils;
        return [[[column], list, list.AsReadOnly(), ListExtensions.ToReadOnly(ColumnSymbol, list), ListExtensions.ToReadOnly(System.Int32, numbers), System.Array.init([column], ColumnSymbol), code.Syntax.Statements, [5], System.Array.init([5], System.Int32)],
          [Element, ColumnSymbol, System.Int32, System.Object, undefined]];
      })()`,
      context,
    ) as readonly [readonly unknown[], readonly unknown[]];
    for (const list of lists)
      for (const type of elements) {
        const [ours, theirs] = [system.Array, officialLists].map(({ getCount, getItem }) => [
          answerOf(() => getCount(list, type)),
          answerOf(() => getItem(list, 0, type)),
        ]);
        for (const [at, one] of (ours ?? []).entries()) expect(isSame(one, theirs?.[at])).toBe(true);
      }
  });
});
