import { jsTermPattern } from '../functions/terms.ts';
import type { Call, Expression } from '../plan/expression.ts';
import type { Resolve } from '../scan/state-expression.ts';
import { literalValue, stateExpression } from '../scan/state-expression.ts';
import type { NativeValue } from '../sql/native.ts';
import { toType } from '../sql/convert-value.ts';
import { foldedText } from '../values/letters.ts';
import { floorMod } from '../values/numbers.ts';

/** The value of an expression for one row, read plainly: what a scan computes by itself, and the few functions that random queries
 * are made of besides. */
export function referenceValue(expression: Expression, resolve: Resolve): NativeValue {
  if (expression.k === 'literal') return literalValue(expression);
  if (expression.k === 'column') return resolve(expression);
  if (expression.k !== 'call') throw new RangeError(`The reference evaluator does not know ${expression.k}.`);
  const values = expression.args.map((argument) => referenceValue(argument, resolve));
  const own = Object.hasOwn(functions, expression.name) ? functions[expression.name] : undefined;
  if (own) return own(values, expression);
  const args = expression.args.map(({ type }, index): Expression => ({ k: 'column', name: String(index), type }));
  const known = stateExpression({ ...expression, args });
  if (!known) throw new RangeError(`The reference evaluator does not know ${expression.name}.`);
  return known(({ name }) => values[Number(name)] ?? null);
}

type Reference = (values: readonly NativeValue[], call: Call) => NativeValue;

const ofTexts =
  (test: (text: string, needle: string) => boolean): Reference =>
  ([text = null, needle = null]) =>
    test(foldedText(String(text)), foldedText(String(needle)));
const ofLong =
  (run: (value: bigint, other: bigint) => bigint | null): Reference =>
  ([value = null, other = 0n]) =>
    typeof value === 'bigint' && typeof other === 'bigint' ? run(value, other) : null;
const converted: Reference = ([value = null], { args, type }) => toType(value, args[0]?.type ?? type, type);
const member: Reference = ([value = null, ...list]) => value !== null && list.includes(value);
const has: Reference = ([text, needle]) => jsTermPattern(String(needle), 'has', false).test(String(text));
const not =
  (reference: Reference): Reference =>
  (values, call) =>
    reference(values, call) !== true;

const functions: Readonly<Record<string, Reference>> = {
  strlen: ([text]) => BigInt(Array.from(String(text)).length),
  tolong: converted,
  tostring: converted,
  abs: ofLong((value) => (value < 0n ? -value : value)),
  bin: ofLong((value, size) => value - (floorMod(value, size) ?? 0n)),
  '=~': ofTexts((text, needle) => text === needle),
  contains: ofTexts((text, needle) => text.includes(needle)),
  startswith: ofTexts((text, needle) => text.startsWith(needle)),
  '!endswith': ofTexts((text, needle) => !text.endsWith(needle)),
  has,
  '!has': not(has),
  hasprefix: ([text, needle]) => jsTermPattern(String(needle), 'hasprefix', false).test(String(text)),
  in: member,
  '!in': not(member),
  'in~': ([text, ...list]) => list.some((needle) => foldedText(String(needle)) === foldedText(String(text))),
  between: ([value = null, low = null, high = null]) =>
    value === null || low === null || high === null ? null : value >= low && value <= high,
};
