import { Type } from '@sinclair/typebox';
import { ArmError } from '../../arm/arm-error.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { findLocation, isSameLocation, locations } from '../../arm/locations.ts';
import { parseFilter } from '../../arm/filter.ts';
import { pageOf, sortedById } from '../../arm/paging.ts';
import type { ResourceGroup } from '../../arm/resource-groups.ts';
import { findResourceGroup, requireResourceGroup, resourceGroupId, resourceGroups } from '../../arm/resource-groups.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import { readTags, tagsSchema } from '../../arm/tags.ts';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { toIso } from '../../clock/clock.ts';
import { listIntact } from '../../state/list-all.ts';
import { writeRecord } from '../../state/state.ts';
import { deleteGroup } from './group-deletion.ts';
import { compileResourceFilter } from './resource-filter.ts';
import type { ResourcesDependencies } from './resources-dependencies.ts';

const createBody = Type.Object({
  location: Type.Optional(Type.String({ maxLength: 64 })),
  tags: Type.Optional(tagsSchema),
  managedBy: Type.Optional(Type.Union([Type.String({ maxLength: 1024 }), Type.Null()])),
});

const patchBody = Type.Object({ tags: Type.Optional(tagsSchema), managedBy: createBody.properties.managedBy });

export function groupOperations(deps: ResourcesDependencies): readonly ArmOperation[] {
  const list = '/subscriptions/{subscriptionId}/resourceGroups';
  const path = `${list}/{resourceGroupName}`;
  const action = (verb: string): string => `Microsoft.Resources/subscriptions/resourceGroups/${verb}`;
  return [
    {
      id: 'ResourceGroups_CreateOrUpdate',
      method: 'PUT',
      path,
      action: action('write'),
      body: { schema: createBody, required: true },
      handle: (request) => retryOnConflict(() => createOrUpdate(deps, request)),
    },
    {
      id: 'ResourceGroups_Update',
      method: 'PATCH',
      path,
      action: action('write'),
      body: { schema: patchBody, required: true },
      handle: (request) => retryOnConflict(() => update(deps, request)),
    },
    {
      id: 'ResourceGroups_Get',
      method: 'GET',
      path,
      action: action('read'),
      handle: async (request) => {
        const found = await requireResourceGroup(deps.state, ...groupOf(request));
        return { status: 200, body: showGroup(found.value) };
      },
    },
    {
      id: 'ResourceGroups_CheckExistence',
      method: 'HEAD',
      path,
      action: action('read'),
      handle: async (request) => {
        const found = await findResourceGroup(deps.state, ...groupOf(request));
        return { status: found === undefined ? 404 : 204 };
      },
    },
    {
      id: 'ResourceGroups_Delete',
      method: 'DELETE',
      path,
      action: action('delete'),
      handle: (request) => deleteGroup(deps, request),
    },
    // Shows each caller the groups it may read, so the handler decides.
    {
      id: 'ResourceGroups_List',
      method: 'GET',
      path: list,
      action: null,
      handle: (request) => listGroups(deps, request),
    },
  ];
}

const groupOf = (request: ArmRequest): [subscriptionId: string, name: string] => [
  request.params['subscriptionId'] ?? '',
  request.params['resourceGroupName'] ?? '',
];

async function createOrUpdate(deps: ResourcesDependencies, request: ArmRequest): Promise<ArmReply> {
  const [subscriptionId, name] = groupOf(request);
  requireGroupName(name);
  const body = isJsonObject(request.body) ? request.body : {};
  const sent = typeof body['location'] === 'string' ? body['location'] : '';
  if (sent.trim() === '') throw armErrors.LocationRequired();
  const found = await findResourceGroup(deps.state, subscriptionId, name);
  if (found !== undefined) requireUnchanging(found.value, sent);
  const location = findLocation(sent);
  if (location === undefined) throw locationNotAvailable(sent);
  const now = toIso(deps.clock.now());
  const tags = readTags(body['tags']);
  const group: ResourceGroup = {
    id: found?.value.id ?? resourceGroupId(subscriptionId, name),
    name: found?.value.name ?? name,
    location: location.name,
    ...(tags === undefined ? {} : { tags }),
    ...(typeof body['managedBy'] === 'string' ? { managedBy: body['managedBy'] } : {}),
    provisioningState: 'Succeeded',
    createdAt: found?.value.createdAt ?? now,
    changedAt: now,
  };
  await deps.state.commit({
    write: [writeRecord(resourceGroups, group.id.toLowerCase(), found?.version ?? null, group)],
  });
  return { status: found === undefined ? 201 : 200, body: showGroup(group) };
}

function requireUnchanging(held: ResourceGroup, sentLocation: string): void {
  if (held.provisioningState === 'Deleting') throw armErrors.ResourceGroupBeingDeleted(held.name);
  if (isSameLocation(held.location, sentLocation)) return;
  const text = `Invalid resource group location '${sentLocation}'. The Resource group already exists in location '${held.location}'.`;
  throw new ArmError(409, 'InvalidResourceGroupLocation', text);
}

async function update(deps: ResourcesDependencies, request: ArmRequest): Promise<ArmReply> {
  const found = await requireResourceGroup(deps.state, ...groupOf(request));
  if (found.value.provisioningState === 'Deleting') throw armErrors.ResourceGroupBeingDeleted(found.value.name);
  const body = isJsonObject(request.body) ? request.body : {};
  const tags = readTags(body['tags']);
  const group: ResourceGroup = {
    ...found.value,
    ...(tags === undefined ? {} : { tags }),
    ...(typeof body['managedBy'] === 'string' ? { managedBy: body['managedBy'] } : {}),
    changedAt: toIso(deps.clock.now()),
  };
  await deps.state.commit({ write: [writeRecord(resourceGroups, found.id, found.version, group)] });
  return { status: 200, body: showGroup(group) };
}

async function listGroups(deps: ResourcesDependencies, request: ArmRequest): Promise<ArmReply> {
  const filter = request.query.get('$filter') ?? '';
  const matches = filter.trim() === '' ? () => true : compileResourceFilter(parseFilter(filter));
  const mayRead = await deps.authorizer.decider(request.caller);
  const prefix = `/subscriptions/${(request.params['subscriptionId'] ?? '').toLowerCase()}/`;
  const records = await listIntact(deps.state, resourceGroups, prefix);
  const groups = records
    .map((record) => record.value)
    .filter((group) => matches({ ...group, type: groupType, resourceGroup: group.name }))
    .filter((group) => mayRead('action', 'Microsoft.Resources/subscriptions/resourceGroups/read', group.id).allowed);
  const idOf = (group: ResourceGroup): string => group.id.toLowerCase();
  const page = pageOf(request, sortedById(groups, idOf), idOf);
  return { status: 200, body: { ...page, value: page.value.map(showGroup) } };
}

const groupType = 'Microsoft.Resources/resourceGroups';

const showGroup = (group: ResourceGroup): JsonObject => ({
  id: group.id,
  name: group.name,
  type: groupType,
  location: group.location,
  ...(group.managedBy === undefined ? {} : { managedBy: group.managedBy }),
  ...(group.tags === undefined ? {} : { tags: group.tags }),
  properties: { provisioningState: group.provisioningState },
});

/** Azure's rule: 1 to 90 letters, digits, `-`, `.`, `_`, `(`, `)`; no dot at the end. Texts are Azure's in substance. */
function requireGroupName(name: string): void {
  const wrong = name.match(/[^\p{L}\p{N}._()-]/gu) ?? [];
  if (wrong.length > 0) {
    throw invalidName(
      `The provided resource group name '${name}' has these invalid characters: '${[...new Set(wrong)].join('')}'. ` +
        "The name can only be a letter, digit, '-', '.', '(', ')' or '_'.",
    );
  }
  if (name.length > 90)
    throw invalidName(`The provided resource group name '${name}' exceeds the maximum length of '90'.`);
  if (name.endsWith('.')) throw invalidName(`The provided resource group name '${name}' must not end with '.'.`);
}

const invalidName = (text: string): ArmError => new ArmError(400, 'InvalidResourceGroup', text);

const locationNotAvailable = (sent: string): ArmError =>
  new ArmError(
    400,
    'LocationNotAvailableForResourceGroup',
    `The provided location '${sent}' is not available for resource group. List of available regions is '${locations.map((location) => location.name).join(',')}'.`,
  );
