import { matchesAction } from './match-action.ts';
import type { AttributeName, AttributeRef, Condition, Operand, Quantifier } from './condition.ts';
import { operators } from './condition.ts';
import { parseCondition } from './parse.ts';

export type Attributes = Readonly<Partial<Record<AttributeName, string>>>;

/** What a condition is asked about. */
export interface ConditionContext {
  /** `Microsoft.Authorization/roleAssignments/write` */
  readonly action: string;
  /** What the request says; absent: it has no such attributes, or nobody has read it yet. */
  readonly request?: Attributes | undefined;
  /** What is there already. */
  readonly resource?: Attributes | undefined;
  /** Nobody has read the attributes yet. */
  readonly isPending?: boolean;
}

/** `unknown`: it depends on an attribute that is not there. */
export type Truth = true | false | 'unknown';

/** Whatever does not parse is never true. */
export function conditionHolds(text: string, context: ConditionContext): Truth {
  const parsed = parseCondition(text);
  return parsed.outcome === 'parsed' ? evaluate(parsed.condition, context) : false;
}

/** In three values, so that no negation makes something true of an attribute that is not there. */
export function evaluate(condition: Condition, context: ConditionContext): Truth {
  switch (condition.kind) {
    case 'all':
      return every(condition.of.map((one) => evaluate(one, context)));
    case 'any':
      return not(every(condition.of.map((one) => not(evaluate(one, context)))));
    case 'not':
      return not(evaluate(condition.of, context));
    case 'action':
      return matchesAction(condition.pattern, context.action);
    case 'exists':
      return valueOf(condition.attribute, context) !== undefined || (context.isPending === true ? 'unknown' : false);
    case 'compare': {
      const left = valuesOf(condition.left, context);
      const right = valuesOf(condition.right, context);
      if (left === undefined || right === undefined) return 'unknown';
      const { holds } = operators[condition.operator];
      return compare(condition.quantifier, left, right, holds);
    }
  }
}

function compare(
  quantifier: Quantifier,
  left: readonly string[],
  right: readonly string[],
  holds: (left: string, right: string) => boolean,
): boolean {
  switch (quantifier) {
    case 'none':
    case 'AnyOfAny':
      return left.some((one) => right.some((other) => holds(one, other)));
    case 'AllOfAny':
      return left.every((one) => right.some((other) => holds(one, other)));
    case 'AnyOfAll':
      return left.some((one) => right.every((other) => holds(one, other)));
    case 'AllOfAll':
      return left.every((one) => right.every((other) => holds(one, other)));
  }
}

const not = (truth: Truth): Truth => (truth === 'unknown' ? truth : !truth);

function every(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.includes('unknown') ? 'unknown' : true;
}

function valuesOf(operand: Operand, context: ConditionContext): readonly string[] | undefined {
  if (operand.kind === 'values') return operand.values;
  const value = valueOf(operand, context);
  return value === undefined ? undefined : [value];
}

const valueOf = ({ source, name }: AttributeRef, { request, resource }: ConditionContext): string | undefined =>
  (source === 'Request' ? request : resource)?.[name];
