import { ArmError } from '../../../arm/arm-error.ts';
import type { ArmReply, ArmRequest } from '../../../arm/arm-operation.ts';
import { operationHeaders } from '../../../arm/long-running.ts';
import { newGuid } from '../../../base/new-guid.ts';
import type { Json, JsonObject } from '../../../base/json.ts';
import { isNested } from '../../../templates/plan.ts';
import type { DeploymentDependencies } from './deployment-dependencies.ts';
import { newestApiVersion, resourcesBeside } from './complete-mode.ts';
import type { Deployments } from './deployments.ts';
import type { PropertyChange } from './differences.ts';
import { differencesOf } from './differences.ts';
import type { PlannedDeployment, ResourceToMake } from './planned-deployment.ts';
import { resourcesOf } from './planned-deployment.ts';
import type { CallingContext } from './resource-calls.ts';
import { readResource } from './resource-calls.ts';
import type { SecureText } from './secure-values.ts';
import { maskedBody, maskedPath, secureTextsOf } from './secure-values.ts';
import { comparableOf, isFilledIn, settableOf } from './resource-shapes.ts';

type Change = {
  readonly resourceId: string;
  readonly changeType: 'Create' | 'Delete' | 'Deploy' | 'Ignore' | 'Modify' | 'NoChange' | 'Unsupported';
  readonly unsupportedReason?: string;
  readonly before?: JsonObject;
  readonly after?: JsonObject;
  readonly delta?: readonly PropertyChange[];
};

/** Says what a deployment would change, with the rights of whoever asks. The answer is there at the first look; it is kept for a while
 * in memory, like what it is about.
 * @throws ArmError as the deployment would before it made anything */
export async function foretellDeployment(
  deps: DeploymentDependencies,
  deployments: Deployments,
  request: ArmRequest,
): Promise<ArmReply> {
  const { planned, context } = await deployments.plan(request);
  const calling = {
    deps,
    caller: context.caller,
    correlationId: context.correlationId,
    signal: new AbortController().signal,
  };
  const body: JsonObject = {
    status: 'Succeeded',
    properties: {
      correlationId: context.correlationId,
      changes: maskedChanges(await changesOf(calling, planned), secureTexts(planned)),
      ...diagnosticsOf(planned),
    },
  };
  const id = newGuid(deps.randomBytes);
  deps.results.set(id, { objectId: context.caller.objectId, path: `${planned.address.id}/whatIf`, body });
  const [, , subscriptionId] = planned.address.scope.id.split('/');
  const below = subscriptionId === undefined ? '' : `/subscriptions/${subscriptionId}`;
  return { status: 202, headers: operationHeaders(request, `${below}/operationresults/${id}`, { location: true }) };
}

const secureTexts = ({ plan, nested }: PlannedDeployment): readonly SecureText[] => [
  ...secureTextsOf(plan),
  ...[...nested.values()].flatMap(secureTexts),
];

/** What the template gives a resource shows no secret; its id is no secret, as everybody sees it who lists the group. */
const maskedChanges = (changes: readonly Change[], texts: readonly SecureText[]): readonly Change[] =>
  changes.map(({ before, after, delta, ...change }) => ({
    ...change,
    ...(before === undefined ? {} : { before: maskedBody(before, texts) }),
    ...(after === undefined ? {} : { after: maskedBody(after, texts) }),
    ...(delta === undefined ? {} : { delta: delta.map((each) => maskedDelta(each, texts)) }),
  }));

const maskedDelta = (
  { path, before, after, children, propertyChangeType }: PropertyChange,
  texts: readonly SecureText[],
): PropertyChange => ({
  path: maskedPath(path, texts),
  propertyChangeType,
  ...(before === undefined ? {} : { before: maskedBody(before, texts) }),
  ...(after === undefined ? {} : { after: maskedBody(after, texts) }),
  ...(children === undefined ? {} : { children: children.map((each) => maskedDelta(each, texts)) }),
});

async function changesOf(
  context: CallingContext & { deps: DeploymentDependencies },
  planned: PlannedDeployment,
): Promise<readonly Change[]> {
  const { wanted, address } = planned;
  const changes: Change[] = [];
  const all = resourcesOf(planned).filter(({ type }) => !isNested(type));
  for (const resource of all) {
    changes.push(
      wanted.resultFormat === 'ResourceIdOnly'
        ? { resourceId: resource.id, changeType: 'Deploy' }
        : await changeOf(context, resource),
    );
  }
  for (const { id } of planned.unknown) {
    const unsupportedReason = 'The nested deployment takes a value that is known only when others have been deployed.';
    changes.push({ resourceId: id, changeType: 'Unsupported', unsupportedReason });
  }
  if (address.scope.kind !== 'resourceGroup') return changes;
  const named = [...planned.plan.resources, ...all];
  for (const { id, type } of await resourcesBeside(context.deps, address.scope.id, named)) {
    const isDeleted = wanted.mode === 'Complete';
    if (wanted.resultFormat === 'ResourceIdOnly') {
      if (isDeleted) changes.push({ resourceId: id, changeType: 'Delete' });
      continue;
    }
    const shown = await readResource(context, id, newestApiVersion(context.deps, type));
    if (shown === undefined) continue;
    const before = withAddress(shown, settableOf(type, shown, undefined));
    changes.push(
      isDeleted
        ? { resourceId: id, changeType: 'Delete', before }
        : { resourceId: id, changeType: 'Ignore', before, after: before },
    );
  }
  return changes;
}

async function changeOf(context: CallingContext, resource: ResourceToMake): Promise<Change> {
  const { id, type, name, apiVersion = '', body } = resource;
  const after: JsonObject = { ...body, apiVersion, id, name: name.split('/').at(-1) ?? name, type };
  const shown = await readIfReadable(context, id, apiVersion);
  if (shown === 'unreadable') {
    const unsupportedReason = `Resources of the type '${type}' cannot be read, so nothing can be said of what would change.`;
    return { resourceId: id, changeType: 'Unsupported', unsupportedReason, after };
  }
  if (shown === undefined) return { resourceId: id, changeType: 'Create', after };
  const held = settableOf(type, shown, body);
  const delta = differencesOf(held, comparableOf(type, body), isKnownValue);
  const before: JsonObject = {
    ...held,
    apiVersion,
    id: shown['id'] ?? id,
    name: shown['name'] ?? name,
    type: shown['type'] ?? type,
  };
  const isReal = ({ propertyChangeType, path }: PropertyChange): boolean =>
    propertyChangeType !== 'NoEffect' && !(propertyChangeType === 'Delete' && isFilledIn(type, path));
  const changed = delta.filter(isReal);
  return {
    resourceId: id,
    changeType: changed.length === 0 ? 'NoChange' : 'Modify',
    ...{ before, after },
    delta: changed.length === 0 ? [] : delta.filter((each) => isReal(each) || each.propertyChangeType === 'NoEffect'),
  };
}

/** Some things can be written and not read, such as a change of access policies. */
async function readIfReadable(
  context: CallingContext,
  id: string,
  apiVersion: string,
): Promise<JsonObject | 'unreadable' | undefined> {
  try {
    return await readResource(context, id, apiVersion);
  } catch (error) {
    if (error instanceof ArmError && (error.status === 405 || error.status === 501)) return 'unreadable';
    throw error;
  }
}

const withAddress = (shown: JsonObject, settable: JsonObject): JsonObject => ({
  ...settable,
  ...{ id: shown['id'] ?? null, name: shown['name'] ?? null, type: shown['type'] ?? null },
});

/** What a deployment alone can evaluate stands there as it was written. */
const isKnownValue = (value: Json): boolean =>
  typeof value !== 'string' || !value.startsWith('[') || value.startsWith('[[') || !value.endsWith(']');

function diagnosticsOf({ unknown }: PlannedDeployment): JsonObject {
  if (unknown.length === 0) return {};
  const diagnostics = unknown.map(({ id }) => ({
    ...{ level: 'Warning', code: 'NestedDeploymentShortCircuited', target: id },
    message:
      'A nested deployment got short-circuited and all its resources got skipped from validation: it takes a value that only the deployment can evaluate.',
  }));
  return { diagnostics };
}
