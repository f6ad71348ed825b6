import type { GlobalState } from '../language/language.ts';
import { languagePackage, toArray } from '../language/language.ts';

/** Plugins of the documentation that the official parser does not know: parameters and result columns as KQL schemas.
 * @see Kusto documentation, schema_merge and diffpatterns_text plugins */
const plugins = [
  {
    name: 'schema_merge',
    parameters: '(PreserveOrder:bool=true)',
    columns: '(ColumnName:string, ColumnOrdinal:long, DataType:string, ColumnType:string)',
  },
  {
    name: 'diffpatterns_text',
    parameters:
      '(TextColumn:string, BooleanCondition:bool, MinTokens:long=1, Threshold:real=0.05, MaxTokens:long=1000)',
    columns: '(Count_of_True:long, Count_of_False:long, Percent_of_True:real, Percent_of_False:real, Pattern:string)',
  },
] as const;

export const extraPluginNames: readonly string[] = plugins.map(({ name }) => name);

/** Teaches them to the binder. Their bodies only give them their columns. */
export function withExtraPlugins(state: GlobalState): GlobalState {
  const { FunctionSymbol } = languagePackage().Symbols;
  return state.WithPlugIns([
    ...toArray(state.PlugIns),
    ...plugins.map(
      ({ name, parameters, columns }) => new FunctionSymbol.$ctor16(name, parameters, `{ datatable${columns}[] }`, ''),
    ),
  ]);
}
