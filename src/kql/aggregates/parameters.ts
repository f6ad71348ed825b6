import type { Expression } from '../plan/expression.ts';
import { KqlError } from '../plan/kql-error.ts';
import { jsonItems } from '../values/json-text.ts';
import type { SqlArgument } from '../sql/scope.ts';

const mentionsColumn = (expression: Expression): boolean =>
  expression.k === 'column' || (expression.k === 'call' && expression.args.some(mentionsColumn));

/** Whether its value is known only once another query has run. */
export const isQueried = (expression: Expression): boolean =>
  expression.k === 'scalarQuery' || (expression.k === 'call' && expression.args.some(isQueried));

const operations: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
};

/** The number that an expression says outright, or by arithmetic; null for a null, undefined where it takes more working out. */
function statedNumber(expression: Expression): number | null | undefined {
  const operation =
    expression.k === 'call' && Object.hasOwn(operations, expression.name) ? operations[expression.name] : undefined;
  if (operation && expression.k === 'call') {
    const [a, b] = expression.args.map(statedNumber);
    return typeof a === 'number' && typeof b === 'number'
      ? operation(a, b)
      : a === null || b === null
        ? null
        : undefined;
  }
  if (expression.k === 'call' && expression.name === 'neg' && expression.args[0]) {
    const value = statedNumber(expression.args[0]);
    return typeof value === 'number' ? -value : value;
  }
  if (expression.k !== 'literal') return undefined;
  return expression.value === null ? null : Number(expression.value);
}

/** What sets how an aggregate works is one value for all rows, from `least` to `most`.
 * @param most undefined: nothing is too much
 * @throws KqlError semantic */
export function checkParameter(
  { expression }: SqlArgument,
  what: string,
  { least, most }: { readonly least: number; readonly most?: number },
): void {
  if (mentionsColumn(expression)) throw new KqlError('semantic', `${what} must be a constant.`);
  const value = statedNumber(expression);
  if (value === undefined) return;
  if (value === null || !(value >= least && value <= (most ?? Infinity)))
    throw new KqlError(
      'semantic',
      `${what} must be ${most === undefined ? `${least} or more` : `from ${least} to ${most}`}.`,
    );
}

const percents = { least: 0, most: 100 } as const;
const percentile = 'A percentile';

/** Percentiles by themselves, or one array of them. @throws KqlError semantic */
export function checkPercentiles(given: readonly SqlArgument[]): void {
  for (const argument of given) {
    const { expression, type } = argument;
    if (type !== 'dynamic') checkParameter(argument, percentile, percents);
    else if (mentionsColumn(expression)) throw new KqlError('semantic', `${percentile} must be a constant.`);
    else if (expression.k === 'literal') {
      const items = jsonItems(String(expression.value)) ?? [expression.value];
      if (!items.every((item) => typeof item === 'string' && Number(item) >= 0 && Number(item) <= 100))
        throw new KqlError('semantic', 'Percentiles must be an array of numbers from 0 to 100.');
    }
  }
}

/** How closely distinct values are counted: here they are counted exactly, but a level that there is not is a mistake. */
export function checkAccuracy(accuracy: SqlArgument | undefined): void {
  if (accuracy) checkParameter(accuracy, 'The accuracy', { least: 0, most: 4 });
}

export function checkSize(size: SqlArgument | undefined): void {
  if (size) checkParameter(size, 'The maximum number of elements', { least: 0 });
}
