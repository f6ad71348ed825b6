import { KqlError } from '../kql-error.ts';
import type { Column } from '../types.ts';
import type { Expression } from './expression.ts';
import type { Plan, Program } from './plan.ts';
import { isPlan } from './walk.ts';

/** Under this name a table source gives the time when a row was ingested. No name in a query can be the same. */
export const ingestionTimeName = '\0ingestion_time';
const hidden: Column = { name: ingestionTimeName, type: 'datetime' };

const functionName = 'ingestion_time';

/** Makes columns of the calls of `ingestion_time()`: the tables below give it, and what lies between passes it on. Where a row is no record
 * of a table it is null; where that cannot be told it is refused.
 * @throws KqlError */
export function withIngestionTime(program: Program): Program {
  if (!calls(program.lets) && !calls(program.results)) return program;
  const rewriter = new Rewriter(program.lets);
  return {
    ...program,
    lets: program.lets.map((one) => ({ ...one, plan: rewriter.plan(one.plan) })),
    results: program.results.map((one) => ({ ...one, plan: rewriter.plan(one.plan) })),
  };
}

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
    const at = ownCall(plan);
    if (at === undefined) return this.#inside(plan);
    if (made.has(plan.op)) return this.#inside(replaced(plan, nothing));
    if (isPassing(plan)) {
      const names = plan.cols.map(({ name }) => name);
      return { op: 'select', input: this.#carried(plan, at), from: names, cols: plan.cols };
    }
    if ('input' in plan) return this.#over(plan, at);
    throw refusal(at);
  }

  /** The operator itself, over rows that have the column. */
  #over<Node extends Extract<Plan, { readonly input: Plan }>>(plan: Node, at: number): Node {
    const { input, ...own } = replaced(plan, column);
    return { ...this.#inside(own), input: this.#carried(input, at) } as Node;
  }

  /** The same rows with one more column. */
  #carried(plan: Plan, at: number): Plan {
    if (plan.op === 'table') return { ...plan, cols: [...plan.cols, hidden] };
    if (isPassing(plan)) {
      const own = this.#over(plan, at);
      return { ...own, cols: [...plan.cols, hidden] };
    }
    if (plan.op === 'union') {
      const legs = plan.legs.map((leg) => ({
        ...leg,
        plan: this.#carried(leg.plan, at),
        from: [...leg.from, ingestionTimeName],
      }));
      return { ...plan, legs, cols: [...plan.cols, hidden] };
    }
    if (plan.op === 'reference') {
      const found = this.#lets.find(({ id }) => id === plan.id);
      if (found !== undefined && !found.materialized) return this.#carried(found.plan, at);
    }
    if (made.has(plan.op)) {
      const item = { names: [ingestionTimeName], expression: nothing };
      return { op: 'extend', input: this.#inside(plan), items: [item], cols: [...plan.cols, hidden] };
    }
    throw refusal(at);
  }

  /** Plans anywhere inside of a value that is no call itself. */
  #inside<T>(value: T): T {
    return mapped(value, (inner) => this.plan(inner));
  }
}

const refusal = (at: number): KqlError =>
  new KqlError(
    'notSupported',
    'ingestion_time() is supported for the records of a table, with nothing but conditions, sorting, new columns and union before it.',
    at < 0 ? undefined : at,
  );

const column: Expression = { k: 'column', ...hidden };
const nothing: Expression = { k: 'literal', type: 'datetime', value: null };

const isCall = (value: unknown): value is { readonly at: number } =>
  typeof value === 'object' &&
  value !== null &&
  'k' in value &&
  value.k === 'call' &&
  'name' in value &&
  value.name === functionName;

const calls = (value: unknown): boolean =>
  isCall(value) || (typeof value === 'object' && value !== null && Object.values(value).some(calls));

/** @returns the position of a call in the plan's own expressions, not in plans inside of it */
function ownCall(value: unknown, isOuter = true): number | undefined {
  if (isCall(value)) return value.at;
  if (typeof value !== 'object' || value === null || (!isOuter && isPlan(value))) return undefined;
  for (const inner of Object.values(value)) {
    const at = ownCall(inner, false);
    if (at !== undefined) return at;
  }
  return undefined;
}

/** The plan with `instead` for each call in its own expressions. */
function replaced<Node extends Plan>(plan: Node, instead: Expression): Node {
  const walk = (value: unknown): unknown => {
    if (isCall(value)) return instead;
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
