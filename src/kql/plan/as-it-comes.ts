import type { Plan } from './plan.ts';
import { isPlan } from './walk.ts';

/** Functions of neighbouring rows, by name: the engine puts the rows in order for them. */
type Windows = Readonly<Record<string, unknown>>;

/** Whether the rows of a plan are made in the order that they are to have, so that nothing is sorted and the first are there before the last
 * is known: what takes one row after the other, over `mv-expand` of rows without an order of their own. */
export function comesInOrder(plan: Plan, windows: Windows): boolean {
  if (plan.op === 'mvExpand') return isAlone(plan, windows) && hasNoOrder(plan.input, windows);
  return takesOne(plan) && isAlone(plan, windows) && comesInOrder(plan.input, windows);
}

function hasNoOrder(plan: Plan, windows: Windows): boolean {
  if (plan.op === 'range') return plan.cols.every(({ type }) => type !== 'real' && type !== 'decimal');
  if (plan.op === 'table' || plan.op === 'datatable' || plan.op === 'print') return isAlone(plan, windows);
  return takesOne(plan) && isAlone(plan, windows) && hasNoOrder(plan.input, windows);
}

type TakesOne = Extract<Plan, { readonly op: 'filter' | 'extend' | 'project' | 'select' | 'parse' }>;
const takesOne = (plan: Plan): plan is TakesOne =>
  plan.op === 'filter' || plan.op === 'extend' || plan.op === 'project' || plan.op === 'select' || plan.op === 'parse';

/** Whether an operator looks at nothing but a row: with another table in an expression the engine may join in any order. */
const isAlone = (plan: Plan, windows: Windows): boolean =>
  holdsNeither({ ...plan, op: undefined, input: undefined, cols: undefined }, windows);

function holdsNeither(value: unknown, windows: Windows): boolean {
  if (typeof value !== 'object' || value === null) return true;
  const { k, name } = value as { readonly k?: unknown; readonly name?: unknown };
  const isWindow = k === 'call' && typeof name === 'string' && Object.hasOwn(windows, name);
  return !isWindow && !isPlan(value) && Object.values(value).every((item) => holdsNeither(item, windows));
}
