import type { Json, JsonObject } from '../base/json.ts';
import { isJsonObject, textMember } from '../base/json.ts';
import { dependenciesOf, refuseCircles } from './dependencies.ts';
import type { EvaluationScope } from './evaluate.ts';
import { evaluateCopies, evaluateCount, evaluateKnown, evaluateValue, notFound } from './evaluate.ts';
import type { EvaluationFacts, NamedResource } from './expressions/facts.ts';
import type { ParameterValue } from './parameters.ts';
import { resolveParameters } from './parameters.ts';
import { absent, targetOf } from './targets.ts';
import type { Template, TemplateResource } from './template.ts';
import { templateLimits } from './template.ts';
import { NeedsRuntime, TemplateError } from './expressions/template-error.ts';
import { boundedTogether, spend } from './expressions/value-size.ts';

/** One resource to be deployed: a pass of its loop, if it has one. */
export interface PlannedResource extends NamedResource {
  readonly symbol: string | undefined;
  readonly loop: { readonly name: string; readonly index: number } | undefined;
  readonly isDeployed: boolean;
  /** Only referred to. */
  readonly isExisting: boolean;
  readonly json: JsonObject;
  readonly path: readonly (string | number)[];
  /** Its position among all. */
  readonly at: number;
}

/** The same where it can be evaluated. */
export interface ScopedResource extends PlannedResource {
  readonly scope: EvaluationScope;
}

/** What is known of a template before anything is deployed: values, which can go from one thread to another. */
export interface PlannedTemplate {
  readonly parameters: ReadonlyMap<string, ParameterValue>;
  readonly resources: readonly PlannedResource[];
  /** For each resource those that come before it, by position. */
  readonly dependencies: readonly (readonly number[])[];
}

export interface Plan extends PlannedTemplate {
  readonly template: Template;
  readonly resources: readonly ScopedResource[];
  readonly scope: EvaluationScope;
}

/** What is known of a deployment before its template is. */
export type GivenFacts = Omit<EvaluationFacts, 'resourceNamed' | 'resourcesOfLoop'>;

/** Everything of a template that can be said before anything is deployed.
 * @throws TemplateError, NotBuiltInTemplates */
export function planTemplate(template: Template, given: JsonObject, known: GivenFacts): Plan {
  const planned: ScopedResource[] = [];
  const facts: EvaluationFacts = {
    ...known,
    resourceNamed: (text) => {
      spend(known.work, planned.length >> 3); // every one is looked at
      return resourceNamed(planned, text);
    },
    resourcesOfLoop: (symbol) => {
      const loop = planned.filter(
        (each) => each.symbol?.toLowerCase() === symbol.toLowerCase() && each.loop !== undefined,
      );
      return loop.length === 0 ? undefined : loop;
    },
  };
  const base = { facts, functions: template.functions, loops: [] };
  const parameters = resolveParameters(template, given, (parameter) => ({
    ...base,
    parameter,
    variable: (name) => notFound('variable', name),
  }));
  const parameter = (name: string): Json => {
    const found = parameters.get(name.toLowerCase());
    return found === undefined ? notFound('parameter', name) : found.value;
  };
  const scope: EvaluationScope = { ...base, parameter, variable: variablesOf(template, { ...base, parameter }) };
  for (const resource of template.resources) expand(resource, scope, undefined, planned);
  refuseDuplicates(planned);
  const dependencies = dependenciesOf(planned);
  refuseCircles(planned, dependencies);
  return { template, parameters, resources: planned, dependencies, scope };
}

/** Evaluated when first used, and once; they see one another. */
function variablesOf(template: Template, base: Omit<EvaluationScope, 'variable'>): (name: string) => Json {
  const values = new Map<string, Json>();
  const under = new Set<string>();
  const variable = (name: string): Json => {
    const key = name.toLowerCase();
    const held = values.get(key);
    if (held !== undefined) return held;
    if (under.has(key))
      throw new TemplateError(`Circular dependency detected in the template variable '${name}'.`, ['variables']);
    under.add(key);
    try {
      const value = evaluateVariable(template, name, { ...base, variable });
      values.set(key, value);
      return value;
    } finally {
      under.delete(key); // what failed may be asked for again
    }
  };
  return variable;
}

function evaluateVariable(template: Template, name: string, scope: EvaluationScope): Json {
  const declared = Object.keys(template.variables).find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  if (declared !== undefined && declared !== 'copy') return evaluateValue(template.variables[declared], scope);
  const copies = template.variables['copy'];
  const copy = (Array.isArray(copies) ? (copies as readonly Json[]) : []).find(
    (each) => isJsonObject(each) && textMember(each, 'name').toLowerCase() === name.toLowerCase(),
  );
  if (copy === undefined) return notFound('variable', name);
  return Object.values(evaluateCopies([copy], scope))[0] ?? null;
}

function expand(
  resource: TemplateResource,
  scope: EvaluationScope,
  parent: { readonly type: string; readonly name: string } | undefined,
  planned: ScopedResource[],
): void {
  const copy = resource.json['copy'];
  if (!isJsonObject(copy)) {
    planOne(resource, scope, parent, undefined, planned);
    return;
  }
  const name = typeof copy['name'] === 'string' ? copy['name'] : (resource.symbol ?? '');
  const count = located(resource, () => evaluateCount(copy['count'], scope, name));
  for (let index = 0; index < count; index++) {
    planOne(resource, { ...scope, loops: [...scope.loops, { name, index }] }, parent, { name, index }, planned);
  }
}

function planOne(
  resource: TemplateResource,
  scope: EvaluationScope,
  parent: { readonly type: string; readonly name: string } | undefined,
  loop: PlannedResource['loop'],
  planned: ScopedResource[],
): void {
  if (planned.length >= templateLimits.resources) {
    throw new TemplateError(
      `The number of template resources limit exceeded. Limit: '${templateLimits.resources}'. Please see https://aka.ms/arm-syntax for usage details.`,
    );
  }
  const { json, symbol, path } = resource;
  const made = located(resource, () => {
    const condition = json['condition'] === undefined ? true : evaluateValue(json['condition'], scope);
    if (typeof condition !== 'boolean')
      throw new TemplateError("The value of 'condition' of a resource is not a boolean.");
    const isExisting = json['existing'] === true;
    // Its name and place may be expressions that make sense with it alone (public modules write them so).
    const target = isExisting && !condition ? absent(json, scope) : targetOf(json, scope, parent);
    return { ...target, isDeployed: condition, isExisting };
  });
  planned.push({ ...made, symbol, loop, json, path, scope, at: planned.length });
  const children = json['resources'];
  const below = Array.isArray(children)
    ? children.map((child: Json, at) => ({ symbol: undefined, child, step: at }))
    : isJsonObject(children)
      ? Object.entries(children).map(([name, child]) => ({ symbol: name, child: child ?? null, step: name }))
      : [];
  for (const { symbol: name, child, step } of below) {
    if (!isJsonObject(child)) throw new TemplateError('A resource of the template is not a JSON object.', path);
    const ofParent = made.isDeployed ? child : { ...child, condition: false };
    expand({ symbol: name, json: ofParent, path: [...path, 'resources', step] }, scope, made, planned);
  }
}

/** Says of which resource an error is. */
function ofResource<T>(resource: Pick<TemplateResource, 'path'>, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw error instanceof TemplateError && error.path === undefined
      ? new TemplateError(error.message, resource.path)
      : error;
  }
}

/** Where nothing can be asked of the running service. */
function located<T>(resource: TemplateResource, action: () => T): T {
  try {
    return ofResource(resource, action);
  } catch (error) {
    if (!(error instanceof NeedsRuntime)) throw error;
    throw new TemplateError(
      "The template function 'reference' is not expected at this location. Please see https://aka.ms/arm-functions for usage details.",
      resource.path,
    );
  }
}

function resourceNamed(planned: readonly ScopedResource[], text: string): ScopedResource | undefined {
  const wanted = text.toLowerCase();
  const symbols = planned.filter(({ symbol }) => symbol !== undefined);
  const [, symbol = wanted, digits] = /^(.+)\[(\d+)\]$/.exec(wanted) ?? [];
  const bySymbol = symbols.find(
    (each) =>
      each.symbol?.toLowerCase() === symbol &&
      (digits === undefined ? each.loop === undefined : each.loop?.index === Number(digits)),
  );
  return (
    bySymbol ??
    planned.find(({ id }) => id.toLowerCase() === wanted) ??
    planned.find(({ name, type }) => `${type}/${name}`.toLowerCase() === wanted) ??
    planned.find(({ name }) => name.toLowerCase() === wanted)
  );
}

function refuseDuplicates(planned: readonly PlannedResource[]): void {
  const seen = new Set<string>();
  for (const { id, isDeployed, isExisting, path } of planned) {
    if (!isDeployed || isExisting) continue;
    if (seen.has(id.toLowerCase())) {
      throw new TemplateError(
        `The resource '${id}'{at} is defined multiple times in a template. Please see https://aka.ms/arm-syntax-resources for usage details.`,
        path,
      );
    }
    seen.add(id.toLowerCase());
  }
}

/** What says where and whether a resource is deployed, and is no part of it. */
const notInBody = new Set(
  ['type', 'apiVersion', 'name', 'dependsOn', 'condition', 'copy', 'scope', 'existing', 'resources'].concat([
    'comments',
    'metadata',
    'resourceGroup',
    'subscriptionId',
    'import',
    'asserts',
    'options',
  ]),
);

const sourceOfBody = ({ json, type }: PlannedResource): JsonObject => {
  const members = Object.entries(json).filter(([name]) => !notInBody.has(name));
  const body = Object.fromEntries(members);
  return isNested(type) ? withoutTemplate(body) : body;
};

export const isNested = (type: string): boolean => type.toLowerCase() === 'microsoft.resources/deployments';

/** Whether the expressions of a nested template are its own, not those of the template around it. */
function isInner(body: JsonObject): boolean {
  const properties = isJsonObject(body['properties']) ? body['properties'] : {};
  const options = properties['expressionEvaluationOptions'];
  return isJsonObject(options) && textMember(options, 'scope').toLowerCase() === 'inner';
}

/** A nested template that evaluates its own expressions stays as it is written. */
function withoutTemplate(body: JsonObject): JsonObject {
  if (!isInner(body) || !isJsonObject(body['properties'])) return body;
  return { ...body, properties: { ...body['properties'], template: undefined } };
}

function withTemplate(resource: PlannedResource, body: Json): JsonObject {
  if (!isJsonObject(body)) return {};
  const source = resource.json['properties'];
  if (!isNested(resource.type) || !isInner(resource.json) || !isJsonObject(source)) return body;
  const properties = isJsonObject(body['properties']) ? body['properties'] : {};
  return { ...body, properties: { ...properties, template: source['template'] } };
}

/** The body of the request that makes a resource.
 * @throws NeedsRuntime as long as something has to be asked first */
export const bodyOf = (resource: ScopedResource): JsonObject =>
  withTemplate(
    resource,
    ofResource(resource, () => evaluateValue(sourceOfBody(resource), resource.scope)),
  );

export interface KnownBody {
  readonly body: JsonObject;
  /** Nothing in it waits for the running service. */
  readonly isWhole: boolean;
}

/** The same of all that are deployed, by their position, with what needs the running service as it is written.
 * @throws TemplateError also where they are too large together */
export function knownBodiesOf(plan: Plan): ReadonlyMap<number, KnownBody> {
  const bounded = boundedTogether('resources');
  const known = plan.resources.flatMap((resource) => {
    if (!resource.isDeployed || resource.isExisting) return [];
    const { value, isWhole } = ofResource(resource, () => evaluateKnown(sourceOfBody(resource), resource.scope));
    return [[resource.at, { body: withTemplate(resource, bounded(value)), isWhole }] as const];
  });
  return new Map(known);
}

export interface OutputValue {
  readonly name: string;
  readonly type: string;
  readonly isSecure: boolean;
  readonly value: Json;
}

/** @throws NeedsRuntime as long as something has to be asked first */
export function outputsOf(plan: Plan): readonly OutputValue[] {
  const bounded = boundedTogether('outputs');
  return Object.entries(plan.template.outputs).flatMap(([name, output]) => {
    if (output['condition'] !== undefined && evaluateValue(output['condition'], plan.scope) !== true) return [];
    const type = typeof output['type'] === 'string' ? output['type'] : 'object';
    const copy = output['copy'];
    const value = isJsonObject(copy)
      ? (Object.values(evaluateCopies([{ ...copy, name }], plan.scope))[0] ?? null)
      : evaluateValue(output['value'], plan.scope);
    if (value === null && output['nullable'] === true) return [];
    const shown = type.slice(0, 1).toUpperCase() + type.slice(1);
    return [{ name, type: shown, isSecure: type.toLowerCase().startsWith('secure'), value: bounded(value) }];
  });
}
