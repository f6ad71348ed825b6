import type { Json } from '../base/json.ts';
import { isJsonObject, textMember } from '../base/json.ts';
import { evaluateNode, evaluateValue } from './evaluate.ts';
import type { EvaluationWork } from './expressions/facts.ts';
import { callsIn, parseTemplateText } from './expressions/expression.ts';
import { resourceNamedBy } from './functions/resources.ts';
import type { ScopedResource } from './plan.ts';
import { TemplateError } from './expressions/template-error.ts';
import { spend, spendOnText } from './expressions/value-size.ts';

/** For each resource those that come before it, by position: what `dependsOn` names, what it refers to, and in a serial loop the passes
 * before it.
 * @throws TemplateError when `dependsOn` names what the template has not */
export function dependenciesOf(planned: readonly ScopedResource[]): readonly (readonly number[])[] {
  const positions = new Map(planned.map((resource, at) => [resource.id.toLowerCase(), at]));
  return planned.map((resource, own) => {
    const before = new Set<number>();
    const add = (position: number | undefined): void => {
      if (position !== undefined && position !== own) before.add(position);
    };
    for (const name of namesIn(resource)) for (const position of named(planned, name, resource)) add(position);
    if (!resource.isExisting) {
      for (const text of expressionsIn(resource.json, isInnerTemplate(resource), resource.scope.facts.work)) {
        for (const id of referredTo(text, resource)) add(positions.get(id.toLowerCase()));
      }
    }
    add(serialPredecessor(planned, resource, own));
    return [...before];
  });
}

function namesIn({ json, scope }: ScopedResource): readonly string[] {
  const value = json['dependsOn'] === undefined ? [] : evaluateValue(json['dependsOn'], scope);
  if (!Array.isArray(value))
    throw new TemplateError("The property 'dependsOn' of a template resource must be an array.");
  return (value as readonly Json[]).filter((name): name is string => typeof name === 'string' && name !== '');
}

/** By symbolic name, loop, id, type and name, or name: in this order. */
function named(planned: readonly ScopedResource[], text: string, of: ScopedResource): readonly number[] {
  spend(of.scope.facts.work, planned.length >> 2); // every one is looked at
  const wanted = text.toLowerCase();
  const matching = (accepts: (resource: ScopedResource) => boolean): readonly number[] =>
    planned.flatMap((resource, at) => (accepts(resource) ? [at] : []));
  const ways: readonly ((resource: ScopedResource) => boolean)[] = [
    ({ symbol }) => symbol?.toLowerCase() === wanted,
    ({ symbol, loop }) => loop !== undefined && `${symbol ?? ''}[${loop.index}]`.toLowerCase() === wanted,
    ({ loop }) => loop?.name.toLowerCase() === wanted,
    ({ id }) => id.toLowerCase() === wanted,
    ({ type, name }) => `${type}/${name}`.toLowerCase() === wanted,
    ({ name }) => name.toLowerCase() === wanted,
    ({ name, type }) =>
      type.split('/').length === 2 + of.type.split('/').length - 1 &&
      name.toLowerCase() === `${of.name}/${wanted}`.toLowerCase(),
  ];
  for (const way of ways) {
    const found = matching(way);
    if (found.length > 0) return found;
  }
  throw new TemplateError(
    `The resource '${text}' is not defined in the template. Please see https://aka.ms/arm-syntax for usage details.`,
    of.path,
  );
}

function isInnerTemplate({ json, type }: ScopedResource): boolean {
  if (type.toLowerCase() !== 'microsoft.resources/deployments') return false;
  const properties = isJsonObject(json['properties']) ? json['properties'] : {};
  const options = properties['expressionEvaluationOptions'];
  return isJsonObject(options) && textMember(options, 'scope').toLowerCase() === 'inner';
}

/** The expressions of a nested template that evaluates its own are not this template's. */
function expressionsIn(value: Json | undefined, withoutTemplate: boolean, work: EvaluationWork): readonly string[] {
  spend(work, 1);
  if (typeof value === 'string')
    return value.startsWith('[') && value.endsWith(']') && !value.startsWith('[[') ? [value] : [];
  if (Array.isArray(value)) return value.flatMap((item: Json) => expressionsIn(item, withoutTemplate, work));
  if (!isJsonObject(value)) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    (withoutTemplate && name === 'template') || name === 'dependsOn' || name === 'resources'
      ? []
      : expressionsIn(member, withoutTemplate, work),
  );
}

function referredTo(text: string, { scope }: ScopedResource): readonly string[] {
  spendOnText(scope.facts.work, text);
  if (!/reference|list/i.test(text)) return [];
  const parsed = parseTemplateText(text);
  if ('literal' in parsed) return [];
  return callsIn(parsed.expression).flatMap((call) =>
    resourceNamedBy(call, {
      facts: scope.facts,
      evaluate: (node) => evaluatedOrNothing(() => evaluateNode(node, scope)),
    }).map(({ id }) => id),
  );
}

/** In a branch that is not taken, or in a property's own loop or lambda, an argument may have no value here. */
function evaluatedOrNothing(evaluate: () => Json): Json {
  try {
    return evaluate();
  } catch (error) {
    if (error instanceof TemplateError) return null;
    throw error;
  }
}

function serialPredecessor(
  planned: readonly ScopedResource[],
  resource: ScopedResource,
  own: number,
): number | undefined {
  const copy = resource.json['copy'];
  if (!isJsonObject(copy) || textMember(copy, 'mode').toLowerCase() !== 'serial' || resource.loop === undefined)
    return undefined;
  const size = typeof copy['batchSize'] === 'number' ? Math.max(1, copy['batchSize']) : 1;
  const before = own - size;
  return resource.loop.index >= size && planned[before]?.json === resource.json ? before : undefined;
}

/** @throws TemplateError naming a resource of the circle */
export function refuseCircles(planned: readonly ScopedResource[], dependencies: readonly (readonly number[])[]): void {
  const waiting = dependencies.map((before) => new Set(before));
  const ready = waiting.flatMap((before, at) => (before.size === 0 ? [at] : []));
  const after = new Map<number, number[]>();
  for (const [at, before] of dependencies.entries())
    for (const other of before) {
      const held = after.get(other);
      if (held === undefined) after.set(other, [at]);
      else held.push(at);
    }
  let done = 0;
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    done++;
    for (const at of after.get(next) ?? [])
      if (waiting[at]?.delete(next) === true && waiting[at].size === 0) ready.push(at);
  }
  if (done === planned.length) return;
  const stuck = planned[waiting.findIndex((before) => before.size > 0)];
  throw new TemplateError(
    `Circular dependency detected on resource: '${stuck?.id ?? ''}'. Please see https://aka.ms/arm-syntax-resources for usage details.`,
  );
}
