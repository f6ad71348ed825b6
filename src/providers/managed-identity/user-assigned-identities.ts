import { Type } from '@sinclair/typebox';
import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { findLocation, isSameLocation, locationDisplayNames } from '../../arm/locations.ts';
import { pageOf, sortedById } from '../../arm/paging.ts';
import { requireResourceGroup, resourceGroupId, resourceGroups } from '../../arm/resource-groups.ts';
import type { ArmResource } from '../../arm/resource.ts';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import { requireSubscription } from '../../arm/subscriptions.ts';
import { readTags, tagsSchema } from '../../arm/tags.ts';
import { dropAssignmentsWithin } from '../../authz/role-assignments.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { toIso } from '../../clock/clock.ts';
import { listIntact } from '../../state/list-all.ts';
import type { State, Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import { credentialDeletes } from './federated-credentials.ts';
import type { IdentityDependencies } from './identity-dependencies.ts';
import { identityType, shownId } from './identity-ids.ts';

export interface UserAssignedIdentity {
  readonly principalId: Guid;
  readonly clientId: Guid;
}

const propertiesSchema = Type.Object({
  isolationScope: Type.Optional(Type.Union([Type.Literal('None'), Type.Literal('Regional'), Type.Null()])),
  assignmentRestrictions: Type.Optional(
    Type.Union([
      Type.Object({ providers: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])) }),
      Type.Null(),
    ]),
  ),
});

const putBody = Type.Object({
  location: Type.Optional(Type.String({ maxLength: 64 })),
  tags: Type.Optional(tagsSchema),
  properties: Type.Optional(propertiesSchema),
});

const patchBody = Type.Object({
  tags: Type.Optional(tagsSchema),
  properties: Type.Optional(propertiesSchema),
});

/** @returns undefined for a resource of another type */
export function asIdentity(resource: ArmResource): UserAssignedIdentity | undefined {
  if (resource.type !== identityType) return undefined;
  const { principalId: principal, clientId: application } = resource.properties;
  const principalId = parseGuid(typeof principal === 'string' ? principal : '');
  const clientId = parseGuid(typeof application === 'string' ? application : '');
  invariant(principalId !== undefined && clientId !== undefined, 'an identity record names its principal');
  return { principalId, clientId };
}

/** For providers whose resources can have such an identity. @param resourceId compared without case */
export async function findUserAssignedIdentity(
  state: State,
  resourceId: string,
): Promise<UserAssignedIdentity | undefined> {
  const found = await state.get(armResources, resourceRecordId(resourceId.replace(/\/+$/, '')));
  return found === undefined ? undefined : asIdentity(found.value);
}

export function identityOperations(deps: IdentityDependencies): readonly ArmOperation[] {
  const inGroup = `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/${identityType}`;
  const path = `${inGroup}/{resourceName}`;
  const action = (verb: string): string => `${identityType}/${verb}`;
  return [
    {
      id: 'UserAssignedIdentities_CreateOrUpdate',
      method: 'PUT',
      path,
      action: action('write'),
      body: { schema: putBody, required: true },
      handle: (request) => {
        refuseRestrictions(request.body);
        return retryOnConflict(() => putIdentity(deps, request));
      },
    },
    {
      id: 'UserAssignedIdentities_Update',
      method: 'PATCH',
      path,
      action: action('write'),
      body: { schema: patchBody, required: true },
      handle: (request) => {
        refuseRestrictions(request.body);
        return retryOnConflict(async () =>
          changeTags(deps, request, await requireIdentity(deps, request), { replace: false }),
        );
      },
    },
    {
      id: 'UserAssignedIdentities_Get',
      method: 'GET',
      path,
      action: action('read'),
      handle: async (request) => ({ status: 200, body: showIdentity((await requireIdentity(deps, request)).value) }),
    },
    {
      id: 'UserAssignedIdentities_Delete',
      method: 'DELETE',
      path,
      action: action('delete'),
      handle: async (request) => ({ status: (await deleteIdentity(deps, idOf(request))) ? 200 : 204 }),
    },
    {
      id: 'UserAssignedIdentities_ListByResourceGroup',
      method: 'GET',
      path: inGroup,
      action: action('read'),
      handle: (request) => {
        const { subscriptionId = '', resourceGroupName = '' } = request.params;
        return listIdentities(deps, request, resourceGroupId(subscriptionId, resourceGroupName));
      },
    },
    {
      id: 'UserAssignedIdentities_ListBySubscription',
      method: 'GET',
      path: `/subscriptions/{subscriptionId}/providers/${identityType}`,
      action: action('read'),
      handle: (request) => listIdentities(deps, request, `/subscriptions/${request.params['subscriptionId'] ?? ''}`),
    },
  ];
}

/** What says which resources may have the identity is not built; to restrict nothing is what everybody has. @throws ArmError 501 */
function refuseRestrictions(body: unknown): void {
  const sent = isJsonObject(body) && isJsonObject(body['properties']) ? body['properties'] : {};
  const { isolationScope, assignmentRestrictions } = sent;
  if (isolationScope === 'Regional') throw armErrors.NotImplemented('isolationScope Regional of an identity');
  const providers = isJsonObject(assignmentRestrictions) ? assignmentRestrictions['providers'] : undefined;
  if (Array.isArray(providers) && providers.length > 0)
    throw armErrors.NotImplemented('assignmentRestrictions of an identity');
}

function idOf(request: ArmRequest): string {
  const { subscriptionId = '', resourceGroupName = '', resourceName = '' } = request.params;
  return `${resourceGroupId(subscriptionId, resourceGroupName)}/providers/${identityType}/${resourceName}`;
}

async function requireIdentity(deps: IdentityDependencies, request: ArmRequest): Promise<Versioned<ArmResource>> {
  const found = await deps.state.get(armResources, resourceRecordId(idOf(request)));
  if (found !== undefined) return found;
  const { resourceName = '', resourceGroupName = '' } = request.params;
  throw armErrors.ResourceNotFound(identityType, resourceName, resourceGroupName);
}

async function putIdentity(deps: IdentityDependencies, request: ArmRequest): Promise<ArmReply> {
  const { subscriptionId = '', resourceGroupName = '', resourceName = '' } = request.params;
  const body = isJsonObject(request.body) ? request.body : {};
  const location = readLocation(body);
  const held = await deps.state.get(armResources, resourceRecordId(idOf(request)));
  if (held !== undefined) {
    const at = held.value.location ?? '';
    if (!isSameLocation(at, location)) {
      throw armErrors.InvalidResourceLocation(held.value.name, at, resourceGroupName, location);
    }
    return changeTags(deps, request, held, { replace: true });
  }
  requireName(resourceName);
  const { value: subscription } = await requireSubscription(deps.state, subscriptionId);
  const group = await requireResourceGroup(deps.state, subscriptionId, resourceGroupName);
  const id = `${group.value.id}/providers/${identityType}/${resourceName}`;
  const now = toIso(deps.clock.now());
  const tags = readTags(body['tags']);
  const principal = await deps.identities.create(resourceName, id);
  const resource: ArmResource = {
    id,
    name: resourceName,
    type: identityType,
    location,
    ...(tags === undefined ? {} : { tags }),
    properties: { tenantId: subscription.tenantId, principalId: principal.objectId, clientId: principal.clientId },
    createdAt: now,
    changedAt: now,
  };
  try {
    await deps.state.commit({
      expect: [expectRecord(resourceGroups, group.id, group.version)],
      write: [writeRecord(armResources, resourceRecordId(id), null, resource)],
    });
  } catch (error) {
    await deps.identities.delete(principal.objectId); // nobody knows it
    throw error;
  }
  return { status: 201, headers: { location: shownId(id) }, body: showIdentity(resource) };
}

function readLocation(body: JsonObject): string {
  const sent = typeof body['location'] === 'string' ? body['location'] : '';
  if (sent.trim() === '') throw armErrors.LocationRequired();
  const location = findLocation(sent);
  if (location === undefined) {
    throw armErrors.LocationNotAvailableForResourceType(sent, identityType, locationDisplayNames);
  }
  return location.name;
}

function requireName(name: string): void {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_-]{2,127}$/.test(name)) return;
  throw armErrors.InvalidResourceName(
    `The identity name '${name}' is invalid. It must have 3 to 128 letters, digits, hyphens or underscores and start with a letter or digit.`,
  );
}

async function changeTags(
  deps: IdentityDependencies,
  request: ArmRequest,
  held: Versioned<ArmResource>,
  { replace }: { readonly replace: boolean },
): Promise<ArmReply> {
  const body = isJsonObject(request.body) ? request.body : {};
  const { id, name, type, location, properties, createdAt } = held.value;
  const tags = readTags(body['tags']) ?? (replace ? undefined : held.value.tags);
  const resource: ArmResource = {
    id,
    name,
    type,
    ...(location === undefined ? {} : { location }),
    ...(tags === undefined ? {} : { tags }),
    properties,
    createdAt,
    changedAt: toIso(deps.clock.now()),
  };
  await deps.state.commit({ write: [writeRecord(armResources, held.id, held.version, resource)] });
  return { status: 200, body: showIdentity(resource) };
}

/** The principal goes first: if that is as far as it gets, the next DELETE does the rest, and nobody has a token in between.
 * @returns whether it was there */
export async function deleteIdentity(deps: IdentityDependencies, id: string): Promise<boolean> {
  return retryOnConflict(async () => {
    const held = await deps.state.get(armResources, resourceRecordId(id));
    const identity = held === undefined ? undefined : asIdentity(held.value);
    if (held === undefined || identity === undefined) return false;
    await deps.identities.delete(identity.principalId);
    await deps.state.commit({
      write: [
        writeRecord(armResources, held.id, held.version, null),
        ...(await credentialDeletes(deps, held.value.id)),
        ...(await dropAssignmentsWithin(deps.state, held.value.id)),
      ],
    });
    return true;
  });
}

async function listIdentities(deps: IdentityDependencies, request: ArmRequest, scope: string): Promise<ArmReply> {
  const records = await listIntact(deps.state, armResources, `${scope.toLowerCase()}/`);
  const found = records.map((record) => record.value).filter((resource) => resource.type === identityType);
  const idOfResource = (resource: ArmResource): string => resource.id.toLowerCase();
  const page = pageOf(request, sortedById(found, idOfResource), idOfResource);
  return { status: 200, body: { ...page, value: page.value.map(showIdentity) } };
}

const showIdentity = (resource: ArmResource): JsonObject => ({
  location: resource.location,
  tags: resource.tags ?? {},
  id: shownId(resource.id),
  name: resource.name,
  type: identityType,
  properties: resource.properties,
});
