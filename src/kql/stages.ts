import { invariant } from '../base/invariant.ts';
import type { MvApplyNode, PartitionNode, Plan, Program, RowwiseNode, SharedTable } from './plan/plan.ts';
import { legacyPartitions } from './plan/plan.ts';
import { dependsOnData, isPlan, runsBeforehand, startsFromContext } from './plan/walk.ts';
import { freeName } from './plan/free-name.ts';
import { deserializeKqlError, KqlError } from './plan/kql-error.ts';
import type { Column } from './plan/types.ts';
import type { ColumnValues, EngineConnection } from './duckdb/engine-database.ts';
import type { NativeBudget } from './duckdb/native-budget.ts';
import type { AskingOperator, RowTable } from './plugins/row-operator.ts';
import { OpenSchema, unitedColumns } from './open-schemas.ts';
import type { KeptStages, TemporaryPlan } from './kept-stages.ts';
import { completed } from './kept-stages.ts';
import { readByStages, replaceContext, requireRoom, rowsOf, walksContext, withKey } from './stage-rows.ts';
import { rowOperatorsByName } from './row-operators.ts';
import type { NativeValue } from './sql/native.ts';
import { decimalTypeOf, literalOf } from './sql/literal.ts';

/** What a program is staged with. */
export interface StageRuns {
  readonly connection: EngineConnection;
  readonly kept: KeptStages;
  /** The rows of a plan. */
  readonly collect: (plan: Plan, lets: Program['lets']) => Promise<ColumnValues[][]>;
  /** Keeps the rows of a plan in a temporary table. */
  readonly store: (plan: Plan, lets: Program['lets'], name: string) => Promise<TemporaryPlan>;
}

/** Runs every row operator of a program, innermost first, and puts a temporary table in its place; so it does with tables that are
 * computed once and that such an operator reads. What tells columns is kept, and not run again when the program is compiled with them.
 * Those that start from the rows of a surrounding subquery cannot run beforehand and stay.
 * @throws OpenSchema: the program has to be compiled again */
export async function runStages(program: Program, stageRuns: StageRuns): Promise<Program> {
  const { connection, kept, collect, store } = stageRuns;
  const { refusal } = program;
  if (!runsBeforehand([program.lets, program.results])) {
    if (refusal) throw deserializeKqlError(refusal);
    return program;
  }
  const { budget } = connection;
  const toRows = (chunks: readonly ColumnValues[][]): NativeValue[][] => rowsOf(chunks, budget);
  const lets: SharedTable[] = [];

  /** @param runs for which of its inputs each body around the value runs, from the outermost */
  const resolve = async (value: unknown, runs: readonly number[] = []): Promise<unknown> => {
    if (Array.isArray(value)) {
      const items: unknown[] = [];
      for (const item of value) items.push(await resolve(item, runs));
      return items;
    }
    if (typeof value !== 'object' || value === null || !runsBeforehand(value)) return value;
    if (isPlan(value) && value.op === 'partition' && (value.keyed || runsBeforehand(value.body)))
      return partitioned(value, runs);
    if (isPlan(value) && value.op === 'mvApply' && walksContext(value.body)) return applied(value, runs);
    const before = isPlan(value) && value.op === 'rowwise' ? keptOf(value, runs) : undefined;
    if (before) return before;
    const copy: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) copy[key] = await resolve(item, runs);
    const rebuilt: unknown = copy;
    if (!isPlan(rebuilt) || rebuilt.op !== 'rowwise' || startsFromContext(rebuilt.inputs)) return rebuilt;
    return temporary(rebuilt, runs);
  };

  /** The rows that an operator gave before its columns were known. */
  const keptOf = (plan: RowwisePlan, runs: readonly number[]): TemporaryPlan | undefined => {
    const rows = plan.stage === undefined || plan.dataDependent ? undefined : kept.find(runOf(plan.stage, runs));
    if (!rows) return undefined;
    if (runs.length === 0 && !sameColumns(rows.cols, plan.cols)) throw differentCalls(plan);
    return completed(rows, plan.cols, plan.name);
  };

  /** Of a body that tells columns when it runs: the same rows as before go into it when it runs again. */
  const inputRows = async (plan: PartitionPlan | MvApplyPlan, runs: readonly number[], input: Plan): Promise<Plan> => {
    const stage = plan.stage === undefined ? undefined : runOf(plan.stage, runs);
    const before = stage === undefined ? undefined : kept.find(stage);
    if (before || stage === undefined || !dependsOnData(plan.body)) return before ?? input;
    const rows = await store(input, lets, kept.newName());
    kept.keep(stage, rows);
    return rows;
  };

  /** A partition whose body walks rows, or names its value, is run value by value: each gets its own table to start from. */
  const partitioned = async (plan: PartitionPlan, runs: readonly number[]): Promise<Plan> => {
    const resolved = asPlan(await resolve(plan.input, runs));
    const keyName = freeName('$partition', resolved.cols);
    const keyCols = [...resolved.cols, { name: keyName, type: plan.by.type }];
    const keyed = await inputRows(plan, runs, {
      op: 'extend',
      input: resolved,
      items: [{ names: [keyName], expression: plan.by }],
      cols: keyCols,
    });
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
    const result = await eachRun([...groups.values()], async ({ value, rows }, index) => {
      const context = await table(resolved.cols, rows);
      const key = literalOf(value, plan.by.type);
      const body = asPlan(await resolve(replaceContext(withKey(plan.body, key), context), [...runs, index]));
      return toRows(await collect(body, lets));
    });
    return table(plan.cols, result);
  };

  /** An mv-apply whose body walks rows is run row by row of its input. */
  const applied = async (plan: MvApplyPlan, runs: readonly number[]): Promise<Plan> => {
    const input = await inputRows(plan, runs, asPlan(await resolve(plan.input, runs)));
    const rows = toRows(await collect(input, lets));
    if (rows.length > appliesMax)
      throw new KqlError('limits', `mv-apply: an operator that walks rows runs for at most ${appliesMax} of them.`);
    const result = await eachRun(rows, async (row, index) => {
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
      const body = asPlan(await resolve(replaceContext(plan.body, context), [...runs, index]));
      return toRows(await collect({ ...plan, input: single, body }, lets));
    });
    return table(plan.cols, result);
  };

  const table = async (cols: readonly Column[], rows: readonly (readonly NativeValue[])[]): Promise<TemporaryPlan> => {
    requireRoom(rows.length, budget);
    const name = kept.newName();
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

  const temporary = async (plan: RowwisePlan, runs: readonly number[]): Promise<Plan> => {
    if (!plan.dataDependent && !plan.told)
      return table(plan.cols, (await runOne(plan, budget, (input) => collect(input, lets))).rows);
    const { place, stage } = plan;
    invariant(place !== undefined && stage !== undefined, 'an operator that tells columns has a place');
    const result = await runOne({ ...plan, dataDependent: true }, budget, (input) => collect(input, lets));
    const rows = await table(result.cols, result.rows);
    kept.keep(runOf(stage, runs), rows);
    if (plan.dataDependent) throw new OpenSchema(place, result.cols);
    // Another call of its function has told the columns.
    if (runs.length === 0 && !sameColumns(rows.cols, plan.cols)) throw differentCalls(plan);
    return completed(rows, plan.cols, plan.name);
  };

  /** What is computed once is there once, for the operators that run on their own and for the rest. */
  const shared = async (definition: SharedTable): Promise<SharedTable> => {
    const before = definition.stage === undefined ? undefined : kept.find(definition.stage);
    const plan = before ?? asPlan(await resolve(definition.plan));
    if (before || !definition.materialized || !read.has(definition.id)) return { ...definition, plan };
    const rows = await store(plan, lets, kept.newName());
    if (definition.stage !== undefined) kept.keep(definition.stage, rows);
    return { ...definition, plan: rows };
  };

  const read = readByStages(program);
  for (const definition of program.lets) lets.push(await shared(definition));
  const results: Program['results'][number][] = [];
  for (const result of program.results) results.push({ ...result, plan: asPlan(await resolve(result.plan)) });
  // It has run to its end, and told nothing new.
  if (refusal) throw deserializeKqlError(refusal);
  return { ...program, lets, results };
}

type RowwisePlan = RowwiseNode & Pick<Plan, 'cols'>;
type PartitionPlan = PartitionNode & Pick<Plan, 'cols'>;
type MvApplyPlan = MvApplyNode & Pick<Plan, 'cols'>;

/** What the rows of a stage are kept by, where it runs several times. */
const runOf = (stage: string, runs: readonly number[]): string => [stage, ...runs].join('/');

const differentCalls = ({ name, at }: RowwisePlan): KqlError =>
  new KqlError('notSupported', `'${name}' whose columns differ between the calls of a function needs a schema.`, at);

/** Runs a body for each of its inputs. Where its columns depend on data, all runs together tell them. */
async function eachRun<T>(
  inputs: readonly T[],
  run: (input: T, index: number) => Promise<NativeValue[][]>,
): Promise<NativeValue[][]> {
  const rows: NativeValue[][] = [];
  const schemas: OpenSchema[] = [];
  for (const [index, input] of inputs.entries()) {
    try {
      rows.push(...(await run(input, index)));
    } catch (error) {
      if (!(error instanceof OpenSchema)) throw error;
      schemas.push(error);
    }
  }
  const [first] = schemas;
  if (!first) return rows;
  const same = schemas.filter(({ place }) => place === first.place);
  throw new OpenSchema(first.place, unitedColumns(same.map(({ columns }) => columns)));
}

const sameColumns = (a: readonly Column[], b: readonly Column[]): boolean =>
  a.length === b.length && a.every(({ name, type }, index) => b[index]?.name === name && b[index].type === type);

const partitionsMax = 1_000;
const appliesMax = 1_000;

function asPlan(value: unknown): Plan {
  invariant(isPlan(value), 'a plan stays a plan');
  return value;
}

async function runOne(
  plan: RowwiseNode & { readonly cols: readonly Column[] },
  budget: NativeBudget,
  collect: (input: Plan) => Promise<ColumnValues[][]>,
): Promise<RowTable> {
  const operator = Object.hasOwn(rowOperatorsByName, plan.name) ? rowOperatorsByName[plan.name] : undefined;
  if (!operator) throw new KqlError('notSupported', `'${plan.name}' is not supported.`, plan.at);
  const inputs: RowTable[] = [];
  for (const input of plan.inputs) inputs.push({ cols: input.cols, rows: rowsOf(await collect(input), budget) });
  const { settings, at, dataDependent, cols } = plan;
  const call = { inputs, settings, at, cols: dataDependent ? undefined : cols };
  const work: Walk = { asked: undefined, result: undefined };
  budget.walk(() => {
    const begun = operator(call);
    if ('rows' in begun) work.result = begun;
    else Object.assign(work, { asking: begun }, stepOf(begun.next([])));
  });
  while (work.result === undefined) {
    const { asking, asked } = work;
    invariant(asking && asked, 'an operator gives rows, asks, or throws');
    const answer = rowsOf(await collect(asked), budget);
    budget.walk(() => void Object.assign(work, stepOf(asking.next(answer))));
  }
  return work.result;
}

/** How far an operator has come: it has asked for the rows of a plan, or has a result. */
interface Walk {
  asking?: AskingOperator;
  asked: Plan | undefined;
  result: RowTable | undefined;
}

const stepOf = (step: IteratorResult<Plan, RowTable>): Pick<Walk, 'asked' | 'result'> =>
  step.done === true ? { asked: undefined, result: step.value } : { asked: step.value, result: undefined };
