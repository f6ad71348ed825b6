import type { ColumnReference, Expression } from '../plan/expression.ts';
import type { Plan } from '../plan/plan.ts';
import type { ScanSettings } from '../plan/row-settings.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { Column, KqlType } from '../plan/types.ts';
import type { RowOperator, RowTable } from '../plugins/row-operator.ts';
import { columnIndex, nullOf } from '../plugins/row-operator.ts';
import type { NativeValue } from '../sql/native.ts';
import type { Evaluate, Resolve } from './state-expression.ts';
import { stateExpression } from './state-expression.ts';
import type { StateQuery } from './state-query.ts';
import { queryPlan, queryValues, stateQuery } from './state-query.ts';

type Values = ReadonlyMap<string, NativeValue>;
type Row = readonly NativeValue[];

/** A sequence on its way through the steps: the last record of each step so far. */
interface Sequence {
  readonly matchId: bigint;
  readonly records: ReadonlyMap<string, Values>;
  /** With `output=last`: the record to put out when the sequence moves on. */
  readonly pending?: Values | undefined;
}

/** What is to be computed in SQL before a record can go on. */
interface Question {
  readonly query: StateQuery;
  /** Of the inputs of the query. */
  readonly inputs: Row;
}
/** Work that stops for questions; each is answered with the values of the query. */
type Asking<T> = Generator<Question, T, Row>;

/** Expressions of a step: those that are computed here, and a query for the others. */
interface Computed {
  readonly here: readonly (Evaluate | undefined)[];
  readonly query: StateQuery | undefined;
}

interface Step {
  readonly name: string;
  readonly output: string;
  readonly condition: Computed;
  readonly names: readonly string[];
  readonly assigned: Computed;
}

/** A record that was put out, by the number of its match within the partition. */
interface Emitted {
  readonly record: Values;
  readonly match: bigint;
}

/** scan: every record is tried against the steps from last to first. A step takes it when its condition holds with the state
 * of the step before (which then moves here), or else with its own state; the first step always may.
 * @see Kusto documentation, scan operator, "Scan logic" */
const scan: RowOperator = function* ({ inputs, settings, cols }) {
  const { declared, steps, matchColumn, partitionBy } = settings as ScanSettings;
  const input = inputs[0];
  if (!input || !cols) throw new KqlError('internal', 'scan has an input and columns.');
  const defaults = yield* defaultsOf(declared);
  const ready = steps.map((step): Step => {
    const typeOf = (name: string, own: KqlType): KqlType =>
      declared.find((column) => column.name === name)?.type ?? own;
    return {
      name: step.name,
      output: step.output,
      condition: computed([[step.condition, step.condition.type]]),
      names: step.assignments.map(({ name }) => name),
      assigned: computed(
        step.assignments.map(({ name, expression }) => [expression, typeOf(name, expression.type)] as const),
      ),
    };
  });
  const parts = partitions(input, partitionBy).map((rows) => {
    const emitted: Emitted[] = [];
    return { emitted, walk: walked(input, rows, ready, defaults, emitted) };
  });
  const matches = yield* together(parts.map(({ walk }) => walk));
  const output: NativeValue[][] = [];
  let before = 0n;
  parts.forEach(({ emitted }, index) => {
    for (const { record, match } of emitted)
      output.push(
        cols.map(({ name, type }) => (name === matchColumn ? before + match : (record.get(name) ?? nullOf(type)))),
      );
    before += matches[index] ?? 0n;
  });
  return { cols, rows: output };
};

function computed(expressions: readonly (readonly [Expression, KqlType])[]): Computed {
  const here = expressions.map(([expression, type]) => stateExpression(expression, type));
  const others = expressions.filter((_wanted, index) => here[index] === undefined);
  return { here, query: others.length > 0 ? stateQuery(others) : undefined };
}

function* valuesOf({ here, query }: Computed, resolve: Resolve): Asking<NativeValue[]> {
  const answers = query ? [...(yield { query, inputs: query.inputs.map(resolve) })] : [];
  return here.map((evaluate) => (evaluate ? evaluate(resolve) : (answers.shift() ?? null)));
}

function* defaultsOf(declared: ScanSettings['declared']): Generator<Plan, Values, readonly Row[]> {
  const given = declared.filter(({ fallback }) => fallback !== undefined);
  const wanted = given.flatMap(({ fallback, type }) => (fallback ? [[fallback, type] as const] : []));
  const [values = []] = yield* together([valuesOf(computed(wanted), noColumns)]);
  const known = new Map(given.map(({ name }, index) => [name, values[index]]));
  return new Map(declared.map(({ name, type }) => [name, known.get(name) ?? nullOf(type)]));
}

const noColumns = (): NativeValue => {
  throw new KqlError('semantic', 'The default of a scan column must be a constant.');
};

/** The records of one partition, in their order.
 * @returns how many matches began */
function* walked(
  table: RowTable,
  rows: readonly Row[],
  steps: readonly Step[],
  defaults: Values,
  emitted: Emitted[],
): Asking<bigint> {
  const states: (Sequence | undefined)[] = steps.map(() => undefined);
  let matches = 0n;

  const attempt = function* (step: Step, record: Values, state: Sequence | undefined): Asking<Values | undefined> {
    const resolve = ({ name, side, type }: ColumnReference): NativeValue =>
      (side === undefined ? record.get(name) : (state?.records.get(side)?.get(name) ?? defaults.get(name))) ??
      nullOf(type);
    const [holds] = yield* valuesOf(step.condition, resolve);
    if (holds !== true) return undefined;
    const values = yield* valuesOf(step.assigned, resolve);
    const extended = new Map(record);
    step.names.forEach((name, index) => extended.set(name, values[index] ?? null));
    return extended;
  };
  const accept = (index: number, step: Step, extended: Values, state: Sequence | undefined, match: bigint): void => {
    if (step.output === 'all') emitted.push({ record: extended, match });
    states[index] = {
      matchId: match,
      records: new Map(state?.records).set(step.name, extended),
      pending: step.output === 'last' ? extended : undefined,
    };
  };
  const flush = (sequence: Sequence | undefined): void => {
    if (sequence?.pending) emitted.push({ record: sequence.pending, match: sequence.matchId });
  };

  for (const row of rows) {
    const record = recordOf(table, row, defaults);
    for (const [index, step] of [...steps.entries()].reverse()) {
      const previous = states[index - 1];
      const promoted = previous && (yield* attempt(step, record, previous));
      if (promoted) {
        flush(previous);
        flush(states[index]);
        states[index - 1] = undefined;
        accept(index, step, promoted, previous, previous.matchId);
        continue;
      }
      const own = states[index];
      if (!own && index > 0) continue;
      const extended = yield* attempt(step, record, own);
      if (!extended) continue;
      // A sequence is new where the first step has none under way; further records of that step belong to it.
      accept(index, step, extended, own, own?.matchId ?? matches);
      if (!own) matches += 1n;
    }
  }
  for (const state of states) flush(state);
  return matches;
}

/** So many questions of one kind go into one statement. */
const questionsMax = 256;

/** Does several works, whose questions are asked together: the next record of every partition in one statement.
 * @returns what each gave */
function* together<T>(works: readonly Asking<T>[]): Generator<Plan, T[], readonly Row[]> {
  const results: T[] = [];
  let waiting = new Map<StateQuery, { readonly at: number; readonly inputs: Row }[]>();
  const goOn = (at: number, next: IteratorResult<Question, T> | undefined): void => {
    if (next?.done === true) results[at] = next.value;
    else if (next) {
      const { query, inputs } = next.value;
      const same = waiting.get(query);
      if (same) same.push({ at, inputs });
      else waiting.set(query, [{ at, inputs }]);
    }
  };
  works.forEach((work, at) => goOn(at, work.next()));
  while (waiting.size > 0) {
    const asked = waiting;
    waiting = new Map();
    for (const [query, questions] of asked)
      for (let first = 0; first < questions.length; first += questionsMax) {
        const some = questions.slice(first, first + questionsMax);
        const rows = yield queryPlan(
          query,
          some.map(({ inputs }) => inputs),
        );
        const values = queryValues(query, rows);
        some.forEach(({ at }, index) => goOn(at, works[at]?.next(values[index] ?? [])));
      }
  }
  return results;
}

/** Rows by partition, each in its order. */
function partitions(table: RowTable, columns: readonly string[]): (readonly Row[])[] {
  if (columns.length === 0) return [table.rows];
  const at = columns.map((name) => columnIndex(table, name));
  const groups = new Map<string, Row[]>();
  for (const row of table.rows) {
    const key = JSON.stringify(at.map((index) => (row[index] === null ? null : String(row[index]))));
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()];
}

function recordOf(table: RowTable, row: Row, defaults: Values): Map<string, NativeValue> {
  const record = new Map(defaults);
  table.cols.forEach(({ name, type }: Column, index) => {
    const value = row[index] ?? null;
    record.set(name, type === 'int' && typeof value === 'number' ? BigInt(value) : value);
  });
  return record;
}

export const scanOperators: Readonly<Record<string, RowOperator>> = { scan };
