import type { Expression } from '../../../../plan/expression.ts';
import { partitionSide } from '../../../../plan/expression.ts';
import type { Plan } from '../../../../plan/plan.ts';
import { mentionsSide, startsFromContext } from '../../../../plan/walk.ts';
import type { KqlType } from '../../../../plan/types.ts';
import type { Builder } from '../draft/builder.ts';
import type { Binding } from '../draft/scope.ts';
import { readsRow, scalarBinding, shareTable } from '../draft/builder.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { constantSizeMax, sizeOf } from '../draft/unfolded.ts';

/** A value under a name. A constant of some length is computed once, however often it is named. */
export function namedScalar(b: Builder, node: SyntaxNode, expression: Expression): Binding {
  const isShared =
    sizeOf(expression) > constantSizeMax &&
    !readsRow(expression) &&
    !mentionsSide(expression, partitionSide) &&
    !isRandom(b, expression);
  return scalarBinding(b, isShared ? printedOnce(b, node, expression) : expression);
}

export const printedOnce = (b: Builder, node: SyntaxNode, expression: Expression): Expression =>
  once(
    b,
    node,
    { op: 'print', items: [{ names: ['print_0'], expression }], cols: [{ name: 'print_0', type: expression.type }] },
    expression.type,
  );

/** What comes out differently each time is computed once for the query, unless it depends on the rows around it. */
export function once(b: Builder, node: SyntaxNode, plan: Plan, type: KqlType): Expression {
  return { k: 'scalarQuery', plan: startsFromContext(plan) ? plan : sharedOnce(b, node, plan), type };
}

/** A function that is called twice has the same place in the text, and so the same value. */
function sharedOnce(b: Builder, node: SyntaxNode, plan: Plan): Plan {
  const text = JSON.stringify(plan);
  const known = b.draft.lets.find((shared) => shared.materialized && JSON.stringify(shared.plan) === text);
  return known ? { op: 'reference', id: known.id, cols: known.plan.cols } : shareTable(b, plan, node);
}

/** Whether a value has in it what is different each time that it runs. */
export function isRandom(b: Builder, value: unknown, seen: Set<unknown> = new Set()): boolean {
  if (Array.isArray(value)) return value.some((item) => isRandom(b, item, seen));
  // What is there several times is looked at once.
  if (typeof value !== 'object' || value === null || seen.has(value)) return false;
  seen.add(value);
  const { k, op, name, id } = value as Readonly<Record<string, unknown>>;
  if (k === 'call' && b.draft.functions.facts(String(name)).isRandom) return true;
  if (op === 'sample' || op === 'sampleDistinct') return true;
  if (op === 'reference') return isRandom(b, b.draft.lets.find((shared) => shared.id === id)?.plan, seen);
  return Object.values(value).some((item) => isRandom(b, item, seen));
}
