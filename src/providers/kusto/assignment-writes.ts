import { parseGuid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { Guid } from '../../base/guid.ts';
import { toIso } from '../../clock/clock.ts';
import type { Caller } from '../../authz/caller.ts';
import { writeRecord } from '../../state/state.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { assignmentResources } from './child-records.ts';
import type { AssignmentProperties, AssignmentResource, DatabaseResource } from './child-records.ts';
import type { ChildResource, HeldOverrides } from './child-resource.ts';
import { kustoError } from './kusto-errors.ts';
import type { KnownPrincipal, KustoPorts, PrincipalType } from './ports.ts';

/** The thing that roles are assigned on. */
export interface AssignmentScope {
  readonly kind: 'cluster' | 'database';
  /** Resource id of the cluster or database, and its name (`cluster` or `cluster/database`). */
  readonly id: string;
  readonly name: string;
  /** Where a request named it. */
  readonly database?: Versioned<DatabaseResource>;
  /** Instead: the database is one that the cluster follows. */
  readonly followed?: FollowedScope;
}

export interface FollowedScope {
  /** By which it is followed. */
  readonly configuration: Versioned<ChildResource>;
  readonly databaseId: Guid;
  /** Of the configuration, for the databases that it has attached now. */
  readonly held: HeldOverrides;
}

export const scopeOfDatabase = (database: DatabaseResource): AssignmentScope => ({
  kind: 'database',
  id: database.id,
  name: database.name,
});

const types = {
  cluster: 'Microsoft.Kusto/Clusters/PrincipalAssignments',
  database: 'Microsoft.Kusto/Clusters/Databases/PrincipalAssignments',
} as const;

export const assignmentId = (scope: AssignmentScope, name: string): string =>
  `${scope.id}/PrincipalAssignments/${name}`;

export function newAssignment(
  ports: KustoPorts,
  scope: AssignmentScope,
  name: string,
  properties: AssignmentProperties,
): AssignmentResource {
  const now = toIso(ports.clock.now());
  return {
    id: assignmentId(scope, name),
    name: `${scope.name}/${name}`,
    type: types[scope.kind],
    properties,
    createdAt: now,
    changedAt: now,
  };
}

const writeNewAssignment = (assignment: AssignmentResource): StateWrite =>
  writeRecord(assignmentResources, assignment.id.toLowerCase(), null, assignment);

/** Whoever creates a database administers it; the assignment has a GUID as its name, as real ones of this kind have. */
export async function callerAssignment(
  ports: KustoPorts,
  caller: Caller,
  database: DatabaseResource,
): Promise<StateWrite> {
  const isUser = caller.user !== undefined;
  const principalId = caller.user?.principalName ?? caller.appId ?? caller.objectId;
  const known = await ports.findPrincipal(isUser ? 'User' : 'App', caller.objectId, caller.tenantId);
  const properties = {
    format: 1,
    principalId,
    principalType: isUser ? 'User' : 'App',
    role: 'Admin',
    tenantId: caller.tenantId,
    tenantName: known?.tenantName ?? '',
    principalName: known?.displayName ?? caller.displayName,
    aadObjectId: caller.objectId,
    ...(isUser || caller.appId === undefined ? {} : { appId: caller.appId }),
  } as const;
  return writeNewAssignment(newAssignment(ports, scopeOfDatabase(database), newGuid(ports.randomBytes), properties));
}

const kinds: Record<PrincipalType, string> = { App: 'AAD Application Id', Group: 'AAD Group Id', User: 'AAD User Id' };

/** @throws ArmError 400 when Entra ID knows no such principal */
export async function requirePrincipal(
  ports: KustoPorts,
  type: PrincipalType,
  id: string,
  tenantId: Guid,
): Promise<KnownPrincipal> {
  const known = await ports.findPrincipal(type, id, tenantId);
  if (known === undefined) throw kustoError('PrincipalNotFound', id.slice(0, 300), kinds[type], tenantId);
  return known;
}

/** @throws ArmError 400 for a tenant that is no GUID */
export function readTenant(value: unknown, fallback: Guid): Guid {
  if (value === undefined || value === null || value === '') return fallback;
  const tenantId = typeof value === 'string' ? parseGuid(value) : undefined;
  if (tenantId === undefined) throw kustoError('InvalidValue', 'tenantId', 'a GUID');
  return tenantId;
}
