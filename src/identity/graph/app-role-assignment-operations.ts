import { toBase64Url } from '../../base/base64url.ts';
import { parseGuid, zeroGuid } from '../../base/guid.ts';
import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { AppRoleAssignment } from '../principals/assignments.ts';
import type { Principal } from '../principals/principal.ts';
import { BodyReader } from './body.ts';
import type { EntitySet } from './collection.ts';
import { listReply, showReply } from './collection.ts';
import { requireGroup, requirePrincipal, requireUser } from './entity-sets.ts';
import { graphTime } from './entity-views.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphReply, GraphRequest } from './graph-operation.ts';
import { entityReply, noContent } from './graph-operation.ts';

type Holder = { readonly objectId: Guid; readonly tenantId: Guid };

/** Whose assignments a path names: of a user, a group or a service principal, or of all to one application. */
interface Side {
  readonly set: 'users' | 'groups' | 'servicePrincipals';
  readonly name: 'appRoleAssignments' | 'appRoleAssignedTo';
  readonly require: (deps: GraphDependencies, request: GraphRequest) => Promise<Holder>;
}

const sides: readonly Side[] = [
  { set: 'users', name: 'appRoleAssignments', require: requireUser },
  { set: 'groups', name: 'appRoleAssignments', require: requireGroup },
  { set: 'servicePrincipals', name: 'appRoleAssignments', require: requirePrincipal },
  { set: 'servicePrincipals', name: 'appRoleAssignedTo', require: requirePrincipal },
];

/** Who has which role of an application. @see Microsoft Graph "appRoleAssignment resource type" */
export const appRoleAssignmentOperations: readonly GraphOperation[] = sides.flatMap((side) => {
  const path = `/${side.set}/{id}/${side.name}`;
  const id = (verb: string): string =>
    `${side.set.charAt(0).toUpperCase()}${side.set.slice(1)}_${verb}${side.name.charAt(0).toUpperCase()}${side.name.slice(1)}`;
  const rows: readonly GraphOperation[] = [
    {
      id: id('List'),
      method: 'GET',
      path,
      right: 'directory.read',
      handle: (deps, request) => list(deps, request, side),
    },
    {
      id: id('Create'),
      method: 'POST',
      path,
      right: 'grants.write',
      handle: (deps, request) => create(deps, request, side),
    },
    {
      id: id('Get'),
      method: 'GET',
      path: `${path}/{assignmentId}`,
      right: 'directory.read',
      handle: async (deps, request) => {
        const holder = await side.require(deps, request);
        const { shown } = await requireAssignment(deps, request, holder, side);
        return showReply(request, setOf(holder, side), shown);
      },
    },
    {
      id: id('Delete'),
      method: 'DELETE',
      path: `${path}/{assignmentId}`,
      right: 'grants.write',
      handle: async (deps, request) => {
        const { assignment } = await requireAssignment(deps, request, await side.require(deps, request), side);
        await deps.directory.appRoleAssignments.change(assignment, () => undefined);
        return noContent;
      },
    },
  ];
  return rows;
});

const setOf = ({ objectId }: Holder, { set, name }: Side): EntitySet => ({
  set: `${set}('${objectId}')/${name}`,
  resource: 'AppRoleAssignment',
  filterable: new Set(['id', 'resourceId', 'principalId', 'principalType', 'appRoleId', 'principalDisplayName']),
});

interface Shown {
  readonly assignment: AppRoleAssignment;
  readonly shown: JsonObject;
}

async function assignmentsOf(deps: GraphDependencies, holder: Holder, { name }: Side): Promise<readonly Shown[]> {
  const { appRoleAssignments } = deps.directory;
  const found =
    name === 'appRoleAssignments'
      ? await appRoleAssignments.ofHolder(holder.objectId)
      : (await appRoleAssignments.all(holder.tenantId)).filter(({ resourceId }) => resourceId === holder.objectId);
  const shown = await Promise.all([...found].sort(byId).map((one) => show(deps, one)));
  return shown.filter((one) => one !== undefined);
}

const byId = (left: AppRoleAssignment, right: AppRoleAssignment): number => (left.id < right.id ? -1 : 1);

async function list(deps: GraphDependencies, request: GraphRequest, side: Side): Promise<GraphReply> {
  const holder = await side.require(deps, request);
  const found = await assignmentsOf(deps, holder, side);
  const path = `/${side.set}/${holder.objectId}/${side.name}`;
  return listReply(
    request,
    setOf(holder, side),
    found.map(({ shown }) => shown),
    path,
  );
}

/** @throws GraphError 404 */
async function requireAssignment(
  deps: GraphDependencies,
  request: GraphRequest,
  holder: Holder,
  side: Side,
): Promise<Shown> {
  const id = request.params['assignmentId'] ?? '';
  const found = (await assignmentsOf(deps, holder, side)).find(({ assignment }) => assignment.id === id);
  if (found === undefined) throw graphErrors.notFound(id);
  return found;
}

async function create(deps: GraphDependencies, request: GraphRequest, side: Side): Promise<GraphReply> {
  const holder = await side.require(deps, request);
  const body = new BodyReader(request.body, 'AppRoleAssignment');
  body.refuseOthers(['principalId', 'resourceId', 'appRoleId', 'id', 'principalType'], []);
  const [principalId, resourceId, appRoleId] = ['principalId', 'resourceId', 'appRoleId'].map((name) => {
    const id = parseGuid(body.requiredText(name));
    if (id === undefined) throw graphErrors.invalidValue(name, 'AppRoleAssignment');
    return id;
  });
  const isHolder = (side.name === 'appRoleAssignments' ? principalId : resourceId) === holder.objectId;
  if (principalId === undefined || resourceId === undefined || appRoleId === undefined || !isHolder)
    throw graphErrors.invalidValue(
      side.name === 'appRoleAssignments' ? 'principalId' : 'resourceId',
      'AppRoleAssignment',
    );
  const resource = await deps.directory.principals.get(resourceId);
  if (resource?.tenantId !== holder.tenantId || resource.kind !== 'application') throw graphErrors.notFound(resourceId);
  await requireRole(deps, resource, principalId, appRoleId);
  const present = await deps.directory.appRoleAssignments.ofHolder(principalId);
  if (present.some((one) => one.resourceId === resourceId && one.appRoleId === appRoleId))
    throw graphErrors.badRequest('Permission being assigned already exists on the object');
  const assignment: AppRoleAssignment = {
    id: toBase64Url(deps.randomBytes(32)),
    ...{ holderId: principalId, resourceId, tenantId: holder.tenantId, appRoleId, createdAt: deps.wallClock() },
  };
  if (!(await deps.directory.appRoleAssignments.add(assignment))) throw graphErrors.quota();
  const shown = await show(deps, assignment);
  if (shown === undefined) throw graphErrors.notFound(principalId);
  return { ...entityReply(setOf(holder, side).set, shown.shown), status: 201 };
}

/** The role has to be the resource's, and for what the principal is. @throws GraphError */
async function requireRole(
  { directory }: GraphDependencies,
  resource: Principal,
  principalId: Guid,
  appRoleId: Guid,
): Promise<void> {
  const found = await directory.find(resource.tenantId, principalId);
  if (found === undefined || found.kind === 'application') throw graphErrors.notFound(principalId);
  if (appRoleId === zeroGuid) return;
  const application = await directory.applications.findByName(resource.tenantId, resource.appId);
  const role = application?.appRoles.find(({ id, isEnabled }) => id === appRoleId && isEnabled);
  const memberType = found.kind === 'servicePrincipal' ? 'Application' : 'User';
  if (role?.allowedMemberTypes.includes(memberType) !== true)
    throw graphErrors.badRequest('Permission being assigned was not found on application');
}

const principalTypes = { user: 'User', group: 'Group', servicePrincipal: 'ServicePrincipal' } as const;

/** @returns undefined when who has it is gone */
async function show({ directory }: GraphDependencies, assignment: AppRoleAssignment): Promise<Shown | undefined> {
  const found = await directory.find(assignment.tenantId, assignment.holderId);
  const resource = await directory.principals.get(assignment.resourceId);
  if (found === undefined || found.kind === 'application' || resource === undefined) return undefined;
  const shown = {
    id: assignment.id,
    deletedDateTime: null,
    appRoleId: assignment.appRoleId,
    createdDateTime: graphTime(assignment.createdAt),
    principalDisplayName: found.object.displayName,
    principalId: assignment.holderId,
    principalType: principalTypes[found.kind],
    resourceDisplayName: resource.displayName,
    resourceId: assignment.resourceId,
  };
  return { assignment, shown };
}
