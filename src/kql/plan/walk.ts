import type { Plan, Program } from './plan.ts';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
export const isPlan = (value: unknown): value is Plan =>
  isObject(value) && typeof value['op'] === 'string' && Array.isArray(value['cols']);

/** Whether plans can be inside: columns and what they are fed from have none, and a union of all tables has tens of thousands of them. */
export const mayHoldPlans = (key: string, item: unknown): item is object =>
  isObject(item) && key !== 'cols' && !(key === 'from' && Array.isArray(item));

/** Calls `visit` for every plan inside a value, outermost first. */
export function eachPlan(value: unknown, visit: (plan: Plan) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) eachPlan(item, visit);
  } else if (isObject(value)) {
    if (isPlan(value)) visit(value);
    for (const [key, item] of Object.entries(value)) if (mayHoldPlans(key, item)) eachPlan(item, visit);
  }
}

/** The value with other plans in the place of some, outermost first; what is replaced is not looked into, and what stays is not copied. */
export function replacePlans<T>(value: T, instead: (plan: Plan) => Plan | undefined): T {
  if (!isObject(value)) return value;
  const found = isPlan(value) ? instead(value) : undefined;
  if (found !== undefined) return found as T;
  let copy: Record<string, unknown> | undefined;
  for (const [key, item] of Object.entries(value)) {
    if (!mayHoldPlans(key, item)) continue;
    const replaced = replacePlans(item, instead);
    if (replaced === item) continue;
    copy ??= (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
    copy[key] = replaced;
  }
  return (copy ?? value) as T;
}

export function tablesOf(
  program: Pick<Program, 'lets' | 'results'>,
): { readonly database: string; readonly table: string }[] {
  const found: { database: string; table: string }[] = [];
  eachPlan([program.lets, program.results], (plan) => {
    if (plan.op === 'table') found.push({ database: plan.database, table: plan.table });
  });
  return found;
}

/** Whether an expression inside names a column of a side. */
export function mentionsSide(value: unknown, side: string): boolean {
  if (Array.isArray(value)) return value.some((item) => mentionsSide(item, side));
  if (!isObject(value)) return false;
  return (
    (value['k'] === 'column' && value['side'] === side) || Object.values(value).some((item) => mentionsSide(item, side))
  );
}

/** Whether something in a program must be run on its own before SQL is made of the rest. */
export function runsBeforehand(value: unknown): boolean {
  let found = false;
  eachPlan(value, (plan) => {
    if (plan.op === 'rowwise' || (plan.op === 'partition' && plan.keyed)) found = true;
  });
  return found;
}

/** Whether the columns of some operator inside are known only once it has run. */
export function dependsOnData(value: unknown): boolean {
  let found = false;
  eachPlan(value, (plan) => {
    if (plan.op === 'rowwise' && plan.dataDependent) found = true;
  });
  return found;
}

/** Whether a plan starts from the rows handed to it from outside: bodies of its own have rows of their own. */
export function startsFromContext(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(startsFromContext);
  if (!isObject(value)) return false;
  const op: string | undefined = isPlan(value) ? value.op : undefined;
  if (op === 'context') return true;
  const nested = op === 'mvApply' || op === 'partition';
  return Object.entries(value).some(([key, item]) => !(nested && key === 'body') && startsFromContext(item));
}
