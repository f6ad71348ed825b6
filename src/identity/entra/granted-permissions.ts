import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Application } from '../principals/application.ts';
import type { Directory } from '../principals/directory.ts';
import { firstPartyScopes } from '../principals/first-party.ts';
import type { User } from '../principals/user.ts';
import type { Resource } from './resources.ts';

type Held = Pick<Directory, 'appRoleAssignments' | 'permissionGrants' | 'memberships' | 'principals'>;

/** `roles` of an application's own token: values of roles that are enabled, for applications, and assigned to it itself. */
export const rolesOfPrincipal = (directory: Held, principalId: Guid, resource: Resource): Promise<readonly string[]> =>
  rolesOf(directory, [principalId], resource, 'Application');

/** `roles` of a user's token: assigned to the user, or to a group that the user is a member of. Groups inside groups do not count. */
export async function rolesOfUser(directory: Held, user: User, resource: Resource): Promise<readonly string[]> {
  if (resource.application === undefined) return [];
  const groups = await directory.memberships.directGroupsOf(user.objectId);
  return rolesOf(directory, [user.objectId, ...groups], resource, 'User');
}

async function rolesOf(
  directory: Held,
  holders: readonly Guid[],
  { application, principalId }: Resource,
  memberType: string,
): Promise<readonly string[]> {
  if (application === undefined || application.appRoles.length === 0) return [];
  const held = (await Promise.all(holders.map((one) => directory.appRoleAssignments.ofHolder(one)))).flat();
  const assigned = new Set(held.filter((one) => one.resourceId === principalId).map((one) => one.appRoleId));
  const values = application.appRoles
    .filter((role) => role.isEnabled && role.allowedMemberTypes.includes(memberType) && assigned.has(role.id))
    .flatMap(({ value }) => value ?? []);
  return [...new Set(values)];
}

/** More are not in a JWT, but where they can be asked for. */
const groupsMax = 200;

/** The claims that tell a user's groups, as the application that the token is for wishes it. `DirectoryRole` alone names none: those roles
 * are in `wids`. @see Microsoft Learn "Configure group claims for applications" */
export async function groupClaims(
  directory: Held,
  user: Pick<User, 'objectId' | 'tenantId'>,
  { application, principalId }: { readonly application?: Application; readonly principalId?: Guid },
): Promise<JsonObject> {
  const wished = (application?.groupMembershipClaims ?? 'None').split(',').map((one) => one.trim());
  const ofApplication = wished.includes('ApplicationGroup');
  if (!ofApplication && !wished.includes('SecurityGroup') && !wished.includes('All')) return {};
  const groups = ofApplication
    ? await assignedGroups(directory, user.objectId, principalId)
    : await directory.memberships.groupsOf(user.objectId);
  if (groups.length === 0) return {};
  if (groups.length <= groupsMax) return { groups: [...groups].sort() };
  const endpoint = `https://graph.windows.net/${user.tenantId}/users/${user.objectId}/getMemberObjects`;
  return { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint } } };
}

/** The user's groups to which the application is assigned. */
async function assignedGroups(directory: Held, userId: Guid, principalId: Guid | undefined): Promise<readonly Guid[]> {
  const groups = await directory.memberships.directGroupsOf(userId);
  const assigned = await Promise.all(
    groups.map(async (group) =>
      (await directory.appRoleAssignments.ofHolder(group)).some((one) => one.resourceId === principalId),
    ),
  );
  return groups.filter((_, at) => assigned[at]);
}

/** What an application may do for a user at an application of the tenant, or at a service that its consents name: by preauthorization, and
 * by what was consented to for everybody or for this user. */
export async function grantedScopes(
  directory: Held,
  client: { readonly appId: Guid; readonly tenantId: Guid },
  user: Guid,
  resource: Resource,
): Promise<readonly string[]> {
  const { application, principalId } = resource;
  const enabled = application?.permissionScopes.filter(({ isEnabled }) => isEnabled) ?? [];
  const preAuthorized = application?.preAuthorized.find(({ appId }) => appId === client.appId)?.permissionIds ?? [];
  const principal = await directory.principals.findByAppId(client.tenantId, client.appId);
  const grants = principal === undefined ? [] : await directory.permissionGrants.ofHolder(principal.objectId);
  const consented = grants
    .filter((grant) => grant.resourceId === principalId && (grant.principalId ?? user) === user)
    .flatMap(({ scope }) => scope.split(' '));
  const existing = application === undefined ? firstPartyScopes(resource.appId) : enabled.map(({ value }) => value);
  const exists = (name: string): boolean => existing.some((one) => one.toLowerCase() === name.toLowerCase());
  const named = enabled.filter(({ id }) => preAuthorized.includes(id)).map(({ value }) => value);
  return [...new Set([...named, ...consented.filter(exists)])];
}
