import type { Expression } from '../../../../plan/expression.ts';
import { KqlError } from '../../../../plan/kql-error.ts';
import type { Draft } from './draft.ts';

const sizes = new WeakMap<object, number>();

/** Nodes of an expression. Those that are there several times are walked once. */
export function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const known = sizes.get(value);
  if (known !== undefined) return known;
  let size = Array.isArray(value) ? 0 : 1;
  for (const item of Object.values(value)) size += sizeOf(item);
  sizes.set(value, size);
  return size;
}

/** Beyond this an expression is computed once, where it is a constant, rather than written wherever it is named. */
export const constantSizeMax = 200;
/** Some 50 MB as JSON. */
const unfoldedMax = 500_000;

/** Counts an expression that is written in the place of a name.
 * @throws KqlError limits: names of names can stand for any number of nodes */
export function unfold(draft: Draft, expression: Expression): Expression {
  draft.unfolded += sizeOf(expression);
  if (draft.unfolded > unfoldedMax)
    throw new KqlError('limits', 'What the names of the query stand for is too long altogether.');
  return expression;
}
