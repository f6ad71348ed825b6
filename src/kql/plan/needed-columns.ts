import type { Column } from './types.ts';
import type { Expression } from './expression.ts';
import type { Item, Plan, Program } from './plan.ts';
import { feedsAt } from './union-feeds.ts';
import { isPlan, mayHoldPlans } from './walk.ts';

/** Names of columns that are read; undefined: all. */
type Needed = ReadonlySet<string> | undefined;

/** Aggregates that are the same in whatever order the rows come. */
const unordered: ReadonlySet<string> = new Set([
  ...['count', 'countif', 'sum', 'sumif', 'avg', 'avgif', 'min', 'minif', 'max', 'maxif', 'dcount', 'dcountif'],
  ...['count_distinct', 'count_distinctif', 'percentile', 'percentiles'],
]);

/** The plan without columns of unions and tables that nothing reads: `union * | count` over hundreds of tables has thousands of them, for
 * each of its legs. What the plan itself gives stays as it is. */
export const withNeededColumns = (plan: Plan): Plan => narrowed(plan, undefined, true);

/** The same of each of a program's plans. What names a shared table reads all of it. */
export const programOfNeeded = (program: Program): Program => ({
  ...program,
  lets: program.lets.map((one) => ({ ...one, plan: withNeededColumns(one.plan) })),
  results: program.results.map((one) => ({ ...one, plan: withNeededColumns(one.plan) })),
});

/** @param inOrder whether the order of its rows is asked for
 * @returns a plan that has at least the columns that are needed, in their order */
function narrowed(plan: Plan, needed: Needed, inOrder: boolean): Plan {
  switch (plan.op) {
    case 'count':
      return { ...plan, input: narrowed(plan.input, new Set(), false) };
    case 'distinct':
      return { ...plan, input: narrowed(plan.input, namesIn(plan.items), false) };
    case 'summarize': {
      const own = withNeededRows(plan, needed);
      const ordered = !own.aggregates.every(({ expression }) => isUnordered(expression));
      return { ...own, input: narrowed(plan.input, namesIn([own.by, own.aggregates]), ordered) };
    }
    case 'makeSeries': {
      const { by, aggregates, axis } = plan;
      const ordered = !aggregates.every(({ expression }) => isUnordered(expression));
      return {
        ...withinAll({ ...plan, input: undefined }),
        input: narrowed(plan.input, namesIn([by, aggregates, axis]), ordered),
      };
    }
    case 'project':
      return { ...plan, input: narrowed(plan.input, namesIn(plan.items), inOrder) };
    case 'filter':
    case 'take':
    case 'sort':
    case 'top': {
      const own = { ...plan, input: undefined, cols: undefined };
      const input = narrowed(plan.input, both(needed, namesIn(own)), plan.op === 'filter' ? inOrder : true);
      return input === plan.input ? plan : { ...plan, input, cols: plan.cols.filter(isIn(input.cols)) };
    }
    case 'extend':
      return besides(
        plan,
        plan.items.flatMap(({ names }) => names),
        narrowed(plan.input, both(needed, namesIn(plan.items)), inOrder),
      );
    case 'parse': {
      const made = plan.parts.flatMap((part) => (part.k === 'capture' ? [part.name] : []));
      return besides(plan, made, narrowed(plan.input, both(needed, namesIn(plan.source)), inOrder));
    }
    case 'mvExpand': {
      const { columns, indexColumn } = plan;
      const made = [...columns.map(({ name }) => name), ...(indexColumn === undefined ? [] : [indexColumn])];
      const input = narrowed(plan.input, both(needed, namesIn(columns)), inOrder);
      return { ...besides(plan, made, input), ...(!inOrder && { unordered: true }) };
    }
    case 'table': {
      const cols = someOf(plan.cols, needed);
      return cols.length === plan.cols.length ? plan : { ...plan, cols };
    }
    case 'union': {
      const cols = someOf(plan.cols, needed);
      if (cols.length === plan.cols.length) return withinAll(plan);
      const wanted = new Set(cols);
      const places = plan.cols.flatMap((column, place) => (wanted.has(column) ? [place] : []));
      const legs = plan.legs.map((leg) => {
        const from = feedsAt(leg.from, places);
        return { ...leg, from, plan: narrowed(leg.plan, new Set(from.map(([, own]) => own)), true) };
      });
      const { sourceColumn, ...union } = plan;
      const source = sourceColumn === undefined ? -1 : places.indexOf(sourceColumn);
      return { ...union, legs, cols, ...(source >= 0 && { sourceColumn: source }) };
    }
    default:
      return withinAll(plan);
  }
}

/** @param made the names of what the operator adds to the rows that it gets */
function besides<P extends Plan>(plan: P, made: readonly string[], input: Plan): P {
  const [isMade, isLeft] = [new Set(made), isIn(input.cols)];
  return { ...plan, input, cols: plan.cols.filter((column) => isMade.has(column.name) || isLeft(column)) };
}

const arithmetic: ReadonlySet<string> = new Set(['+', '-', '*', '/', 'neg']);
const isUnordered = (one: Expression): boolean =>
  one.k === 'literal' ||
  (one.k === 'call' && (unordered.has(one.name) || (arithmetic.has(one.name) && one.args.every(isUnordered))));

/** Without the rows that are chosen from groups where the groups alone are asked for. */
function withNeededRows(plan: Extract<Plan, { readonly op: 'summarize' }>, needed: Needed): typeof plan {
  if (needed === undefined || plan.by.length === 0) return plan;
  const isLeft = ({ names, expression }: Item): boolean =>
    expression.k !== 'call' ||
    !/^arg_?(max|min)$/.test(expression.name) ||
    !expression.args.every(({ k }) => k === 'column') ||
    names.some((name) => needed.has(name));
  const aggregates = plan.aggregates.filter(isLeft);
  if (aggregates.length === plan.aggregates.length) return plan;
  const gone = new Set(plan.aggregates.filter((one) => !isLeft(one)).flatMap(({ names }) => names));
  return { ...plan, aggregates, cols: plan.cols.filter(({ name }) => !gone.has(name)) };
}

/** What else there is reads all that it is given. What stays as it is is not copied: a plan may have a leg for each table of a database. */
function withinAll<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  let copy: Record<string, unknown> | undefined;
  for (const [key, item] of Object.entries(value as object) as [string, unknown][]) {
    const now = mayHoldPlans(key, item) ? inside(item) : item;
    if (now === item) continue;
    copy ??= (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
    copy[key] = now;
  }
  return (copy ?? value) as T;
}
const inside = (value: unknown): unknown => (isPlan(value) ? narrowed(value, undefined, true) : withinAll(value));

const isIn = (cols: readonly Column[]): ((column: Column) => boolean) => {
  const names = new Set(cols.map(({ name }) => name));
  return ({ name }) => names.has(name);
};

/** One at least: rows without columns are counted as well. */
function someOf(cols: readonly Column[], needed: Needed): readonly Column[] {
  if (needed === undefined) return cols;
  const some = cols.filter(({ name }) => needed.has(name));
  return some.length > 0 ? some : cols.slice(0, 1);
}

const both = (one: Needed, other: Needed): Needed =>
  one === undefined || other === undefined ? undefined : new Set([...one, ...other]);

/** Names of columns in expressions; all where one speaks of the whole row, or has a table inside that may begin from it. */
function namesIn(value: unknown): Needed {
  const names = new Set<string>();
  const collect = (item: unknown): boolean => {
    if (typeof item !== 'object' || item === null) return true;
    if (isPlan(item)) return false;
    const { k, name } = item as { readonly k?: unknown; readonly name?: unknown };
    if (k === 'column') {
      if (name === '*' || typeof name !== 'string') return false;
      names.add(name);
    }
    return Object.values(item).every(collect);
  };
  return collect(value) ? names : undefined;
}
