import { invariant } from '../../base/invariant.ts';
import type { PivotSettings } from '../plan/row-settings.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { Column } from '../plan/types.ts';
import type { NativeValue } from '../sql/native.ts';
import { textOf } from '../sql/convert-value.ts';
import type { RowOperator } from './row-operator.ts';
import { nullOf } from './row-operator.ts';

/** pivot: the values of one column become columns, in the order in which they first occur; groups without a value get what
 * the aggregate gives for no rows.
 * @see Kusto documentation, pivot plugin */
export const pivot: RowOperator = ({ inputs, settings, cols: declared }) => {
  const [summarized, nothing, order] = inputs;
  invariant(summarized && nothing && order, 'pivot has three inputs');
  const { groups } = settings as PivotSettings;
  const groupColumns = summarized.cols.slice(0, groups.length);
  const pivotColumn = summarized.cols[groups.length];
  const valueColumn = summarized.cols[groups.length + 1];
  invariant(pivotColumn && valueColumn, 'pivot has a pivot column and a value');
  const nameOf = (value: NativeValue): string => textOf(value, pivotColumn.type);
  const names = [...new Set(order.rows.map((row) => nameOf(row[0] ?? null)))];
  const taken = names.find((name) => groups.includes(name));
  if (taken !== undefined && !declared)
    throw new KqlError('semantic', `evaluate pivot(): a value is named like the column '${taken.slice(0, 100)}'.`);
  const known = new Map([
    ...groupColumns.map(({ name, type }) => [name, type] as const),
    ...names.map((name) => [name, valueColumn.type] as const),
  ]);
  const other = declared?.find(({ name, type }) => (known.get(name) ?? type) !== type);
  if (other)
    throw new KqlError(
      'semantic',
      `evaluate pivot(): the column '${other.name.slice(0, 100)}' is not of type ${other.type}.`,
    );
  const cols: readonly Column[] = declared ?? [
    ...groupColumns,
    ...names.map((name): Column => ({ name, type: valueColumn.type })),
  ];
  const fallback = nothing.rows[0]?.[0] ?? nullOf(valueColumn.type);
  const found = new Map<string, { readonly keys: readonly NativeValue[]; readonly values: Map<string, NativeValue> }>();
  for (const row of summarized.rows) {
    const keys = row.slice(0, groups.length);
    const id = JSON.stringify(keys.map((key) => (key === null ? null : String(key))));
    const group = found.get(id) ?? { keys, values: new Map<string, NativeValue>() };
    group.values.set(nameOf(row[groups.length] ?? null), row[groups.length + 1] ?? null);
    found.set(id, group);
  }
  const rows = [...found.values()].map(({ keys, values }) =>
    cols.map((column): NativeValue => {
      const at = groups.indexOf(column.name);
      if (at >= 0) return keys[at] ?? nullOf(column.type);
      return values.has(column.name) ? (values.get(column.name) ?? nullOf(column.type)) : fallback;
    }),
  );
  return { cols, rows };
};
