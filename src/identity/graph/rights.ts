import type { Caller } from '../../authz/caller.ts';
import type { Directory } from '../principals/directory.ts';
import type { GraphRight } from '../principals/directory-roles.ts';
import { rightsOfMembers, rightsOfRoles } from '../principals/directory-roles.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphRequest } from './graph-operation.ts';

const forDirectory = ['Directory.AccessAsUser.All', 'Directory.ReadWrite.All'];

/** What a user must have let the application do, one of each: a right of the user alone is not enough.
 * @see Microsoft Graph "permissions reference", delegated permissions */
const scopesOf: Readonly<Record<GraphRight | 'self', readonly string[]>> = {
  self: [...forDirectory, 'User.Read', 'User.Read.All', 'User.ReadWrite.All', 'Directory.Read.All'],
  'directory.read': [...forDirectory, 'Directory.Read.All'],
  'application.create': [...forDirectory, 'Application.ReadWrite.All'],
  'application.write': [...forDirectory, 'Application.ReadWrite.All'],
  'group.create': [...forDirectory, 'Group.ReadWrite.All'],
  'group.write': [...forDirectory, 'Group.ReadWrite.All'],
  'user.write': [...forDirectory, 'User.ReadWrite.All'],
  'grants.write': [...forDirectory, 'AppRoleAssignment.ReadWrite.All', 'DelegatedPermissionGrant.ReadWrite.All'],
  'admins.write': ['Directory.AccessAsUser.All'],
};

/** Looked up with each request: a role that is taken away counts no more, whatever the token says. */
async function rightsOf(directory: Directory, caller: Caller): Promise<readonly GraphRight[]> {
  if (caller.user === undefined) {
    const principal = await directory.principals.get(caller.objectId);
    return rightsOfRoles(principal?.directoryRoles ?? []);
  }
  const user = await directory.users.get(caller.objectId);
  return [...rightsOfMembers, ...rightsOfRoles(user?.directoryRoles ?? [])];
}

/** Whether the caller has a right, and, acting for a user, was also let use it. */
export async function hasRight(directory: Directory, caller: Caller, right: GraphRight): Promise<boolean> {
  const isDelegated = caller.user === undefined || scopesOf[right].some((one) => caller.user?.scopes.includes(one));
  return isDelegated && (await rightsOf(directory, caller)).includes(right);
}

/** @throws GraphError 403 `Authorization_RequestDenied`; 400 for what only a user can ask */
export async function authorize(
  deps: GraphDependencies,
  operation: GraphOperation,
  request: GraphRequest,
): Promise<void> {
  const { caller } = request;
  const { right } = operation;
  if (right === 'self' && caller.user === undefined) throw graphErrors.delegatedOnly();
  const isDelegated = caller.user === undefined || scopesOf[right].some((one) => caller.user?.scopes.includes(one));
  if (!isDelegated) throw graphErrors.denied();
  if (right === 'self' || (await rightsOf(deps.directory, caller)).includes(right)) return;
  const owners = caller.user === undefined ? [] : ((await operation.owners?.(deps, request)) ?? []);
  if (!owners.includes(caller.objectId)) throw graphErrors.denied();
}
