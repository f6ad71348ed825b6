import { invariant } from '../base/invariant.ts';
import type { Literal } from './kql/ir/expression.ts';
import { partitionSide } from './kql/ir/expression.ts';
import type { MvApplyNode, PartitionNode, Plan, Program, RowwiseNode } from './kql/ir/plan.ts';
import { legacyPartitions } from './kql/ir/plan.ts';
import { eachPlan, isPlan, runsBeforehand, startsFromContext } from './kql/ir/walk.ts';
import { deserializeKqlError, KqlError } from './kql/kql-error.ts';
import type { Column, KqlType } from './kql/types.ts';
import type { ColumnValues, EngineConnection } from './duckdb/engine-database.ts';
import type { NativeBudget } from './duckdb/native-budget.ts';
import { NeedsThreadError } from './duckdb/native-budget.ts';
import type { RowTable } from './rows/row-operator.ts';
import { DataDependentFunction, DataDependentSchema, unitedColumns } from './data-dependent-schema.ts';
import { rowOperatorsByName } from './rows/row-operators.ts';
import type { NativeValue } from './sql/native.ts';
import { decimalTypeOf } from './sql/literal.ts';

type Collect = (plan: Plan, lets: Program['lets']) => Promise<ColumnValues[][]>;

/** Rows that a row operator may take in, and so many where others wait for the same thread. */
const rowsMax = 2_000_000;
const sharedRowsMax = 10_000;

/** Runs every row operator of a program, innermost first, and puts a temporary table in its place. Those that start from the
 * rows of a surrounding subquery cannot run beforehand and stay. */
export async function runRowwise(program: Program, collect: Collect, connection: EngineConnection): Promise<Program> {
  const { refusal } = program;
  if (!runsBeforehand([program.lets, program.results])) {
    if (refusal) throw deserializeKqlError(refusal);
    return program;
  }
  const oftenCalled = callsOfWritten(program);
  const { budget } = connection;
  const toRows = (chunks: readonly ColumnValues[][]): NativeValue[][] => rowsOf(chunks, budget);
  let tables = 0;
  const lets: Program['lets'][number][] = [];

  const resolve = async (value: unknown): Promise<unknown> => {
    if (Array.isArray(value)) {
      const items: unknown[] = [];
      for (const item of value) items.push(await resolve(item));
      return items;
    }
    if (typeof value !== 'object' || value === null || !runsBeforehand(value)) return value;
    if (isPlan(value) && value.op === 'partition' && (value.keyed || runsBeforehand(value.body)))
      return partitioned(value);
    if (isPlan(value) && value.op === 'mvApply' && walksContext(value.body)) return applied(value);
    const copy: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) copy[key] = await resolve(item);
    const rebuilt: unknown = copy;
    if (!isPlan(rebuilt) || rebuilt.op !== 'rowwise' || startsFromContext(rebuilt.inputs)) return rebuilt;
    return temporary(rebuilt);
  };

  /** A partition whose body walks rows, or names its value, is run value by value: each gets its own table to start from. */
  const partitioned = async (plan: PartitionNode & Pick<Plan, 'cols'>): Promise<Plan> => {
    const input = asPlan(await resolve(plan.input));
    const keyed: Plan = {
      op: 'extend',
      input,
      items: [{ names: [keyName], expression: plan.by }],
      cols: [...input.cols, { name: keyName, type: plan.by.type }],
    };
    const groups = new Map<string, { readonly value: NativeValue; readonly rows: NativeValue[][] }>();
    for (const row of toRows(await collect(keyed, lets))) {
      const value = row.at(-1) ?? null;
      const key = `${typeof value} ${String(value)}`;
      const group = groups.get(key);
      if (group) group.rows.push(row.slice(0, -1));
      else groups.set(key, { value, rows: [row.slice(0, -1)] });
    }
    const most = plan.limited ? legacyPartitions : partitionsMax;
    if (groups.size > most) throw new KqlError('limits', `partition: more than ${most} values.`);
    const result = await eachRun([...groups.values()], async ({ value, rows }) => {
      const context = await table(input.cols, rows);
      const key = literalOf(value, plan.by.type);
      const body = asPlan(await resolve(replaceContext(withKey(plan.body, key), context)));
      return toRows(await collect(body, lets));
    });
    return table(plan.cols, result);
  };

  /** An mv-apply whose body walks rows is run row by row of its input. */
  const applied = async (plan: MvApplyNode & Pick<Plan, 'cols'>): Promise<Plan> => {
    const input = asPlan(await resolve(plan.input));
    const rows = toRows(await collect(input, lets));
    if (rows.length > appliesMax)
      throw new KqlError('limits', `mv-apply: an operator that walks rows runs for at most ${appliesMax} of them.`);
    const result = await eachRun(rows, async (row) => {
      const single = await table(input.cols, [row]);
      const { columns, indexColumn, limit, contextCols: cols } = plan;
      const context: Plan = {
        op: 'mvExpand',
        input: single,
        columns,
        bagAsArray: false,
        ...(indexColumn !== undefined && { indexColumn }),
        ...(limit && { limit }),
        cols,
      };
      const body = asPlan(await resolve(replaceContext(plan.body, context)));
      return toRows(await collect({ ...plan, input: single, body }, lets));
    });
    return table(plan.cols, result);
  };

  const table = async (cols: readonly Column[], rows: readonly (readonly NativeValue[])[]): Promise<Plan> => {
    requireRoom(rows.length, budget);
    const name = `rowwise${(tables += 1)}`;
    await connection.createTable(
      name,
      cols.map((column) => column.type),
      rows,
    );
    const ids = cols.map((column, index) =>
      column.type === 'decimal'
        ? `CAST(v${index} AS ${decimalTypeOf(rows.map((row) => row[index]))})`
        : column.type === 'guid'
          ? `CAST(v${index} AS UUID)`
          : `v${index}`,
    );
    return { op: 'temporary', name, ids, cols };
  };

  const temporary = async (plan: RowwiseNode & { readonly cols: readonly Column[] }): Promise<Plan> => {
    if (plan.dataDependent && plan.storedFunctions) throw new DataDependentFunction(plan.name, plan.storedFunctions);
    const united = program.schemasWritten?.includes(plan.schemaAt ?? -1) === true;
    const result = await runOne(plan, budget, (input) => collect(input, lets), united);
    if (plan.dataDependent) {
      if (plan.schemaAt === undefined || plan.schemaAt < 0)
        throw new KqlError(
          'notSupported',
          `'${plan.name}' without a schema inside a function of a named database is not supported.`,
        );
      throw new DataDependentSchema(plan.schemaAt, result.cols);
    }
    if (oftenCalled.has(plan.schemaAt ?? -1)) {
      const own = await runOne({ ...plan, dataDependent: true }, budget, (input) => collect(input, lets));
      if (!sameColumns(own.cols, plan.cols))
        throw new KqlError(
          'notSupported',
          `'${plan.name}' whose columns differ between the calls of a function needs a schema.`,
          plan.at < 0 ? undefined : plan.at,
        );
    }
    return table(plan.cols, result.rows);
  };

  for (const definition of program.lets) {
    lets.push({ ...definition, plan: asPlan(await resolve(definition.plan)) });
  }
  const results: Program['results'][number][] = [];
  for (const result of program.results) results.push({ ...result, plan: asPlan(await resolve(result.plan)) });
  // It has run to its end, and told nothing new.
  if (refusal) throw deserializeKqlError(refusal);
  return { ...program, lets, results };
}

/** Runs a body for each of its inputs. Where its columns depend on data, all runs together tell them. */
async function eachRun<T>(inputs: readonly T[], run: (input: T) => Promise<NativeValue[][]>): Promise<NativeValue[][]> {
  const rows: NativeValue[][] = [];
  const schemas: DataDependentSchema[] = [];
  for (const input of inputs) {
    try {
      rows.push(...(await run(input)));
    } catch (error) {
      if (!(error instanceof DataDependentSchema)) throw error;
      schemas.push(error);
    }
  }
  const [first] = schemas;
  if (!first) return rows;
  const same = schemas.filter(({ position }) => position === first.position);
  throw new DataDependentSchema(first.position, unitedColumns(same.map(({ columns }) => columns)));
}

/** Of the operators whose columns a run before has told, those that stand in the program more than once: in a function with
 * several calls, which may each have columns of their own. */
function callsOfWritten({ lets, results, schemasWritten = [] }: Program): ReadonlySet<number> {
  const counts = new Map<number, number>();
  eachPlan([lets, results], (plan) => {
    if (plan.op === 'rowwise' && plan.schemaAt !== undefined && schemasWritten.includes(plan.schemaAt))
      counts.set(plan.schemaAt, (counts.get(plan.schemaAt) ?? 0) + 1);
  });
  return new Set([...counts].flatMap(([position, count]) => (count > 1 ? [position] : [])));
}

const sameColumns = (a: readonly Column[], b: readonly Column[]): boolean =>
  a.length === b.length && a.every(({ name, type }, index) => b[index]?.name === name && b[index].type === type);

const keyName = '$partition';
const partitionsMax = 1_000;
const appliesMax = 1_000;

/** Whether an operator that walks rows starts from the rows handed to a body. */
function walksContext(body: Plan): boolean {
  let found = false;
  eachPlan(body, (plan) => {
    if (plan.op === 'rowwise' && startsFromContext(plan.inputs)) found = true;
  });
  return found;
}

/** Puts rows that are known now where a body starts from the rows handed to it; bodies of its own keep theirs. */
function replaceContext(value: unknown, rows: Plan): unknown {
  if (Array.isArray(value)) return value.map((item) => replaceContext(item, rows));
  if (typeof value !== 'object' || value === null) return value;
  if (isPlan(value) && value.op === 'context') return rows;
  const nested = isPlan(value) && (value.op === 'mvApply' || value.op === 'partition');
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, nested && key === 'body' ? item : replaceContext(item, rows)]),
  );
}

/** Puts the value that a subquery runs for where it is named; partitions inside have a key of their own. */
function withKey(value: unknown, key: Literal): unknown {
  if (Array.isArray(value)) return value.map((item) => withKey(item, key));
  if (typeof value !== 'object' || value === null) return value;
  if ((value as { side?: unknown }).side === partitionSide) return key;
  const nested = isPlan(value) && value.op === 'partition' && value.keyed === true;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, nested && name === 'body' ? item : withKey(item, key)]),
  );
}
const literalOf = (value: NativeValue, type: KqlType): Literal => ({
  k: 'literal',
  type,
  value: value === null || typeof value === 'boolean' ? value : String(value),
});

function asPlan(value: unknown): Plan {
  invariant(isPlan(value), 'a plan stays a plan');
  return value;
}

async function runOne(
  plan: RowwiseNode & { readonly cols: readonly Column[] },
  budget: NativeBudget,
  collect: (input: Plan) => Promise<ColumnValues[][]>,
  united = false,
): Promise<RowTable> {
  const operator = Object.hasOwn(rowOperatorsByName, plan.name) ? rowOperatorsByName[plan.name] : undefined;
  if (!operator)
    throw new KqlError('notSupported', `'${plan.name}' is not supported.`, plan.at < 0 ? undefined : plan.at);
  const inputs: RowTable[] = [];
  for (const input of plan.inputs) inputs.push({ cols: input.cols, rows: rowsOf(await collect(input), budget) });
  const { settings, at, dataDependent, cols } = plan;
  let result: RowTable | undefined;
  budget.walk(() => {
    result = operator({ inputs, settings, at, cols: dataDependent ? undefined : cols, united });
  });
  invariant(result !== undefined, 'an operator gives rows or throws');
  return result;
}

/** @throws NeedsThreadError where so many rows would hold up others */
function requireRoom(count: number, budget: NativeBudget): void {
  if (budget.isShared && count > sharedRowsMax) throw new NeedsThreadError();
}

function rowsOf(chunks: readonly ColumnValues[][], budget: NativeBudget): NativeValue[][] {
  requireRoom(
    chunks.reduce((sum, [first]) => sum + (first?.length ?? 0), 0),
    budget,
  );
  const rows: NativeValue[][] = [];
  for (const columns of chunks) {
    budget.check();
    for (const column of columns) budget.weigh(column);
    const count = columns[0]?.length ?? 0;
    if (rows.length + count > rowsMax)
      throw new KqlError('limits', `An operator that walks rows takes at most ${rowsMax} of them.`);
    for (let row = 0; row < count; row += 1) rows.push(columns.map((column) => column[row] ?? null));
  }
  return rows;
}
