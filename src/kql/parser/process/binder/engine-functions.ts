import { invariant } from '../../../../base/invariant.ts';
import type { GlobalState, LanguageSymbol, SyntaxNode } from '../language/language.ts';
import { languagePackage, toArray } from '../language/language.ts';

/** What the binder tells of a call while it looks for the call's type. */
interface CallContext {
  readonly Arguments: unknown;
  readonly ArgumentTypes: unknown;
  readonly RowScope: LanguageSymbol | null;
}
interface Signature {
  readonly Parameters: unknown;
  readonly CustomReturnType?: ((context: CallContext) => unknown) | null;
}
interface NamedFunction extends LanguageSymbol {
  readonly ResultNameKind: unknown;
  WithResultNameKind(kind: unknown): NamedFunction;
}

interface TupleColumn {
  readonly Name: string;
  WithName(name: string): TupleColumn;
}
interface Tuple {
  readonly Columns: unknown;
  WithColumns(columns: readonly TupleColumn[]): unknown;
}

/** The binder names the second column `…_scores`; results on the function's page, old and new, have `…_periods_scores`. */
function typeOfPeriods(context: CallContext, own: (context: CallContext) => unknown): unknown {
  const tuple = own(context) as Tuple;
  const [periods, scores] = toArray<TupleColumn>(tuple.Columns);
  invariant(periods && scores, 'series_periods_detect() has two columns');
  return tuple.WithColumns([periods, scores.WithName(`${periods.Name}_scores`)]);
}

/** `column_ifexists(name, otherwise)` has the type of the column where there is one; the binder always takes the other's. */
function typeOfColumnIfExists(context: CallContext): unknown {
  const [nameNode] = toArray<SyntaxNode & { readonly ConstantValue?: unknown }>(context.Arguments);
  const name = nameNode?.ConstantValue;
  const column = toArray<LanguageSymbol>(context.RowScope?.Columns).find((candidate) => candidate.Name === name);
  return column ? column.Type : toArray(context.ArgumentTypes)[1];
}

const long = (): unknown => languagePackage().Symbols.ScalarTypes['Long'];
const dynamic = (): unknown => languagePackage().Symbols.ScalarTypes['Dynamic'];
const real = (): unknown => languagePackage().Symbols.ScalarTypes['Real'];

/** Calls whose type the engine has otherwise than the binder. */
const types: Readonly<
  Record<string, ((context: CallContext, own: (context: CallContext) => unknown) => unknown) | undefined>
> = {
  column_ifexists: typeOfColumnIfExists,
  columnifexists: typeOfColumnIfExists,
  hourofday: long,
  monthofyear: long,
  jaccard_index: real,
  series_periods_detect: typeOfPeriods,
  format_ipv4_mask: () => languagePackage().Symbols.ScalarTypes['String'],
  todynamic: dynamic,
  toobject: dynamic,
  parsejson: dynamic,
  // A difference in weeks is real.
  datetime_diff: (context) => {
    const [unit] = toArray<SyntaxNode & { readonly ConstantValue?: unknown }>(context.Arguments);
    const isWeek = typeof unit?.ConstantValue === 'string' && unit.ConstantValue.toLowerCase() === 'week';
    return languagePackage().Symbols.ScalarTypes[isWeek ? 'Real' : 'Long'];
  },
};

/** Functions whose arguments the engine takes as it does those of another: the binder wants the prefix of format_ipv4_mask(), and
 * only strings for the other names of parse_json(). */
const likeOthers: Readonly<Record<string, string | undefined>> = {
  format_ipv4_mask: 'format_ipv4',
  todynamic: 'parse_json',
  toobject: 'parse_json',
  parsejson: 'parse_json',
};

/** Puts functions whose types are the engine's in the place of the binder's own. */
export function withEngineFunctions(state: GlobalState): GlobalState {
  const { FunctionSymbol, Tabularity } = languagePackage().Symbols;
  const known = toArray<NamedFunction>(state.Functions);
  const functions = known.map((symbol) => {
    const type = Object.hasOwn(types, symbol.Name) ? types[symbol.Name] : undefined;
    if (!type) return symbol;
    const other = likeOthers[symbol.Name];
    const taken = other === undefined ? symbol : known.find(({ Name }) => Name === other);
    const [signature] = toArray<Signature>(taken?.Signatures);
    const own = (context: CallContext): unknown => signature?.CustomReturnType?.(context);
    const made = new FunctionSymbol.ctor(
      symbol.Name,
      (context: CallContext) => type(context, own),
      Tabularity['Scalar'],
      toArray(signature?.Parameters),
    ) as NamedFunction;
    return made.WithResultNameKind(symbol.ResultNameKind);
  });
  return state.WithFunctions(functions);
}
