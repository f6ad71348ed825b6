import { anything, both, conditionBounds, narrower, rangedTypes } from './condition-bounds.ts';
import type { Bounds, ConstantFacts, RowBounds } from './condition-bounds.ts';
import type { Call, Literal } from './plan/expression.ts';
import type { Item, Plan, Program } from './plan/plan.ts';
import { namesakes } from './plan/union-feeds.ts';
import { eachPlan, isPlan, replacePlans } from './plan/walk.ts';
import type { Column } from './plan/types.ts';
import type { PlanSummary } from './scan-ranges.ts';
import { rangesOf, seesOthers } from './scan-ranges.ts';

/** What a catalog says of rows of a table without reading them. */
export interface KnownRows {
  readonly rowCount: bigint;
  /** Least and greatest value of each column of the use; undefined where no row has one. */
  readonly ranges: readonly (readonly [least: bigint, greatest: bigint] | undefined)[];
}

/** A program, and those of its plans that are summaries. */
export interface SummarizedProgram {
  readonly program: Program;
  readonly summaries: ReadonlyMap<Plan, PlanSummary>;
}

/** Finds `T | count` and `T | summarize count(), min(x), max(x)` anywhere in a program, with nothing before them but what keeps or drops a
 * row for the values of whole numbers and times in it. A `let` that they start from is written in its place, and goes when nothing else
 * names it. */
export function findSummaries(program: Program, facts: ConstantFacts): SummarizedProgram {
  const summaries = new Map<Plan, PlanSummary>();
  const instead = (plan: Plan): Plan | undefined => {
    const found = summaryOf(plan, program.lets, facts);
    if (found === undefined) return undefined;
    summaries.set(found.plan, found.summary);
    return found.plan;
  };
  const lets = replacePlans(program.lets, instead);
  const results = replacePlans(program.results, instead);
  if (summaries.size === 0) return { program, summaries };
  const [before, now] = [namesIn(program), namesIn({ lets, results })];
  const kept = lets.filter(({ id }) => now.has(id) || !before.has(id));
  return { program: { ...program, lets: kept, results }, summaries };
}

/** The `let`s that results name, by themselves or by way of others. */
function namesIn({ lets, results }: Pick<Program, 'lets' | 'results'>): ReadonlySet<number> {
  const named = new Set<number>();
  const note = (value: unknown): void =>
    eachPlan(value, (plan) => {
      if (plan.op === 'reference') named.add(plan.id);
    });
  note(results);
  // Only earlier ones are named by later ones.
  for (const { id, plan } of [...lets].reverse()) if (named.has(id)) note(plan);
  return named;
}

type SummaryPlan = Extract<Plan, { readonly op: 'count' | 'summarize' }>;

function summaryOf(
  plan: Plan,
  lets: Program['lets'],
  facts: ConstantFacts,
): { readonly plan: SummaryPlan; readonly summary: PlanSummary } | undefined {
  if (plan.op !== 'count' && (plan.op !== 'summarize' || plan.by.length > 0 || plan.aggregates.length === 0))
    return undefined;
  const columns = plan.op === 'count' ? [] : columnsOf(plan.aggregates);
  if (columns === undefined) return undefined;
  const rows = rowsOf(plan.input, lets, facts);
  if (rows === undefined) return undefined;
  const stored = columns.flatMap((name) => rows.columns.get(name) ?? []);
  if (stored.length < columns.length) return undefined;
  const { database, table, bounds } = rows;
  const use = { ranges: rangesOf(bounds), columns: stored };
  return { plan: rows.plan === plan.input ? plan : { ...plan, input: rows.plan }, summary: { database, table, use } };
}

/** The columns that least or greatest values are asked of, for each such aggregate; undefined where something else is asked. */
function columnsOf(aggregates: readonly Item[]): readonly string[] | undefined {
  const columns: string[] = [];
  for (const item of aggregates) {
    if (isCount(item)) continue;
    const column = extremeOf(item);
    if (column === undefined) return undefined;
    columns.push(column);
  }
  return columns;
}

const isCount = ({ names, expression }: Item): boolean =>
  names.length === 1 && expression.k === 'call' && expression.name === 'count' && expression.args.length === 0;

function extremeOf({ names, expression }: Item): string | undefined {
  if (names.length !== 1 || expression.k !== 'call' || expression.args.length !== 1) return undefined;
  const [column] = expression.args;
  if (expression.name !== 'min' && expression.name !== 'max') return undefined;
  if (column?.k !== 'column' || column.side !== undefined || column.type !== expression.type) return undefined;
  return rangedTypes.has(column.type) ? column.name : undefined;
}

/** Rows of one table as they are there, some of them left out. */
interface TableRows {
  readonly database: string;
  readonly table: string;
  /** By names of now, the table's names of columns that hold the same values. */
  readonly columns: ReadonlyMap<string, string>;
  /** By the table's names: which of the rows there are. */
  readonly bounds: RowBounds;
  readonly plan: Plan;
}

function rowsOf(plan: Plan, lets: Program['lets'], facts: ConstantFacts): TableRows | undefined {
  if (plan.op === 'table') {
    const columns = new Map(plan.cols.map(({ name }) => [name, name]));
    return { database: plan.database, table: plan.table, columns, bounds: anything, plan };
  }
  if (plan.op === 'reference') {
    const found = lets.find(({ id }) => id === plan.id);
    if (found === undefined || found.materialized) return undefined;
    return isSameNames(found.plan.cols, plan.cols) ? rowsOf(found.plan, lets, facts) : undefined;
  }
  if (
    plan.op !== 'filter' &&
    plan.op !== 'sort' &&
    plan.op !== 'extend' &&
    plan.op !== 'project' &&
    plan.op !== 'select'
  )
    return undefined;
  const { input, ...own } = plan;
  if (seesOthers(own) || Object.values(own).some(holdsPlan)) return undefined;
  const rows = rowsOf(input, lets, facts);
  if (rows === undefined) return undefined;
  const outer = { ...rows, plan: rows.plan === input ? plan : { ...plan, input: rows.plan } };
  switch (plan.op) {
    case 'sort':
      return outer;
    case 'select':
      return { ...outer, columns: chosen(plan.cols, (_column, index) => rows.columns.get(plan.from[index] ?? '')) };
    case 'extend':
    case 'project':
      return { ...outer, columns: chosen(plan.cols, (column) => computed(column, plan, rows.columns)) };
    case 'filter': {
      const { bounds, isExact } = conditionBounds(plan.condition, facts);
      const below = isExact ? inTable(bounds, rows.columns) : undefined;
      return below && { ...outer, bounds: both(rows.bounds, below) };
    }
  }
}

const isSameNames = (left: readonly Column[], right: readonly Column[]): boolean =>
  left.length === right.length && left.every(({ name }, index) => name === right[index]?.name);

const holdsPlan = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && (isPlan(value) || Object.values(value).some(holdsPlan));

function chosen(
  cols: readonly Column[],
  source: (column: Column, index: number) => string | undefined,
): ReadonlyMap<string, string> {
  return new Map(
    cols.flatMap((column, index) => {
      const from = source(column, index);
      return from === undefined ? [] : [[column.name, from] as const];
    }),
  );
}

function computed(
  { name, type }: Column,
  { op, items }: Extract<Plan, { readonly op: 'extend' | 'project' }>,
  columns: TableRows['columns'],
): string | undefined {
  const item = items.findLast(({ names }) => names.includes(name));
  if (item === undefined) return op === 'extend' ? columns.get(name) : undefined;
  const { expression } = item;
  const isSame = expression.k === 'column' && expression.side === undefined && expression.type === type;
  return isSame ? columns.get(expression.name) : undefined;
}

function inTable(bounds: RowBounds, columns: TableRows['columns']): RowBounds | undefined {
  const below = new Map<string, Bounds>();
  for (const [name, bound] of bounds) {
    const from = columns.get(name);
    if (from === undefined) return undefined;
    below.set(from, narrower(below.get(from) ?? {}, bound));
  }
  return below;
}

/** The program over the rows that are read, with what is known of the others added to its summaries.
 * @param known by summary; those without any are left as they are */
export function withKnown(
  program: Program,
  summaries: SummarizedProgram['summaries'],
  known: (plan: Plan) => KnownRows | undefined,
): Program {
  const instead = (plan: Plan): Plan | undefined => {
    const rows = summaries.has(plan) ? known(plan) : undefined;
    const isSummary = plan.op === 'count' || plan.op === 'summarize';
    return isSummary && rows !== undefined && rows.rowCount > 0n ? completed(plan, rows) : undefined;
  };
  return {
    ...program,
    lets: replacePlans(program.lets, instead),
    results: replacePlans(program.results, instead),
  };
}

/** The summary of two summaries: of the rows that are read, and of those that are known. */
function completed(plan: SummaryPlan, { rowCount, ranges }: KnownRows): Plan {
  const items = plan.op === 'count' ? [{ names: [countName], expression: countCall }] : plan.aggregates;
  const partial = items.map(({ expression }, index): Column => ({ name: `part${index}`, type: expression.type }));
  const from = namesakes(partial, partial);
  const read: Plan = {
    op: 'summarize',
    input: plan.input,
    by: [],
    aggregates: items.map(({ expression }, index) => ({ names: [`part${index}`], expression })),
    cols: partial,
  };
  let column = 0;
  const row = items.map((item): Literal => {
    const { expression } = item;
    if (isCount(item)) return { k: 'literal', type: 'long', value: String(rowCount) };
    const range = ranges[column++];
    const value = range?.[expression.k === 'call' && expression.name === 'min' ? 0 : 1];
    return { k: 'literal', type: expression.type, value: value === undefined ? null : String(value) };
  });
  const input: Plan = {
    op: 'union',
    legs: [
      { plan: read, from, source: '' },
      { plan: { op: 'datatable', rows: [row], cols: partial }, from, source: '' },
    ],
    cols: partial,
  };
  const aggregates = items.map((item, index): Item => {
    const { names: own, expression } = item;
    const name = isCount(item) || expression.k !== 'call' ? 'sum' : expression.name;
    const argument = { k: 'column', name: `part${index}`, type: expression.type } as const;
    return {
      names: plan.op === 'count' ? [plan.cols[0]?.name ?? countName] : own,
      expression: { k: 'call', name, args: [argument], type: expression.type },
    };
  });
  return { op: 'summarize', input, by: [], aggregates, cols: plan.cols };
}

const countName = 'Count';
const countCall: Call = { k: 'call', name: 'count', args: [], type: 'long' };
