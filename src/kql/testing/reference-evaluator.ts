import type { Expression } from '../plan/expression.ts';
import type { Plan } from '../plan/plan.ts';
import { toType } from '../sql/convert-value.ts';
import { referenceValue } from './reference-scalars.ts';
import type { NativeValue } from '../sql/native.ts';

type Row = ReadonlyMap<string, NativeValue>;

/** A slow and plain reading of the core operators, row by row: the answer that generated SQL must agree with. */
export function referenceRows(plan: Plan): Row[] {
  switch (plan.op) {
    case 'datatable':
      return plan.rows.map(
        (cells) =>
          new Map(plan.cols.map((column, index) => [column.name, valueOf(cells[index], new Map(), column.type)])),
      );
    case 'filter':
      return referenceRows(plan.input).filter((row) => valueOf(plan.condition, row) === true);
    case 'extend':
    case 'project':
      return referenceRows(plan.input).map((row) => {
        const made = new Map(
          plan.items.map((item): [string, NativeValue] => [item.names[0] ?? '', valueOf(item.expression, row)]),
        );
        return new Map(
          plan.cols.map((column) => [
            column.name,
            made.has(column.name) ? (made.get(column.name) ?? null) : (row.get(column.name) ?? null),
          ]),
        );
      });
    case 'distinct':
    case 'summarize':
      return summarized(plan);
    case 'count':
      return [new Map([['Count', BigInt(referenceRows(plan.input).length)]])];
    case 'join':
      return joined(plan);
    default:
      throw new RangeError(`The reference evaluator does not know ${plan.op}.`);
  }
}

function valueOf(expression: Expression | undefined, row: Row, type = expression?.type): NativeValue {
  if (!expression || !type) return null;
  return toType(
    referenceValue(expression, (reference) => row.get(reference.name) ?? null),
    expression.type,
    type,
  );
}

const keyOf = (values: readonly NativeValue[]): string =>
  JSON.stringify(values.map((value) => (value === null ? null : `${typeof value}:${String(value)}`)));

function summarized(plan: Extract<Plan, { op: 'summarize' | 'distinct' }>): Row[] {
  const by = plan.op === 'summarize' ? plan.by : plan.items;
  const aggregates = plan.op === 'summarize' ? plan.aggregates : [];
  const groups = new Map<string, { keys: NativeValue[]; rows: Row[] }>();
  if (by.length === 0) groups.set('', { keys: [], rows: [] });
  for (const row of referenceRows(plan.input)) {
    const keys = by.map((item) => valueOf(item.expression, row));
    const group = groups.get(by.length === 0 ? '' : keyOf(keys));
    if (group) group.rows.push(row);
    else groups.set(keyOf(keys), { keys, rows: [row] });
  }
  return [...groups.values()].map(({ keys, rows }) => {
    const values = [...keys, ...aggregates.map((item) => aggregated(item.expression, rows))];
    return new Map(plan.cols.map((column, index) => [column.name, values[index] ?? null]));
  });
}

function aggregated(expression: Expression, rows: readonly Row[]): NativeValue {
  if (expression.k !== 'call') throw new RangeError('an aggregate is a call');
  const [argument] = expression.args;
  if (expression.name === 'count') return BigInt(rows.length);
  const values = rows.map((row) => valueOf(argument, row));
  if (expression.name === 'countif') return BigInt(values.filter((value) => value === true).length);
  const present = values.filter((value) => value !== null);
  if (expression.name === 'dcount') return BigInt(new Set(present.map(String)).size);
  if (expression.name === 'sum')
    return BigInt.asIntN(
      64,
      present.reduce((sum: bigint, value) => sum + (typeof value === 'bigint' ? value : 0n), 0n),
    );
  if (present.some((value) => Number.isNaN(value))) return NaN;
  const sorted = present.toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const none = expression.type === 'string' ? '' : null;
  if (expression.name === 'min') return sorted[0] ?? none;
  if (expression.name === 'max') return sorted.at(-1) ?? none;
  throw new RangeError(`The reference evaluator does not know ${expression.name}.`);
}

function joined(plan: Extract<Plan, { op: 'join' }>): Row[] {
  const [left, right] = [referenceRows(plan.left), referenceRows(plan.right)];
  const matches = (l: Row, r: Row): boolean =>
    plan.on.every((pair) => keyOf([valueOf(pair.left, l)]) === keyOf([valueOf(pair.right, r)]));
  const rightColumns = plan.right.cols;
  const combined = (l: Row | undefined, r: Row | undefined): Row => {
    const values = [
      ...plan.left.cols.map((column) => (l ? (l.get(column.name) ?? null) : column.type === 'string' ? '' : null)),
      ...rightColumns.map((column) => (r ? (r.get(column.name) ?? null) : column.type === 'string' ? '' : null)),
    ];
    return new Map(plan.cols.map((column, index) => [column.name, values[index] ?? null]));
  };
  const pairs = left.flatMap((l) => right.filter((r) => matches(l, r)).map((r) => combined(l, r)));
  switch (plan.kind) {
    case 'inner':
      return pairs;
    case 'leftouter':
      return [...pairs, ...left.filter((l) => !right.some((r) => matches(l, r))).map((l) => combined(l, undefined))];
    case 'fullouter':
      return [
        ...pairs,
        ...left.filter((l) => !right.some((r) => matches(l, r))).map((l) => combined(l, undefined)),
        ...right.filter((r) => !left.some((l) => matches(l, r))).map((r) => combined(undefined, r)),
      ];
    case 'leftanti':
      return left.filter((l) => !right.some((r) => matches(l, r)));
    case 'leftsemi':
      return left.filter((l) => right.some((r) => matches(l, r)));
    default:
      throw new RangeError(`The reference evaluator does not know join kind=${plan.kind}.`);
  }
}
