import type { KqlCatalog } from './catalog.ts';
import { KqlError } from './kql-error.ts';
import type { Call, Expression, Literal } from './expression.ts';
import type { Plan, Program } from './plan.ts';
import { factColumn } from './record-facts.ts';
import { eachPlan, isPlan } from './walk.ts';

/** What a request says of the functions of cursors, by request properties or `set` statements: cursors as text.
 * @see Kusto "Request properties", `query_cursor_…` */
export interface CursorOptions {
  /** What `cursor_after()` and `cursor_before_or_at()` take that are called without a cursor. */
  readonly after?: string;
  readonly upTo?: string;
  /** What `cursor_current()` gives instead. */
  readonly current?: string;
  readonly disabled?: boolean;
  /** Tables of the database of the query that have rows after `after` alone, up to `upTo` if there is one. */
  readonly scopedTables?: readonly string[];
}

/** @param options by names in lower case @throws KqlError for a value that is none of the option */
export function readCursorOptions(options: Readonly<Record<string, unknown>>): CursorOptions {
  const text = (name: string): string | undefined => {
    const value = options[name] ?? undefined;
    if (value === undefined || typeof value === 'string') return value;
    throw invalid(name);
  };
  const [after, upTo, current] = ['after_default', 'before_or_at_default', 'current'].map((name) =>
    text(`query_cursor_${name}`),
  );
  const scopedTables = namesOf(options['query_cursor_scoped_tables']);
  return {
    ...(after !== undefined && { after }),
    ...(upTo !== undefined && { upTo }),
    ...(current !== undefined && { current }),
    ...('query_cursor_disabled' in options && { disabled: isSet(options['query_cursor_disabled']) }),
    ...(scopedTables && { scopedTables }),
  };
}

const invalid = (name: string): KqlError =>
  new KqlError('semantic', `The request property '${name}' has a value that it cannot have.`);

const isSet = (value: unknown): boolean => ![false, 0, 'false', '0'].includes(value as boolean | number | string);

/** An array, or its JSON text, in `dynamic(…)` or not. */
function namesOf(value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  const names = typeof value === 'string' ? parsed(/^\s*dynamic\s*\((.*)\)\s*$/is.exec(value)?.[1] ?? value) : value;
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  throw invalid('query_cursor_scoped_tables');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isTest = (name: string): boolean => name === 'cursor_after' || name === 'cursor_before_or_at';
const isCursorFunction = (name: string): boolean =>
  isTest(name) || name === 'cursor_current' || name === 'current_cursor';

/** The same query under what its request says of cursors. @param database of the query
 * @throws KqlError for a function that is disabled, or that has no cursor */
export function withCursorOptions(program: Program, options: CursorOptions, database: string): Program {
  if (Object.keys(options).length === 0) return program;
  const { scopedTables = [], after, upTo } = options;
  if (scopedTables.length > 0 && after === undefined)
    throw new KqlError(
      'semantic',
      "The request property 'query_cursor_scoped_tables' needs 'query_cursor_after_default'.",
    );
  const walk = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map(walk);
    const inner = Object.fromEntries(Object.entries(value).map(([name, one]) => [name, walk(one)])) as Partial<Call> &
      Partial<Plan>;
    if (inner.k === 'call' && inner.name !== undefined && isCursorFunction(inner.name))
      return cursorCall(inner as Call, options);
    if (inner.op !== 'table' || inner.database !== database || !scopedTables.includes(inner.table ?? '')) return inner;
    return scoped(inner as Extract<Plan, { op: 'table' }>, after ?? '', upTo);
  };
  const { lets, results } = program;
  return { ...program, lets: walk(lets) as typeof lets, results: walk(results) as typeof results };
}

export const withoutCursor = (name: string, at?: number): KqlError =>
  new KqlError(
    'semantic',
    `${name}() without a cursor needs the request property '${name.replace('cursor_', 'query_cursor_')}_default'.`,
    at,
  );

/** Records of a table that keeps no times are neither before nor after a cursor. @throws KqlError
 * @see Kusto "cursor_after()", its note */
export function requireTimesOfCursors(program: Program, { databases }: KqlCatalog): void {
  const time = factColumn('ingestion_time').name;
  const isUntimed = (plan: Plan): plan is Extract<Plan, { op: 'table' }> =>
    plan.op === 'table' &&
    plan.cols.some(({ name }) => name === time) &&
    databases
      .find(({ name }) => name === plan.database)
      ?.tables.some(({ name, isUntimed: none }) => name === plan.table && none === true) === true;
  const within = (value: unknown): Extract<Plan, { op: 'table' }> | undefined => {
    let found: Extract<Plan, { op: 'table' }> | undefined;
    eachPlan(value, (plan) => {
      if (isUntimed(plan)) found = plan;
    });
    return found;
  };
  if (within([program.lets, program.results]) === undefined) return;
  eachPlan([program.lets, program.results], (plan) => {
    const table = hasOwnTest(plan) ? within(plan) : undefined;
    if (table !== undefined)
      throw new KqlError(
        'semantic',
        `The functions of cursors are for tables whose IngestionTime policy is enabled; that of '${table.table}' is not.`,
      );
  });
}

/** In the plan's own expressions, not in plans inside of it. */
function hasOwnTest(value: unknown, isOuter = true): boolean {
  if (typeof value !== 'object' || value === null || (!isOuter && isPlan(value))) return false;
  if ('k' in value && value.k === 'call' && 'name' in value && isTest(String(value.name))) return true;
  return Object.values(value).some((inner) => hasOwnTest(inner, false));
}

const cursor = (value: string): Literal => ({ k: 'literal', type: 'string', value });

/** The time of the record is the first argument of the tests already. */
function cursorCall(call: Call, { disabled = false, current, after, upTo }: CursorOptions): Expression {
  const { name, args, at } = call;
  if (disabled) throw new KqlError('semantic', `The function '${name}' is disabled (query_cursor_disabled).`, at);
  if (!isTest(name)) return current === undefined ? call : cursor(current);
  if (args.length > 1) return call;
  const given = name === 'cursor_after' ? after : upTo;
  if (given === undefined) throw withoutCursor(name, at);
  return { ...call, args: [...args, cursor(given)] };
}

function scoped(table: Extract<Plan, { op: 'table' }>, after: string, upTo: string | undefined): Plan {
  const time = factColumn('ingestion_time');
  const cols = table.cols.some(({ name }) => name === time.name) ? table.cols : [...table.cols, time];
  const column: Expression = { k: 'column', ...time };
  const rows = { ...table, cols };
  const holds = (input: Plan, { name, value }: { readonly name: string; readonly value: string }): Plan => ({
    ...{ op: 'filter', input, cols },
    condition: { k: 'call', name, type: 'bool', args: [column, cursor(value)] },
  });
  const later = holds(rows, { name: 'cursor_after', value: after });
  const within = upTo === undefined ? later : holds(later, { name: 'cursor_before_or_at', value: upTo });
  return { op: 'select', input: within, from: table.cols.map(({ name }) => name), cols: table.cols };
}
