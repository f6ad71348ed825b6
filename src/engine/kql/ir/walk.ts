import type { Plan, Program } from './plan.ts';

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
export const isPlan = (value: unknown): value is Plan =>
  isObject(value) && typeof value['op'] === 'string' && Array.isArray(value['cols']);

/** Calls `visit` for every plan inside a value, outermost first. */
export function eachPlan(value: unknown, visit: (plan: Plan) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) eachPlan(item, visit);
  } else if (isObject(value)) {
    if (isPlan(value)) visit(value);
    for (const item of Object.values(value)) eachPlan(item, visit);
  }
}

export function tablesOf(program: Program): { readonly database: string; readonly table: string }[] {
  const found: { database: string; table: string }[] = [];
  eachPlan([program.lets, program.results], (plan) => {
    if (plan.op === 'table') found.push({ database: plan.database, table: plan.table });
  });
  return found;
}

export function mentions(value: unknown, op: Plan['op']): boolean {
  let found = false;
  eachPlan(value, (plan) => {
    if (plan.op === op) found = true;
  });
  return found;
}
