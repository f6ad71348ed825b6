import { newGuid } from '../../base/new-guid.ts';
import { parseGuid } from '../../base/guid.ts';
import type { Group } from '../principals/group.ts';
import { BodyReader, readReference } from './body.ts';
import { listReply, showReply } from './collection.ts';
import { directoryObjects, groups, requireGroup, showObjects } from './entity-sets.ts';
import { showGroup } from './entity-views.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphRequest } from './graph-operation.ts';
import { createdReply, noContent } from './graph-operation.ts';
import { ownersOfGroup } from './owner-operations.ts';

/** Security groups, their members and owners. Groups with mail or rules are not built. */
export const groupOperations: readonly GraphOperation[] = [
  {
    id: 'Groups_List',
    method: 'GET',
    path: '/groups',
    right: 'directory.read',
    handle: async ({ directory }, request) => {
      const all = await directory.groups.list(request.caller.tenantId);
      return listReply(request, groups, all.map(showGroup), '/groups');
    },
  },
  {
    id: 'Groups_Create',
    method: 'POST',
    path: '/groups',
    right: 'group.create',
    handle: async (deps, request) => {
      const { tenantId } = request.caller;
      if (!(await deps.directory.hasRoom(tenantId))) throw graphErrors.quota();
      const group = readNewGroup(deps, request);
      await deps.directory.groups.create(group);
      return createdReply('groups', 'Group', tenantId, showGroup(group));
    },
  },
  {
    id: 'Groups_Get',
    method: 'GET',
    path: '/groups/{id}',
    right: 'directory.read',
    handle: async (deps, request) => showReply(request, groups, showGroup(await requireGroup(deps, request))),
  },
  {
    id: 'Groups_Update',
    method: 'PATCH',
    path: '/groups/{id}',
    right: 'group.write',
    owners: ownersOfGroup,
    handle: async (deps, request) => {
      const { objectId } = await requireGroup(deps, request);
      const body = new BodyReader(request.body, 'Group');
      body.refuseOthers(['displayName', 'description', 'mailNickname'], notBuilt);
      const displayName = body.has('displayName') ? body.requiredText('displayName') : undefined;
      const mailNickname = body.has('mailNickname') ? body.requiredText('mailNickname', 64) : undefined;
      const description = body.text('description');
      await deps.directory.groups.update(objectId, (group) => ({
        ...group,
        displayName: displayName ?? group.displayName,
        mailNickname: mailNickname ?? group.mailNickname,
        description: body.has('description') ? description : group.description,
      }));
      return noContent;
    },
  },
  {
    id: 'Groups_Delete',
    method: 'DELETE',
    path: '/groups/{id}',
    right: 'group.write',
    owners: ownersOfGroup,
    handle: async (deps, request) => {
      await deps.directory.remove((await requireGroup(deps, request)).objectId);
      return noContent;
    },
  },
  {
    id: 'Groups_ListMembers',
    method: 'GET',
    path: '/groups/{id}/members',
    right: 'directory.read',
    handle: async (deps, request) => {
      const { objectId, tenantId } = await requireGroup(deps, request);
      const members = await showObjects(deps, tenantId, await deps.directory.memberships.membersOf(objectId));
      return listReply(request, directoryObjects, members, `/groups/${objectId}/members`);
    },
  },
  {
    id: 'Groups_AddMember',
    method: 'POST',
    path: '/groups/{id}/members/$ref',
    right: 'group.write',
    owners: ownersOfGroup,
    handle: async (deps, request) => {
      const { objectId, tenantId } = await requireGroup(deps, request);
      const memberId = readReference(request);
      const member = await deps.directory.find(tenantId, memberId);
      if (member === undefined || memberId === objectId) throw graphErrors.notFound(memberId);
      if (member.kind === 'application') throw graphErrors.invalidValue('members', 'Group');
      if (!(await deps.directory.memberships.add(objectId, memberId))) throw graphErrors.referenceExists('members');
      return noContent;
    },
  },
  {
    id: 'Groups_RemoveMember',
    method: 'DELETE',
    path: '/groups/{id}/members/{memberId}/$ref',
    right: 'group.write',
    owners: ownersOfGroup,
    handle: async (deps, request) => {
      const { objectId } = await requireGroup(deps, request);
      const memberId = parseGuid(request.params['memberId'] ?? '');
      const removed = memberId !== undefined && (await deps.directory.memberships.remove(objectId, memberId));
      if (!removed) throw graphErrors.notFound(request.params['memberId'] ?? '');
      return noContent;
    },
  },
];

const known = ['displayName', 'description', 'mailNickname', 'mailEnabled', 'securityEnabled', 'groupTypes'];
const notBuilt = [
  ...['visibility', 'isAssignableToRole', 'membershipRule', 'membershipRuleProcessingState', 'owners@odata.bind'],
  ...[
    'members@odata.bind',
    'classification',
    'preferredDataLocation',
    'theme',
    'resourceBehaviorOptions',
    'groupTypes',
  ],
];

function readNewGroup(deps: GraphDependencies, request: GraphRequest): Group {
  const body = new BodyReader(request.body, 'Group');
  body.refuseOthers(known, notBuilt);
  const displayName = body.requiredText('displayName');
  const mailNickname = body.requiredText('mailNickname', 64);
  const [mailEnabled, securityEnabled] = [body.flag('mailEnabled'), body.flag('securityEnabled')];
  if (mailEnabled === undefined) throw graphErrors.required('mailEnabled', 'Group');
  if (securityEnabled === undefined) throw graphErrors.required('securityEnabled', 'Group');
  if (mailEnabled || !securityEnabled || (body.list('groupTypes') ?? []).length > 0)
    throw graphErrors.notBuilt('groups other than security groups');
  return {
    ...{ objectId: newGuid(deps.randomBytes), tenantId: request.caller.tenantId, displayName, mailNickname },
    description: body.text('description'),
    owners: request.caller.user === undefined ? [] : [request.caller.objectId],
    createdAt: deps.wallClock(),
  };
}
