import { KqlError } from './kql-error.ts';
import type { Column, KqlType } from './types.ts';
import type { Call, Expression, Literal } from './expression.ts';
import type { Plan, Program } from './plan.ts';
import { isPlan, mayHoldPlans } from './walk.ts';

/** What is known of a record besides its columns. A table source gives it under the function's name with a NUL before it: no table has such
 * a column, and a query that makes one beside these functions is refused. `calculated`: of a row that is no record of a table. */
const facts = {
  ingestion_time: { type: 'datetime', calculated: null },
  extent_id: { type: 'guid', calculated: '00000000-0000-0000-0000-000000000000' },
  extentid: { type: 'guid', calculated: '00000000-0000-0000-0000-000000000000' },
  extent_tags: { type: 'dynamic', calculated: null },
} as const satisfies Record<string, { readonly type: KqlType; readonly calculated: string | null }>;

export type RecordFact = keyof typeof facts;
export const recordFactNames = Object.keys(facts) as RecordFact[];
const isFact = (name: unknown): name is RecordFact => typeof name === 'string' && Object.hasOwn(facts, name);

export const factColumn = (fact: RecordFact): Column => ({
  name: `\0${fact === 'extentid' ? 'extent_id' : fact}`,
  type: facts[fact].type,
});
/** The place of a record in its extent, from 0: no function tells it. */
export const rowColumn: Column = { name: '\0extent_row', type: 'long' };
const extentFacts: ReadonlySet<string> = new Set([
  ...(['extent_id', 'extent_tags'] as const).map((fact) => factColumn(fact).name),
  rowColumn.name,
]);
/** Whether a source must tell the rows of its extents apart. */
export const asksForExtents = (columns: readonly Column[]): boolean =>
  columns.some(({ name }) => extentFacts.has(name));

/** Makes columns of the calls of `ingestion_time()` and the like: the tables below give them, and what lies between passes them on. Where a
 * row is no record of a table they are what the documentation says; where that cannot be told they are refused.
 * @throws KqlError */
export function withRecordFacts(asked: Program): Program {
  const program = withTimesOfCursors(asked);
  if (!calls(program.lets) && !calls(program.results)) return program;
  const rewriter = new Rewriter(program.lets);
  return {
    ...program,
    lets: program.lets.map((one) => ({ ...one, plan: rewriter.plan(one.plan) })),
    results: program.results.map((one) => ({ ...one, plan: rewriter.plan(one.plan) })),
  };
}

/** The functions of cursors compare when a record was ingested: it becomes their first argument. */
const isCursorTest = (name: unknown): boolean => name === 'cursor_after' || name === 'cursor_before_or_at';

function withTimesOfCursors<T>(value: T): T {
  if (typeof value !== 'object' || value === null || !namesCursor(value)) return value;
  const inner = copied(value, withTimesOfCursors) as T & Partial<Call>;
  if (inner.k !== 'call' || inner.name === undefined || !isCursorTest(inner.name)) return inner;
  const time: Call = { k: 'call', name: 'ingestion_time', args: [], type: 'datetime', at: inner.at };
  return { ...inner, args: [time, ...(inner.args ?? [])] };
}

const namesCursor = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (('name' in value && isCursorTest(value.name)) || within(value, namesCursor));

/** Whether something inside is so; calls are where plans can be. */
const within = (value: object, isSo: (inner: unknown) => boolean): boolean =>
  Object.entries(value).some(([key, item]) => mayHoldPlans(key, item) && isSo(item));

/** Operators whose output columns are those of the input, and perhaps more. */
const passing = ['filter', 'extend', 'sort', 'top', 'take', 'sample', 'serialize', 'parse', 'parseKv'] as const;
type Passing = Extract<Plan, { readonly op: (typeof passing)[number] }>;
const isPassing = (plan: Plan): plan is Passing => (passing as readonly string[]).includes(plan.op);

/** Rows that are made in the query. */
const made: ReadonlySet<Plan['op']> = new Set(['datatable', 'range', 'print']);

class Rewriter {
  readonly #lets: Program['lets'];

  constructor(lets: Program['lets']) {
    this.#lets = lets;
  }

  plan(plan: Plan): Plan {
    const asked = ownCalls(plan);
    const [first] = asked;
    if (first === undefined) return this.#inside(plan);
    if (made.has(plan.op)) return this.#inside(replaced(plan, (fact) => calculated(fact)));
    if (isPassing(plan)) {
      const names = plan.cols.map(({ name }) => name);
      return { op: 'select', input: this.#carried(plan, columnsFor(asked), first), from: names, cols: plan.cols };
    }
    if ('input' in plan) return this.#over(plan, columnsFor(asked), first);
    throw refusal(first);
  }

  /** The operator itself, over rows that have the columns. */
  #over<Node extends Extract<Plan, { readonly input: Plan }>>(
    plan: Node,
    hidden: readonly Column[],
    why: FactCall,
  ): Node {
    const { input, ...own } = replaced(plan, (fact) => ({ k: 'column', ...factColumn(fact) }));
    return { ...this.#inside(own), input: this.#carried(input, hidden, why) } as Node;
  }

  /** The same rows with more columns. */
  #carried(plan: Plan, wanted: readonly Column[], why: FactCall): Plan {
    if (plan.cols.some(({ name }) => name.startsWith('\0'))) throw refusal(why);
    if (plan.op === 'table') return withColumns(plan, wanted);
    if (isPassing(plan)) {
      const below = unique([...wanted, ...columnsFor(ownCalls(plan))]);
      return withColumns(this.#over(plan, below, why), below);
    }
    if (plan.op === 'union') {
      const more = wanted.map(({ name }, index) => [plan.cols.length + index, name] as const);
      const legs = plan.legs.map((leg) => ({
        ...leg,
        plan: this.#carried(leg.plan, wanted, why),
        from: [...leg.from, ...more],
      }));
      return withColumns({ ...plan, legs }, wanted);
    }
    if (plan.op === 'reference') {
      const found = this.#lets.find(({ id }) => id === plan.id);
      if (found !== undefined && !found.materialized) return this.#carried(found.plan, wanted, why);
    }
    if (made.has(plan.op)) {
      const items = recordFactNames.flatMap((fact) =>
        wanted.some(({ name }) => fact !== 'extentid' && name === factColumn(fact).name)
          ? [{ names: [factColumn(fact).name], expression: calculated(fact) }]
          : [],
      );
      return { op: 'extend', input: this.plan(plan), items, cols: [...plan.cols, ...wanted] };
    }
    throw refusal(why);
  }

  /** Plans anywhere inside of a value that is no call itself. */
  #inside<T>(value: T): T {
    return mapped(value, (inner) => this.plan(inner));
  }
}

/** A call of one of the functions. */
type FactCall = Call & { readonly name: RecordFact };

const refusal = ({ name, at }: FactCall): KqlError =>
  new KqlError(
    'notSupported',
    `${name}() is supported for the records of a table, with nothing but conditions, sorting, new columns and union before it.`,
    at,
  );

const unique = (columns: readonly Column[]): Column[] => [...new Map(columns.map((one) => [one.name, one])).values()];
const columnsFor = (asked: readonly FactCall[]): Column[] => unique(asked.map(({ name }) => factColumn(name)));
/** Columns that are there already stay where they are. */
const withColumns = <Node extends Plan>(plan: Node, columns: readonly Column[]): Node => ({
  ...plan,
  cols: unique([...plan.cols, ...columns]),
});
const calculated = (fact: RecordFact): Literal => ({
  k: 'literal',
  type: facts[fact].type,
  value: facts[fact].calculated,
});

const isCall = (value: unknown): value is FactCall =>
  typeof value === 'object' &&
  value !== null &&
  'k' in value &&
  value.k === 'call' &&
  'name' in value &&
  isFact(value.name);

const calls = (value: unknown): boolean =>
  isCall(value) || (typeof value === 'object' && value !== null && within(value, calls));

/** Calls in the plan's own expressions, not in plans inside of it. */
function ownCalls(value: unknown, isOuter = true): readonly FactCall[] {
  if (isCall(value)) return [value];
  if (typeof value !== 'object' || value === null || (!isOuter && isPlan(value))) return [];
  return Object.values(value).flatMap((inner) => ownCalls(inner, false));
}

/** The plan with something else for each call in its own expressions. */
function replaced<Node extends Plan>(plan: Node, instead: (fact: RecordFact) => Expression): Node {
  const walk = (value: unknown): unknown => {
    if (isCall(value)) return instead(value.name);
    if (typeof value !== 'object' || value === null || isPlan(value)) return value;
    return copied(value, walk);
  };
  return copied(plan, walk) as Node;
}

const copied = (value: object, walk: (inner: unknown) => unknown): unknown =>
  Array.isArray(value)
    ? value.map(walk)
    : Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, walk(inner)]));

/** Every outermost plan inside of a value, mapped. */
function mapped<T>(value: T, map: (plan: Plan) => Plan): T {
  const walk = (inner: unknown): unknown => {
    if (isPlan(inner)) return map(inner);
    return typeof inner === 'object' && inner !== null ? copied(inner, walk) : inner;
  };
  return (typeof value === 'object' && value !== null ? copied(value, walk) : value) as T;
}
