import { getHeapStatistics } from 'node:v8';
import type { ColumnValues } from './duckdb/engine-database.ts';
import type { NativeBudget } from './duckdb/native-budget.ts';
import { NeedsThreadError } from './duckdb/native-budget.ts';
import type { Literal } from './plan/expression.ts';
import { partitionSide } from './plan/expression.ts';
import type { Plan, Program } from './plan/plan.ts';
import { eachPlan, isPlan, runsBeforehand, startsFromContext } from './plan/walk.ts';
import { KqlError, lowMemory } from './plan/kql-error.ts';
import type { NativeValue } from './sql/native.ts';

/** Rows that a row operator may take in, and so many where others wait for the same thread. */
const rowsMax = 2_000_000;
const sharedRowsMax = 10_000;

/** @throws NeedsThreadError where so many rows would hold up others */
export function requireRoom(count: number, budget: NativeBudget): void {
  if (budget.isShared && count > sharedRowsMax) throw new NeedsThreadError();
}

/** All that comes, for an operator that walks rows. What is too much ends it while it comes: until then it takes V8's memory, of which there
 * is less than of the engine's.
 * @throws KqlError limits, memory; NeedsThreadError */
export async function collected(
  chunks: AsyncIterable<ColumnValues[]>,
  budget: NativeBudget,
): Promise<ColumnValues[][]> {
  const kept: ColumnValues[][] = [];
  let [rows, bytes] = [0, 0];
  for await (const columns of chunks) {
    rows += columns[0]?.length ?? 0;
    requireRoom(rows, budget);
    if (rows > rowsMax) throw new KqlError('limits', `An operator that walks rows takes at most ${rowsMax} of them.`);
    for (const column of columns) budget.weigh(column);
    bytes += columns.reduce((sum, column) => sum + bytesOf(column), 0);
    if (bytes > budget.rowBytesMax) throw lowMemory();
    kept.push(columns);
    if (!budget.isShared) requireHeap();
  }
  return kept;
}

const bytesOf = (column: ColumnValues): number =>
  column.reduce((sum: number, value) => sum + (typeof value === 'string' ? 2 * value.length : 0), 8 * column.length);

/** Of what V8 allows a thread: the rest is for the rows that are made of the chunks, and for the operator. */
const collectedShare = 0.6;

/** A thread whose heap is full is ended wherever it is. In a call of DuckDB's that would end the process, so it does not come that far there.
 * @throws KqlError `memory` */
function requireHeap(): void {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  if (used > limit * collectedShare) throw lowMemory();
}

/** @throws KqlError cancelled */
export function rowsOf(chunks: readonly ColumnValues[][], budget: NativeBudget): NativeValue[][] {
  const rows: NativeValue[][] = [];
  for (const columns of chunks) {
    budget.check();
    const count = columns[0]?.length ?? 0;
    for (let row = 0; row < count; row += 1) rows.push(columns.map((column) => column[row] ?? null));
  }
  return rows;
}

/** Whether an operator that walks rows starts from the rows handed to a body. */
export function walksContext(body: Plan): boolean {
  let found = false;
  eachPlan(body, (plan) => {
    if (plan.op === 'rowwise' && startsFromContext(plan.inputs)) found = true;
  });
  return found;
}

/** Puts rows that are known now where a body starts from the rows handed to it; bodies of its own keep theirs. */
export function replaceContext(value: unknown, rows: Plan): unknown {
  if (Array.isArray(value)) return value.map((item) => replaceContext(item, rows));
  if (typeof value !== 'object' || value === null) return value;
  if (isPlan(value) && value.op === 'context') return rows;
  const nested = isPlan(value) && (value.op === 'mvApply' || value.op === 'partition');
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, nested && key === 'body' ? item : replaceContext(item, rows)]),
  );
}

/** Puts the value that a subquery runs for where it is named; partitions inside have a key of their own. */
export function withKey(value: unknown, key: Literal): unknown {
  if (Array.isArray(value)) return value.map((item) => withKey(item, key));
  if (typeof value !== 'object' || value === null) return value;
  if ((value as { side?: unknown }).side === partitionSide) return key;
  const nested = isPlan(value) && value.op === 'partition' && value.keyed === true;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, nested && name === 'body' ? item : withKey(item, key)]),
  );
}

/** Of the tables that are computed once, those that something reads which runs on its own before SQL is made of the rest. */
export function readByStages({ lets, results }: Program): ReadonlySet<number> {
  const named = new Set<number>();
  const note = (value: unknown): void =>
    eachPlan(value, (plan) => {
      if (plan.op === 'reference') named.add(plan.id);
    });
  const noteStages = (value: unknown): void =>
    eachPlan(value, (plan) => {
      const isStage = plan.op === 'rowwise' || plan.op === 'partition' || plan.op === 'mvApply';
      if (isStage && runsBeforehand(plan)) note(plan);
    });
  noteStages(results);
  // Only earlier ones are named by later ones.
  for (const { id, plan } of [...lets].reverse()) {
    noteStages(plan);
    if (named.has(id)) note(plan);
  }
  return named;
}
