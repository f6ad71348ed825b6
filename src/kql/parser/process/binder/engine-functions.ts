import { invariant } from '../../../../base/invariant.ts';
import type { FunctionFacts, FunctionFactsByName } from '../../../plan/function-facts.ts';
import type { CallContext, TypedCall, TypeOfCall } from './call-types.ts';
import { constantOf } from './call-types.ts';
import { scalarType } from './symbols.ts';
import type { GlobalState, LanguageSymbol } from '../language/language.ts';
import { languagePackage, toArray } from '../language/language.ts';

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

/** The functions that the engine has, as their rows tell of them. */
export interface EngineFunctions {
  /** @returns what the row says of the function, by any of its names */
  facts(name: string): FunctionFacts;
  /** @returns the name of the row */
  ownName(name: string): string;
  /** @returns undefined where the binder is right */
  type(name: string): TypeOfCall | undefined;
}

/** @param compiled functions that the builder decides itself */
export function engineFunctions(
  byName: FunctionFactsByName,
  compiled: Readonly<Record<string, TypedCall>>,
): EngineFunctions {
  const rows = [...Object.entries(byName), ...Object.entries(compiled)];
  const own = new Map(rows.flatMap(([name, { aliases = [] }]) => aliases.map((alias) => [alias, name])));
  const ownName = (name: string): string => own.get(name) ?? name;
  const facts = (name: string): FunctionFacts =>
    (Object.hasOwn(byName, ownName(name)) ? byName[ownName(name)] : undefined) ?? {};
  return { ownName, facts, type: (name) => compiled[ownName(name)]?.type ?? ownType(facts(name)) };
}

/** Puts functions whose types are the engine's in the place of the binder's own. */
export function withEngineFunctions(state: GlobalState, engine: EngineFunctions): GlobalState {
  const known = new Map(toArray<NamedFunction>(state.Functions).map((symbol) => [symbol.Name, symbol]));
  const functions = [...known.values()].map((symbol) => {
    const name = engine.ownName(symbol.Name);
    const type = engine.type(name);
    const [signature] = toArray<Signature>(known.get(engine.facts(name).parameters ?? name)?.Signatures);
    if (!type || !signature) return symbol;
    const { FunctionSymbol, Tabularity } = languagePackage().Symbols;
    const official = (context: CallContext): unknown => signature.CustomReturnType?.(context);
    const made = new FunctionSymbol.ctor(
      symbol.Name,
      (context: CallContext) => type(context, official),
      Tabularity['Scalar'],
      toArray(signature.Parameters),
    ) as NamedFunction;
    return made.WithResultNameKind(symbol.ResultNameKind);
  });
  return state.WithFunctions(functions);
}

function ownType({ type, columnEndings }: FunctionFacts): TypeOfCall | undefined {
  if (columnEndings) return (context, official) => withEndings(official(context) as Tuple, columnEndings);
  if (type === undefined) return undefined;
  if (typeof type === 'string') return () => scalarType(type);
  return (context) => {
    const constant = constantOf(context, type.argument);
    const decided = typeof constant === 'string' ? type.types[constant.toLowerCase()] : undefined;
    return scalarType(decided ?? type.otherwise);
  };
}

function withEndings(tuple: Tuple, endings: readonly string[]): unknown {
  const columns = toArray<TupleColumn>(tuple.Columns);
  const [first] = columns;
  invariant(first && columns.length === endings.length, 'the binder knows the columns of the call');
  return tuple.WithColumns(columns.map((column, index) => column.WithName(`${first.Name}${endings[index] ?? ''}`)));
}
