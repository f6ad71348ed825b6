import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator } from './row-operator.ts';
import { columnIndex } from './row-operator.ts';
import { asBig, colsOf } from './timeline.ts';

interface Merged {
  readonly dataType: string;
  readonly type: string;
  readonly first: bigint;
  ordinal: bigint;
  outOfOrder: boolean;
}

const outOfOrder = 'ERROR(columns are out of order)';

/** `schema_merge([preserve order])`: schemas as getschema gives them, united by column name. A column that stands elsewhere than
 * where it was first is an error in its row, unless the order need not be preserved; then the last of its places counts.
 * @see Kusto documentation, schema_merge plugin */
const schemaMerge: RowOperator = (call) => {
  const args = argumentsOf(call, 'schema_merge');
  const preserve = args.constant(0, 'PreserveOrder') !== false;
  const at = (name: string): number => {
    const index = columnIndex(args.rows, name);
    if (index < 0) throw new KqlError('semantic', `evaluate schema_merge(): the input has no column '${name}'.`);
    return index;
  };
  const [nameAt, ordinalAt, dataTypeAt, typeAt] = [
    at('ColumnName'),
    at('ColumnOrdinal'),
    at('DataType'),
    at('ColumnType'),
  ];
  const merged = new Map<string, Merged>();
  for (const row of args.rows.rows) {
    const name = String(row[nameAt] ?? '');
    const ordinal = asBig(row[ordinalAt]) ?? 0n;
    const type = String(row[typeAt] ?? '');
    const known = merged.get(name);
    if (!known) {
      const dataType = String(row[dataTypeAt] ?? '');
      merged.set(name, { dataType, type, first: ordinal, ordinal, outOfOrder: false });
      continue;
    }
    if (known.type !== type)
      throw new KqlError('notSupported', `evaluate schema_merge(): one column of different types is not supported.`);
    if (ordinal !== known.first) known.outOfOrder = preserve;
    if (ordinal > known.ordinal) known.ordinal = ordinal;
  }
  const inOrder = [...merged].filter(([, { outOfOrder: wrong }]) => !wrong);
  if (new Set(inOrder.map(([, { ordinal }]) => ordinal)).size < inOrder.length)
    throw new KqlError('notSupported', 'evaluate schema_merge(): different columns at one place are not supported.');
  inOrder.sort(([, a], [, b]) => (a.ordinal < b.ordinal ? -1 : 1));
  const wrong = [...merged].filter(([, column]) => column.outOfOrder);
  const rows: NativeValue[][] = [
    ...inOrder.map(([name, { ordinal, dataType, type }]) => [name, ordinal, dataType, type]),
    ...wrong.map(([name]) => [name, -1n, `ERROR(unknown CSL type:${outOfOrder})`, outOfOrder]),
  ];
  return { cols: colsOf(call), rows };
};

export const schemaPlugins: Readonly<Record<string, RowOperator>> = { schema_merge: schemaMerge };
