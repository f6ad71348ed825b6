import { invariant } from '../../base/invariant.ts';
import type { PluginArgument, PluginSettings } from '../plan/row-settings.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { KqlType } from '../plan/types.ts';
import type { NativeValue } from '../sql/native.ts';
import type { RowOperatorCall, RowTable } from './row-operator.ts';
import { columnIndex } from './row-operator.ts';

/** The arguments of a plugin call, read by position (or by name where the call names them). */
export interface PluginArguments {
  readonly count: number;
  readonly rows: RowTable;
  /** @returns undefined when it was left out */
  constant(index: number, given?: string): NativeValue | undefined;
  /** The index in `rows.cols` of a column argument. @throws KqlError when it is no column */
  column(index: number, given?: string): number;
  columnOrUndefined(index: number, given?: string): number | undefined;
  table(index: number): RowTable;
  typeOf(index: number): KqlType;
  readonly raw: readonly PluginArgument[];
}

export function argumentsOf(call: RowOperatorCall, plugin: string): PluginArguments {
  // The plan builder makes the settings of plugins in exactly this shape.
  const { args } = call.settings as PluginSettings;
  const [rows, constants] = call.inputs;
  invariant(rows && constants, 'a plugin has rows and constants');
  const at = (index: number, given?: string): PluginArgument | undefined =>
    (given === undefined ? undefined : args.find((argument) => argument.given === given)) ??
    (args[index]?.given === undefined || args[index].given === given ? args[index] : undefined);
  const wrong = (index: number, wanted: string): KqlError =>
    new KqlError('semantic', `evaluate ${plugin}(): argument ${index + 1} must be ${wanted}.`, call.at);
  const columnOrUndefined = (index: number, given?: string): number | undefined => {
    const argument = at(index, given);
    return argument?.k === 'column' ? columnIndex(rows, argument.name) : undefined;
  };
  return {
    count: args.length,
    rows,
    raw: args,
    constant: (index, given) => {
      const argument = at(index, given);
      if (argument?.k === 'constant') return constants.rows[0]?.[argument.index];
      if (argument === undefined) return undefined;
      throw wrong(index, 'a constant');
    },
    column: (index, given) => {
      const found = columnOrUndefined(index, given);
      if (found === undefined) throw wrong(index, 'a column');
      return found;
    },
    columnOrUndefined,
    table: (index) => {
      const argument = args[index];
      const table = argument?.k === 'table' ? call.inputs[argument.input] : undefined;
      if (!table) throw wrong(index, 'a table');
      return table;
    },
    typeOf: (index) => {
      const argument = args[index];
      return argument && 'type' in argument ? argument.type : 'dynamic';
    },
  };
}
