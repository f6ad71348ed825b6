import { Type } from '@sinclair/typebox';
import { ArmError } from '../../arm/arm-error.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { requireResourceGroup, resourceGroups } from '../../arm/resource-groups.ts';
import { parseResourceId } from '../../arm/resource-path.ts';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import { requireSubscription } from '../../arm/subscriptions.ts';
import { subscriptions } from '../../authz/subscription-record.ts';
import { readTags, tagsMax, tagsSchema } from '../../arm/tags.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { toIso } from '../../clock/clock.ts';
import type { StateWrite } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { ResourcesDependencies } from './resources-dependencies.ts';

type Tags = Readonly<Record<string, string>>;

/** What has tags, and how they are written there. */
interface Tagged {
  readonly tags: Tags;
  readonly write: (tags: Tags) => StateWrite;
}

const tagsBody = Type.Object({ properties: Type.Object({ tags: Type.Optional(tagsSchema) }) });

const changes = ['Merge', 'Replace', 'Delete'] as const;

const patchBody = Type.Object({
  operation: Type.Union(changes.map((change) => Type.Literal(change))),
  properties: tagsBody.properties.properties,
});

/** The tags of a subscription, group or resource as a resource of their own: who may change them need not be allowed more. */
export function tagsOperations(deps: ResourcesDependencies): readonly ArmOperation[] {
  const path = '{scope}/providers/Microsoft.Resources/tags/default';
  const action = (verb: string): string => `Microsoft.Resources/tags/${verb}`;
  return [
    {
      id: 'Tags_GetAtScope',
      method: 'GET',
      path,
      action: action('read'),
      handle: async (request) => show(request, (await requireTagged(deps, request)).tags),
    },
    {
      id: 'Tags_CreateOrUpdateAtScope',
      method: 'PUT',
      path,
      action: action('write'),
      body: { schema: tagsBody, required: true },
      handle: (request) => change(deps, request, () => sentTags(request.body)),
    },
    {
      id: 'Tags_UpdateAtScope',
      method: 'PATCH',
      path,
      action: action('write'),
      body: { schema: patchBody, required: true },
      handle: (request) => change(deps, request, (held) => patched(held, request.body)),
    },
    {
      id: 'Tags_DeleteAtScope',
      method: 'DELETE',
      path,
      action: action('delete'),
      handle: async (request) => {
        await change(deps, request, () => ({}));
        return { status: 200 };
      },
    },
  ];
}

function change(deps: ResourcesDependencies, request: ArmRequest, tagsAfter: (held: Tags) => Tags): Promise<ArmReply> {
  return retryOnConflict(async () => {
    const tagged = await requireTagged(deps, request);
    const tags = tagsAfter(tagged.tags);
    if (Object.keys(tags).length > tagsMax) {
      throw armErrors.InvalidRequestContent(`'tags' must NOT have more than ${tagsMax} properties`);
    }
    await deps.state.commit({ write: [tagged.write(tags)] });
    return show(request, tags);
  });
}

const show = (request: ArmRequest, tags: Tags): ArmReply => ({
  status: 200,
  body: {
    id: `${request.params['scope'] ?? ''}/providers/Microsoft.Resources/tags/default`,
    name: 'default',
    type: 'Microsoft.Resources/tags',
    properties: { tags },
  },
});

/** @throws ArmError 404 where there is nothing, 400 for what has no tags */
async function requireTagged(deps: ResourcesDependencies, request: ArmRequest): Promise<Tagged> {
  const scope = request.params['scope'] ?? '';
  const changedAt = toIso(deps.clock.now());
  const parsed = parseResourceId(scope);
  if (parsed !== undefined) {
    const found = await deps.state.get(armResources, resourceRecordId(scope));
    if (found === undefined) throw armErrors.ResourceNotFound(parsed.type, parsed.name, parsed.resourceGroupName);
    if (found.value.type.split('/').length > 2) throw hasNoTags(found.value.type);
    return {
      tags: found.value.tags ?? {},
      write: (tags) => writeRecord(armResources, found.id, found.version, { ...found.value, tags, changedAt }),
    };
  }
  const [, root, subscriptionId = '', groups, groupName, ...more] = scope.split('/');
  if (root?.toLowerCase() !== 'subscriptions' || more.length > 0) throw armErrors.InvalidRequestUri();
  if (groups === undefined || groupName === undefined) {
    const found = await requireSubscription(deps.state, subscriptionId);
    return {
      tags: found.value.tags ?? {},
      write: (tags) => writeRecord(subscriptions, found.id, found.version, { ...found.value, tags }),
    };
  }
  const found = await requireResourceGroup(deps.state, subscriptionId, groupName);
  return {
    tags: found.value.tags ?? {},
    write: (tags) => writeRecord(resourceGroups, found.id, found.version, { ...found.value, tags, changedAt }),
  };
}

const hasNoTags = (type: string): ArmError =>
  new ArmError(400, 'InvalidTagScope', `Resources of type '${type}' have no tags.`);

function sentTags(body: Json | undefined): Tags {
  const properties = isJsonObject(body) ? body['properties'] : undefined;
  return readTags(isJsonObject(properties) ? properties['tags'] : undefined) ?? {};
}

/** Names are compared without case; `Delete` takes a tag away whose value is the one sent, or any when none is. */
function patched(held: Tags, body: Json | undefined): Tags {
  const sent = sentTags(body);
  const operation = isJsonObject(body) ? body['operation'] : undefined;
  if (operation === 'Replace') return sent;
  const sentAs = (name: string): string | undefined =>
    Object.keys(sent).find((other) => other.toLowerCase() === name.toLowerCase());
  if (operation === 'Delete') {
    const stays = ([name, value]: readonly [string, string]): boolean => {
      const wanted = sentAs(name);
      return wanted === undefined || !(sent[wanted] === '' || sent[wanted] === value);
    };
    return Object.fromEntries(Object.entries(held).filter(stays));
  }
  const kept = Object.entries(held).filter(([name]) => sentAs(name) === undefined);
  return { ...Object.fromEntries(kept), ...sent };
}
