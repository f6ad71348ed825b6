import type { GlobalState, LanguageSymbol, SyntaxNode } from './language.ts';
import { languagePackage, toArray } from './language.ts';

/** What the binder tells of a call while it looks for the call's type. */
interface CallContext {
  readonly Arguments: unknown;
  readonly ArgumentTypes: unknown;
  readonly RowScope: LanguageSymbol | null;
}
interface NamedFunction extends LanguageSymbol {
  WithResultNameKind(kind: unknown): NamedFunction;
}

/** `column_ifexists(name, otherwise)` has the type of the column where there is one; the binder always takes the other's. */
function typeOfColumnIfExists(context: CallContext): unknown {
  const [nameNode] = toArray<SyntaxNode & { readonly ConstantValue?: unknown }>(context.Arguments);
  const name = nameNode?.ConstantValue;
  const column = toArray<LanguageSymbol>(context.RowScope?.Columns).find((candidate) => candidate.Name === name);
  return column ? column.Type : toArray(context.ArgumentTypes)[1];
}

const names: ReadonlySet<string> = new Set(['column_ifexists', 'columnifexists']);

/** Puts functions whose types depend on the rows in the place of the binder's own. */
export function withEngineFunctions(state: GlobalState): GlobalState {
  const { FunctionSymbol, ResultNameKind, Tabularity } = languagePackage().Symbols;
  const functions = toArray<LanguageSymbol>(state.Functions).map((symbol) => {
    if (!names.has(symbol.Name)) return symbol;
    const [signature] = toArray<{ readonly Parameters: unknown }>(symbol.Signatures);
    const made = new FunctionSymbol.ctor(
      symbol.Name,
      typeOfColumnIfExists,
      Tabularity['Scalar'],
      toArray(signature?.Parameters),
    ) as NamedFunction;
    return made.WithResultNameKind(ResultNameKind['FirstArgumentValueIfColumn']);
  });
  return state.WithFunctions(functions);
}
