import { invariant } from '../../base/invariant.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { Column } from '../plan/types.ts';
import type { NativeValue } from '../sql/native.ts';
import type { Encoded } from './itemsets.ts';
import type { PluginArguments } from './plugin-arguments.ts';
import { nullOf } from './row-operator.ts';

/** Optional arguments by position, where the text `~` stands for the default. */
export interface MiningArguments {
  number(index: number, fallback: number, least: number, most: number): number;
  /** The column of a weight; undefined when every row weighs 1. */
  weight(index: number): number | undefined;
  /** What stands in a result column that a pattern does not restrict: the given value of its type, else null.
   * @param from where the values begin among the arguments */
  wildcard(from: number): (column: Column) => NativeValue;
}

export function miningArguments(args: PluginArguments, plugin: string): MiningArguments {
  const given = (index: number): NativeValue | undefined => {
    const value = index < args.count ? args.constant(index) : undefined;
    return value === '~' ? undefined : value;
  };
  return {
    number(index, fallback, least, most) {
      const value = given(index);
      if (value === undefined) return fallback;
      const number = Number(value);
      if (value === null || !(number >= least && number <= most))
        throw new KqlError(
          'semantic',
          `evaluate ${plugin}(): argument ${index + 1} must be a number from ${least} to ${most}.`,
        );
      return number;
    },
    weight(index) {
      if (index >= args.count || (args.raw[index]?.k === 'constant' && given(index) === undefined)) return undefined;
      const column = args.column(index);
      const type = args.typeOf(index);
      if (type !== 'int' && type !== 'long' && type !== 'real')
        throw new KqlError('semantic', `evaluate ${plugin}(): a weight must be a number.`);
      return column;
    },
    wildcard(from) {
      const byType = new Map<string, NativeValue>();
      for (let index = from; index < args.count; index += 1) {
        const value = given(index);
        if (value !== undefined) byType.set(args.typeOf(index), value);
      }
      return ({ type }) => byType.get(type) ?? nullOf(type);
    },
  };
}

export const weightOf = (row: readonly NativeValue[], column: number | undefined): number => {
  const weight = column === undefined ? 1 : Number(row[column] ?? 0);
  return weight > 0 ? weight : 0;
};

/** The cells of a pattern under the columns of the input.
 * @param columns what takes part, as indexes of `cols` */
export function patternCells(
  data: Encoded,
  items: readonly number[],
  cols: readonly Column[],
  columns: readonly number[],
  wildcard: (column: Column) => NativeValue,
): NativeValue[] {
  const cells = cols.map(wildcard);
  for (const number of items) {
    const item = data.items[number];
    const column = item && columns[item.column];
    invariant(column !== undefined, 'an item is a value of a column');
    cells[column] = item?.value ?? null;
  }
  return cells;
}
