import { ArmError } from '../../../arm/arm-error.ts';
import { armErrors } from '../../../arm/arm-errors.ts';
import type { Caller } from '../../../authz/caller.ts';
import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';
import { Turns } from '../../../base/turns.ts';
import { evaluationMax } from '../../../templates/expressions/facts.ts';
import type { EvaluationWork } from '../../../templates/expressions/facts.ts';
import { isNested } from '../../../templates/plan.ts';
import type { KnownBody, PlannedResource } from '../../../templates/plan.ts';
import { boundedTogether } from '../../../templates/expressions/value-size.ts';
import { templateLimits } from '../../../templates/template.ts';
import type { EvaluatedTemplate } from '../../../templates/thread/template-evaluator.ts';
import type { DeploymentDependencies } from './deployment-dependencies.ts';
import { deploymentErrors, notAuthorized, withTemplateErrors } from './deployment-errors.ts';
import type { DeploymentAddress, WantedDeployment } from './deployment-request.ts';
import { factsOf, readDeployment, scopeOf } from './deployment-request.ts';
import { checkJobSize } from './job-size.ts';
import { shownLinks, withLinkedContent } from './linked-content.ts';
import type { ContentLinks, ReadContent } from './linked-content.ts';
import { withSecrets } from './secret-references.ts';

/** A deployment whose template is evaluated as far as it can be before anything is asked or made, with those nested in it. */
export interface PlannedDeployment {
  readonly address: DeploymentAddress;
  readonly wanted: WantedDeployment;
  readonly plan: EvaluatedTemplate;
  /** The requests that make its resources, as far as they can be said before anything is made, by the position of each. */
  readonly known: ReadonlyMap<number, KnownBody>;
  /** By the position of the resource. */
  readonly nested: ReadonlyMap<number, PlannedDeployment>;
  /** Nested deployments of which nothing more can be said before others have run. */
  readonly unknown: readonly PlannedResource[];
}

export interface PlanningContext {
  readonly deps: DeploymentDependencies;
  readonly caller: Caller;
  readonly correlationId: string;
  /** The body of the request, for the lines of errors. */
  readonly body: Json | undefined;
  /** Aborted when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
  /** What the request has read from elsewhere. */
  readonly read: ReadContent;
  /** Of one that another deployment makes: how deep it is, and what is left of the work. */
  readonly above?: { readonly depth: number; readonly work: EvaluationWork };
}

/** One template can name others, and those others: together they have the limits of one. */
interface BoundedContext extends PlanningContext {
  readonly bounds: {
    readonly work: EvaluationWork;
    resources: number;
    readonly parameters: ReturnType<typeof boundedTogether>;
  };
}

/** Each template may have 4 MB of them, and 800 together are kept in memory until the request is answered. */
const nestedParametersMax = 64 * 1024 * 1024;

/** What a deployment shows of its dependencies, with those nested in it, is as large as a template may be. */
const dependencyBytesMax = 4 * 1024 * 1024;

/** Nested deployments go no deeper, and hold together no more resources than one may. */
export const depthMax = 5;

/** Evaluates the template, and asks for each resource whether the caller may make it.
 * @throws ArmError `InvalidTemplate`, `InvalidTemplateDeployment`, or what the resource manager says of a resource */
export async function planDeployment(
  context: PlanningContext,
  address: DeploymentAddress,
  wanted: WantedDeployment,
): Promise<PlannedDeployment> {
  const { depth, work } = context.above ?? { depth: 1, work: { left: evaluationMax } };
  const parameters = boundedTogether('parameters with those of nested templates', nestedParametersMax);
  const bounds = { work, resources: 0, parameters };
  const planned = await planLevel({ ...context, bounds }, address, wanted, depth, new Set());
  if (dependencyChars(planned) > dependencyBytesMax)
    throw deploymentErrors.DeploymentJobSizeExceeded('dependencies', dependencyBytesMax);
  await preflight(context, resourcesOf(planned));
  return planned;
}

async function planLevel(
  context: BoundedContext,
  address: DeploymentAddress,
  wanted: WantedDeployment,
  depth: number,
  groupsAbove: ReadonlySet<string>,
): Promise<PlannedDeployment> {
  if (depth > depthMax) throw deploymentErrors.NestedTooDeep(depthMax);
  if (depth > 1 && wanted.onError !== undefined) throw deploymentErrors.OnErrorNotAllowed();
  const { deps, caller } = context;
  const parameters = await withSecrets(context, wanted.parameters);
  const facts = await factsOf(deps, { scope: address.scope, name: address.name, caller, wanted });
  // Lines are counted in the template that was sent; a nested one has none of its own.
  const body = depth === 1 ? context.body : undefined;
  const seed = { template: wanted.template, parameters, facts };
  const { template: plan, known } = await withTemplateErrors(body, () =>
    deps.templates.plan(seed, context.bounds.work, context.signal),
  );
  await withTemplateErrors(undefined, () => {
    for (const { value } of plan.parameters.values()) context.bounds.parameters(value);
  });
  context.bounds.resources += plan.resources.length;
  if (context.bounds.resources > templateLimits.resources)
    throw deploymentErrors.TooManyResources(templateLimits.resources);
  const job = jobOf({ address, wanted, plan, known });
  await withTemplateErrors(undefined, () => checkJobSize(job, context.signal));
  const groups = new Set([...groupsAbove, ...plan.resources.map(({ id }) => id.toLowerCase())]);
  const nested = new Map<number, PlannedDeployment>();
  const unknown: PlannedResource[] = [];
  for (const resource of plan.resources) {
    const request = known.get(resource.at);
    if (request === undefined || !isNested(resource.type)) continue;
    const inner = await planNested(context, resource, request, { depth, groups, links: wanted.links });
    if (inner === undefined) unknown.push(resource);
    else nested.set(resource.at, inner);
  }
  return { address, wanted, plan, known, nested, unknown };
}

/** @returns undefined when it needs what others make: a value, or its resource group */
async function planNested(
  context: BoundedContext,
  resource: PlannedResource,
  { body, isWhole }: KnownBody,
  above: { readonly depth: number; readonly groups: ReadonlySet<string>; readonly links: ContentLinks },
): Promise<PlannedDeployment | undefined> {
  const scopeId = resource.id.split('/providers/')[0] ?? '';
  if (!isWhole) return undefined;
  await checkResource(context, resource);
  let scope;
  try {
    scope = await scopeOf(context.deps, scopeId);
  } catch (error) {
    if (error instanceof ArmError && error.code === 'ResourceGroupNotFound' && above.groups.has(scopeId.toLowerCase()))
      return undefined;
    throw error;
  }
  const address = { scope, name: resource.name, id: resource.id };
  const linked = await withLinkedContent(context.deps, body, context.read, above.links.templateLink);
  const wanted = readDeployment(linked.body, address, linked.links);
  return planLevel(context, address, wanted, above.depth + 1, above.groups);
}

/** A resource that is to be made, and what is known of the request that makes it. */
export interface ResourceToMake extends PlannedResource {
  readonly body: JsonObject;
}

/** What a deployment keeps, a part after the other: each resource by itself, with its body, those before it, and the rest of the template. */
function* jobOf({ address, wanted, plan, known }: Omit<PlannedDeployment, 'nested' | 'unknown'>): Generator<Json> {
  const { template, mode, location = null, tags = {}, links } = wanted;
  yield { id: address.id, mode, location, tags, ...shownLinks(links) };
  yield { ...template, resources: null };
  yield [...plan.parameters.values()].map(({ name, value }) => ({ name, value }));
  for (const { at, id, type, apiVersion = null } of plan.resources) {
    yield { id, type, apiVersion, ...known.get(at)?.body };
    yield [...(plan.dependencies[at] ?? [])];
  }
}

/** Every resource that is to be made, those of nested deployments after all of the template around them. */
export function resourcesOf({ plan, known, nested }: PlannedDeployment): readonly ResourceToMake[] {
  const own = plan.resources.flatMap((resource) => {
    const request = known.get(resource.at);
    return request === undefined ? [] : [{ ...resource, body: request.body }];
  });
  return [...own, ...[...nested.values()].flatMap(resourcesOf)];
}

/** The roles of the caller decide before anything is made. */
async function preflight(context: PlanningContext, resources: readonly PlannedResource[]): Promise<void> {
  const refused: { type: string; name: string; error: ArmError }[] = [];
  const turns = new Turns(20);
  for (const resource of resources) {
    await turns.after(1);
    try {
      await checkResource(context, resource);
    } catch (error) {
      if (!(error instanceof ArmError) || error.code !== 'AuthorizationFailed') throw error;
      refused.push({ type: resource.type, name: resource.name, error });
    }
  }
  if (refused.length > 0) throw notAuthorized(refused);
}

async function checkResource(
  { deps, caller, correlationId }: PlanningContext,
  resource: PlannedResource,
): Promise<void> {
  const { type, id, apiVersion = '' } = resource;
  if (type.toLowerCase() === 'microsoft.resources/deploymentscripts') throw armErrors.NotImplemented(type);
  const query = { 'api-version': apiVersion };
  const admitted = await deps.calls.check({ method: 'PUT', path: id, query, caller, correlationId });
  const { operation } = admitted.route;
  if (operation.notBuilt === true) throw armErrors.NotImplemented(operation.id);
}

/** As `properties.providers` shows them: each type once, with the locations of its resources. */
export function providersOf(planned: PlannedDeployment): Json {
  const namespaces = new Map<string, Map<string, Set<string | null>>>();
  for (const resource of resourcesOf(planned)) {
    const [namespace = '', ...rest] = resource.type.split('/');
    const types = namespaces.get(namespace) ?? new Map<string, Set<string | null>>();
    namespaces.set(namespace, types);
    const locations = types.get(rest.join('/')) ?? new Set<string | null>();
    types.set(rest.join('/'), locations.add(locationOf(resource)));
  }
  return [...namespaces].map(([namespace, types]) => ({
    namespace,
    resourceTypes: [...types].map(([resourceType, locations]) => ({ resourceType, locations: [...locations] })),
  }));
}

function locationOf({ body }: ResourceToMake): string | null {
  const { location } = body;
  return typeof location === 'string' ? location.replaceAll(' ', '').toLowerCase() : null;
}

const shownResource = ({
  id,
  type,
  name,
}: Pick<PlannedResource, 'id' | 'type' | 'name'>): { id: string; resourceType: string; resourceName: string } => ({
  id,
  resourceType: type,
  resourceName: name,
});

export const targetResource = shownResource;

export function dependenciesShown({ plan, nested }: PlannedDeployment): readonly Json[] {
  const own = plan.resources.flatMap((resource, at) => {
    const before = (plan.dependencies[at] ?? []).flatMap((position) => plan.resources[position] ?? []);
    if (!resource.isDeployed || resource.isExisting || before.length === 0) return [];
    return [{ dependsOn: before.map(shownResource), ...shownResource(resource) }];
  });
  return [...own, ...[...nested.values()].flatMap(dependenciesShown)];
}

/** So many characters these are at least. Two loops, each pass of one after all of the other, are some hundred characters of a template and
 * forty million of these. */
function dependencyChars({ plan, nested }: PlannedDeployment): number {
  const chars = plan.resources.map(({ id, type, name }) => id.length + type.length + name.length + shownResourceChars);
  const own = plan.dependencies.flatMap((before) => before).reduce((sum, position) => sum + (chars[position] ?? 0), 0);
  return [...nested.values()].reduce((sum, inner) => sum + dependencyChars(inner), own);
}

/** Of the names of its members. */
const shownResourceChars = JSON.stringify(shownResource({ id: '', type: '', name: '' })).length;

export const propertiesOf = (body: Json | undefined): JsonObject =>
  isJsonObject(body) && isJsonObject(body['properties']) ? body['properties'] : {};
