import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmRequest } from '../../arm/arm-operation.ts';
import { Value } from '@sinclair/typebox/value';
import { requireResourceGroup, resourceGroups } from '../../arm/resource-groups.ts';
import { armResources } from '../../arm/resource.ts';
import type { ArmResource } from '../../arm/resource.ts';
import { readTags, tagsSchema } from '../../arm/tags.ts';
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import { StateConflictError } from '../../state/state-store.ts';
import { expectRecord } from '../../state/state.ts';
import { listAll } from '../../state/list-all.ts';
import type { State, StateExpectation, Versioned } from '../../state/state.ts';
import type { ClusterAddress, ClusterResource } from './cluster-record.ts';
import { kustoError } from './kusto-errors.ts';
import { isUnderWay } from './operation-record.ts';
import type { KustoPorts } from './ports.ts';

export function addressOf(request: ArmRequest): ClusterAddress {
  const { subscriptionId = '', resourceGroupName = '', clusterName = '' } = request.params;
  return { subscriptionId, resourceGroup: resourceGroupName, clusterName };
}

/** @throws ArmError 409 `RequestConflict` while an operation is under way */
export function requireNoOperation(ports: Pick<KustoPorts, 'clock'>, cluster: ClusterResource): void {
  if (isUnderWay(cluster.properties.operation, ports.clock.now())) throw kustoError('RequestConflict', cluster.id);
}

/** Its expectation goes into the commit, so that nothing is put into a group that is being deleted meanwhile.
 * @throws ArmError 404 `ResourceGroupNotFound` */
export async function expectResourceGroup(state: State, at: ClusterAddress): Promise<StateExpectation> {
  const found = await requireResourceGroup(state, at.subscriptionId, at.resourceGroup);
  return expectRecord(resourceGroups, found.id, found.version);
}

/** Direct children of one type: `…/clusters/c1/databases/` lists databases and not what is in them. */
export async function listChildren(
  state: State,
  prefix: string,
  list = listAll<ArmResource>,
): Promise<readonly Versioned<ArmResource>[]> {
  const below = await list(state, armResources, prefix.toLowerCase());
  return below.filter(({ id }) => !id.slice(prefix.length).includes('/'));
}

/** The first of what is right below a prefix, in the order of the state.
 * @param after an id below the prefix @param count at most */
export async function firstChildren(
  state: State,
  prefix: string,
  after: string | undefined,
  count: number,
): Promise<readonly Versioned<ArmResource>[]> {
  const children: Versioned<ArmResource>[] = [];
  const limit = 2 * count; // something lies below most of them
  for (let last = after; children.length < count;) {
    const page = await state.list(armResources, { prefix, limit, ...(last === undefined ? {} : { after: last }) });
    children.push(...page.filter(({ id }) => !id.slice(prefix.length).includes('/')));
    last = page.at(-1)?.id;
    if (page.length < limit) break;
  }
  return children.slice(0, count);
}

/** @returns an empty object for a request without a body. @throws ArmError 400 for a body that is no object */
export function bodyObject(request: ArmRequest): JsonObject {
  if (request.body === undefined) throw armErrors.MissingRequestContent();
  if (!isJsonObject(request.body)) throw armErrors.InvalidRequestContent('The request body must be a JSON object.');
  return request.body;
}

/** `properties` of a body; absent and null are an empty one. */
export function bodyProperties(body: JsonObject): JsonObject {
  const properties = body['properties'] ?? {};
  if (!isJsonObject(properties)) throw armErrors.InvalidRequestContent("'properties' must be a JSON object.");
  return properties;
}

/** @throws ArmError 400 for tags that no resource can have */
export function tagsAfter(
  body: JsonObject,
  held: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> | undefined {
  const { tags } = body;
  if (tags === undefined) return held;
  if (!Value.Check(tagsSchema, tags))
    throw armErrors.InvalidRequestContent('Tags must be an object of at most 50 short texts.');
  return readTags(tags);
}

/** Each round lets one of those who race go on. */
const attemptsMax = 50;

/** Runs an action that reads, decides and commits; when somebody else was faster it starts again from reading.
 * @throws ArmError 409 `Conflict` when others are faster again and again */
export async function withFreshState<T>(action: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error;
      if (attempt === attemptsMax) throw armErrors.Conflict();
    }
  }
}

/** @throws ArmError 400 for anything but a list of short texts */
export function zonesAfter(body: JsonObject, held: readonly string[] | undefined): readonly string[] | undefined {
  const zones = body['zones'];
  if (zones === undefined) return held;
  const texts = Array.isArray(zones)
    ? zones.filter((zone): zone is string => typeof zone === 'string' && zone.length <= 20)
    : [];
  if (zones === null || (Array.isArray(zones) && zones.length === 0)) return undefined;
  if (!Array.isArray(zones) || texts.length !== zones.length || texts.length > 10)
    throw kustoError('InvalidValue', 'zones', 'a list of availability zones');
  return texts;
}
