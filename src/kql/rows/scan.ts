import type { ColumnReference } from '../plan/expression.ts';
import type { ScanSettings } from '../plan/row-settings.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { toType } from './convert-value.ts';
import { evaluate, isTrue } from './evaluate.ts';
import type { RowOperator, RowTable } from './row-operator.ts';
import { columnIndex, nullOf } from './row-operator.ts';

type Values = ReadonlyMap<string, NativeValue>;

/** A sequence on its way through the steps: the last record of each step so far. */
interface Sequence {
  readonly matchId: bigint;
  readonly records: ReadonlyMap<string, Values>;
  /** With `output=last`: the record to put out when the sequence moves on. */
  readonly pending?: Values | undefined;
}

/** scan: every record is tried against the steps from last to first. A step takes it when its condition holds with the state
 * of the step before (which then moves here), or else with its own state; the first step always may.
 * @see Kusto documentation, scan operator, "Scan logic" */
const scan: RowOperator = ({ inputs, settings, cols }) => {
  const { declared, steps, matchColumn, partitionBy } = settings as ScanSettings;
  const input = inputs[0];
  if (!input || !cols) throw new KqlError('internal', 'scan has an input and columns.');
  const defaults = new Map(
    declared.map((column): [string, NativeValue] => [
      column.name,
      column.fallback
        ? toType(evaluate(column.fallback, noColumns), column.fallback.type, column.type)
        : nullOf(column.type),
    ]),
  );
  const states: (Sequence | undefined)[] = steps.map(() => undefined);
  const output: NativeValue[][] = [];
  let matches = 0n;
  const emit = (record: Values, matchId: bigint): void => {
    output.push(
      cols.map((column) => (column.name === matchColumn ? matchId : (record.get(column.name) ?? nullOf(column.type)))),
    );
  };

  const attempt = (index: number, record: Values, state: Sequence | undefined): Values | undefined => {
    const step = steps[index];
    if (!step) return undefined;
    const resolve = (reference: ColumnReference): NativeValue => {
      if (reference.side === undefined) return record.get(reference.name) ?? nullOf(reference.type);
      return (
        state?.records.get(reference.side)?.get(reference.name) ??
        defaults.get(reference.name) ??
        nullOf(reference.type)
      );
    };
    if (!isTrue(evaluate(step.condition, resolve))) return undefined;
    const extended = new Map(record);
    for (const { name, expression } of step.assignments) {
      const type = declared.find((column) => column.name === name)?.type ?? expression.type;
      extended.set(name, toType(evaluate(expression, resolve), expression.type, type));
    }
    return extended;
  };

  const accept = (index: number, extended: Values, state: Sequence | undefined, matchId: bigint): void => {
    const step = steps[index];
    if (!step) return;
    if (step.output === 'all') emit(extended, matchId);
    states[index] = {
      matchId,
      records: new Map(state?.records).set(step.name, extended),
      pending: step.output === 'last' ? extended : undefined,
    };
  };
  const flush = (sequence: Sequence | undefined): void => {
    if (sequence?.pending) emit(sequence.pending, sequence.matchId);
  };

  const scanRow = (row: readonly NativeValue[]): void => {
    const record = recordOf(input, row, defaults);
    for (let index = steps.length - 1; index >= 0; index -= 1) {
      const previous = states[index - 1];
      const promoted = previous && attempt(index, record, previous);
      if (promoted) {
        flush(previous);
        flush(states[index]);
        states[index - 1] = undefined;
        accept(index, promoted, previous, previous.matchId);
        continue;
      }
      const own = states[index];
      if (!own && index > 0) continue;
      const extended = attempt(index, record, own);
      if (!extended) continue;
      // A sequence is new where the first step has none under way; further records of that step belong to it.
      accept(index, extended, own, own?.matchId ?? matches);
      if (!own) matches += 1n;
    }
  };
  for (const rows of partitions(input, partitionBy)) {
    for (const row of rows) scanRow(row);
    for (const state of states) flush(state);
    states.fill(undefined);
  }
  return { cols, rows: output };
};

/** Rows by partition, each in its order. */
function partitions(table: RowTable, columns: readonly string[]): (readonly (readonly NativeValue[])[])[] {
  if (columns.length === 0) return [table.rows];
  const at = columns.map((name) => columnIndex(table, name));
  const groups = new Map<string, (readonly NativeValue[])[]>();
  for (const row of table.rows) {
    const key = JSON.stringify(at.map((index) => (row[index] === null ? null : String(row[index]))));
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()];
}

const noColumns = (): NativeValue => {
  throw new KqlError('semantic', 'The default of a scan column must be a constant.');
};

function recordOf(table: RowTable, row: readonly NativeValue[], defaults: Values): Map<string, NativeValue> {
  const record = new Map(defaults);
  table.cols.forEach((column, index) => {
    const value = row[index] ?? null;
    record.set(column.name, column.type === 'int' && typeof value === 'number' ? BigInt(value) : value);
  });
  return record;
}

export const scanOperators: Readonly<Record<string, RowOperator>> = { scan };
