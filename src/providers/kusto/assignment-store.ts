import { sortedById } from '../../arm/paging.ts';
import type { DatabaseRole } from '../../authz/kusto-roles.ts';
import { isClusterRole } from '../../authz/kusto-roles.ts';
import type { OverridePrincipal } from '../../authz/follower-overrides.ts';
import { noOverrides } from '../../authz/follower-overrides.ts';
import { invariant } from '../../base/invariant.ts';
import type { JsonObject } from '../../base/json.ts';
import { writeRecord } from '../../state/state.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { assignmentId } from './assignment-writes.ts';
import type { AssignmentScope, FollowedScope } from './assignment-writes.ts';
import { assignmentResources } from './child-records.ts';
import type { AssignmentProperties, AssignmentResource } from './child-records.ts';
import { childResources } from './child-resource.ts';
import type { HeldOverride } from './child-resource.ts';
import type { ClusterResource } from './cluster-record.ts';
import { listChildren } from './cluster-store.ts';
import { dropCommandRoles, isSameRole } from './database-roles.ts';
import { findFollowed } from './followed-databases.ts';
import { heldOverrides, requireFewEntries } from './follower-overrides.ts';
import { fqnOf } from './named-principals.ts';
import type { KustoPorts } from './ports.ts';

/** What a cluster follows under a name, for changes to its assignments. They stand in the record of the configuration by which it follows, by
 * the database's id: detached, they are gone, and they are nobody's in another database of that name. */
export async function followedScope(
  ports: KustoPorts,
  cluster: ClusterResource,
  name: string,
): Promise<FollowedScope | undefined> {
  const followed = await findFollowed(ports, cluster, name);
  const id = followed?.configuration.id.toLowerCase();
  const configuration = id === undefined ? undefined : await ports.state.get(childResources, id);
  if (followed === undefined || configuration === undefined) return undefined;
  const held = await heldOverrides(ports, cluster, configuration.value);
  return { configuration, databaseId: followed.database.properties.databaseId, held };
}

export async function findAssignment(
  ports: KustoPorts,
  scope: AssignmentScope,
  name: string,
): Promise<Versioned<AssignmentResource> | undefined> {
  const id = assignmentId(scope, name).toLowerCase();
  if (scope.followed === undefined) return ports.state.get(assignmentResources, id);
  return assignedBy(scope, scope.followed).find((one) => one.id === id);
}

export async function listAssignments(
  ports: KustoPorts,
  scope: AssignmentScope,
): Promise<readonly Versioned<AssignmentResource>[]> {
  if (scope.followed !== undefined) return assignedBy(scope, scope.followed);
  const prefix = `${scope.id}/principalAssignments/`.toLowerCase();
  const found: Versioned<AssignmentResource>[] = [];
  for (const { id } of await listChildren(ports.state, prefix)) {
    const assignment = await ports.state.get(assignmentResources, id);
    if (assignment !== undefined) found.push(assignment);
  }
  return found;
}

/** Under the name that the database has now. */
function assignedBy(
  scope: AssignmentScope,
  { configuration, ...followed }: FollowedScope,
): readonly Versioned<AssignmentResource>[] {
  const found = heldBy(followed).assignments ?? [];
  const named = found.map((value) => {
    const name = value.name.split('/').at(-1) ?? '';
    const isThere = value.id.toLowerCase() === assignmentId(scope, name).toLowerCase();
    const shown = isThere ? value : { ...value, id: assignmentId(scope, name), name: `${scope.name}/${name}` };
    return { id: shown.id.toLowerCase(), version: configuration.version, value: shown };
  });
  return sortedById(named, ({ id }) => id);
}

const heldBy = ({ held, databaseId }: Pick<FollowedScope, 'held' | 'databaseId'>): HeldOverride =>
  held[databaseId] ?? noOverrides;

/** Roles that commands have given there. */
export const rolesByCommands = ({ database, followed }: AssignmentScope): readonly OverridePrincipal[] =>
  followed === undefined ? (database?.value.properties.roles ?? []) : heldBy(followed).principals;

export interface AssignmentChange {
  /** New, or instead of the one with the same id. */
  readonly put?: readonly AssignmentResource[];
  readonly drop?: readonly Versioned<AssignmentResource>[];
  /** As they were read: what is put replaces them. */
  readonly found?: Versioned<AssignmentResource> | undefined;
  /** Who loses a role, or has it by an assignment from now on: by no command any more. */
  readonly roles: readonly AssignmentProperties[];
}

/** @throws ArmError 400 when the configuration of a followed database would hold too many */
export function writeAssignments(scope: AssignmentScope, change: AssignmentChange): readonly StateWrite[] {
  if (scope.followed !== undefined) return writeFollowed(scope.followed, scope, change);
  const { put = [], drop = [], found, roles } = change;
  return [
    ...put.map((one) => writeRecord(assignmentResources, one.id.toLowerCase(), found?.version ?? null, one)),
    ...drop.map(({ id, version }) => writeRecord(assignmentResources, id, version, null)),
    ...dropCommandRoles(scope.database, roles),
  ];
}

function writeFollowed(
  followed: FollowedScope,
  scope: AssignmentScope,
  { put = [], drop = [], roles }: AssignmentChange,
): readonly StateWrite[] {
  const { configuration, databaseId, held } = followed;
  const before = heldBy(followed);
  const principals = before.principals.filter((one) => !roles.some((other) => isSameRole(one, other)));
  const isSame = put.length + drop.length === 0 && principals.length === before.principals.length;
  if (isSame) return [];
  const goes = new Set([...put.map(({ id }) => id.toLowerCase()), ...drop.map(({ id }) => id)]);
  const stays = assignedBy(scope, followed).filter(({ id }) => !goes.has(id));
  const after = { ...before, principals, assignments: [...stays.map(({ value }) => value), ...put] };
  const overrides = { ...held, [databaseId]: after };
  requireFewEntries(overrides, held);
  const { value: child, id, version } = configuration;
  const properties = { ...child.properties, overrides: overrides as typeof overrides & JsonObject };
  return [writeRecord(childResources, id, version, { ...child, properties })];
}

/** As if a command of the follower had given it. */
export function asOverride({ properties }: AssignmentResource): OverridePrincipal {
  const { role, principalType, principalName, aadObjectId, appId, tenantId } = properties;
  invariant(isDatabaseRole(role), 'an assignment in a database gives a role of databases');
  const fqn = fqnOf(principalType, appId ?? aadObjectId, tenantId);
  return { role, principalType, displayName: principalName, objectId: aadObjectId, fqn, notes: '' };
}

const isDatabaseRole = (role: AssignmentProperties['role']): role is DatabaseRole => !isClusterRole(role);
