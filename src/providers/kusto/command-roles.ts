import type { AuditCaller, AuditEvent, RoleFacts } from '../../audit/audit-event.ts';
import type { AuditLog } from '../../audit/audit-log.ts';
import type { NamedPrincipal, PrincipalChange, RoleChange } from '../../authz/role-changes.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import { afterChange } from '../../authz/role-changes.ts';
import type { Guid } from '../../base/guid.ts';
import { toIso } from '../../clock/clock.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { listAssignments } from './assignment-store.ts';
import { scopeOfDatabase } from './assignment-writes.ts';
import { assignmentResources, databaseResources } from './child-records.ts';
import type { AssignmentResource, CommandRole, DatabaseResource } from './child-records.ts';
import { currentCluster, touchCluster } from './cluster-lookup.ts';
import { isSameRole, writeRoles } from './database-roles.ts';
import { namedPrincipals } from './named-principals.ts';
import { isUnderWay } from './operation-record.ts';
import type { KustoPorts } from './ports.ts';

/** Of one database. */
const rolesMax = 1_000;

/** Who changes a role, and where. The caller has been found to be allowed to. */
export interface RoleRequest {
  readonly clusterResourceId: string;
  readonly tenantId: Guid;
  readonly caller: AuditCaller;
  readonly requestId: Guid;
  /** Of a role on an entity: how far the change is. A role of the database changes with its event. */
  readonly status?: RoleFacts['status'];
}

/** `principals`: those that the command names. */
export type RoleOutcome =
  | { readonly outcome: 'done'; readonly principals: readonly NamedPrincipal[] }
  | { readonly outcome: 'refused'; readonly message: string };

type RolePorts = KustoPorts & { readonly audit: Pick<AuditLog, 'commit'> };

/** Changes a role of a database: its record, what the resource manager has assigned and loses, and the event are one commit. A role on an
 * entity, and who is blocked, changes in the process of the cluster; here its principals are found, and its event is recorded: `Started` before,
 * another one after. */
export async function changeRoles(
  ports: RolePorts,
  request: RoleRequest,
  change: PrincipalChange,
): Promise<RoleOutcome> {
  const { status = 'Succeeded' } = request;
  const changesHere = !('scope' in change) && change.entity === undefined;
  if (status !== 'Started' && !changesHere) {
    await ports.audit.commit({ events: [eventOf(ports, request, change, status)] });
    return { outcome: 'done', principals: [] };
  }
  const named = await namedPrincipals(ports, request.tenantId, change.principals, change.action === 'drop');
  if (typeof named === 'string') return refused(named);
  if (changesHere) return changeDatabaseRole(ports, request, change, named);
  await ports.audit.commit({ events: [eventOf(ports, request, change, status)] });
  return { outcome: 'done', principals: named };
}

async function changeDatabaseRole(
  ports: RolePorts,
  request: RoleRequest,
  change: RoleChange,
  named: readonly NamedPrincipal[],
): Promise<RoleOutcome> {
  try {
    return await retryOnConflict(() => tryDatabaseRole(ports, request, change, named));
  } catch (error) {
    if (error instanceof StateConflictError) return refused(underWay);
    throw error;
  }
}

const underWay = 'The database is being changed. Try again in a moment.';

async function tryDatabaseRole(
  ports: RolePorts,
  request: RoleRequest,
  change: RoleChange,
  named: readonly NamedPrincipal[],
): Promise<RoleOutcome> {
  const cluster = await currentCluster(ports, request.clusterResourceId);
  const id = `${request.clusterResourceId}/databases/${change.database}`.toLowerCase();
  const database = await ports.state.get(databaseResources, id);
  if (cluster === undefined || database === undefined) return refused('The database does not exist any more.');
  if (isUnderWay(database.value.properties.operation, ports.clock.now())) return refused(underWay);
  const assigned = await listAssignments(ports, scopeOfDatabase(database.value));
  const { write, roles, tooMany } = planned(assigned, database, change, named);
  if (tooMany) return refused(`Commands give at most ${rolesMax} roles in one database.`);
  await ports.audit.commit({
    events: [eventOf(ports, request, change, 'Succeeded')],
    write: [...write, writeRoles(database, roles), touchCluster(cluster)],
  });
  return { outcome: 'done', principals: named };
}

/** What the resource manager has assigned is one list with what commands give: whoever has a role by an assignment keeps it by that,
 * and an assignment whose role is dropped goes. */
function planned(
  assigned: readonly Versioned<AssignmentResource>[],
  database: Versioned<DatabaseResource>,
  change: RoleChange,
  named: readonly NamedPrincipal[],
): { readonly write: readonly StateWrite[]; readonly roles: readonly CommandRole[]; readonly tooMany: boolean } {
  const wanted = named.map(({ principalType, displayName, objectId, fqn }): CommandRole => {
    const { role, notes } = change;
    return { role, principalType, displayName, objectId, fqn, notes };
  });
  const goes = ({ value: { properties } }: Versioned<AssignmentResource>): boolean => {
    const isNamed = wanted.some((one) => isSameRole(one, properties));
    return change.action === 'drop' ? isNamed : change.action === 'set' && properties.role === change.role && !isNamed;
  };
  const staying = assigned.filter((one) => !goes(one)).map(({ value }) => value.properties);
  const held = database.value.properties.roles ?? [];
  const roles = afterChange(held, change, wanted).filter((one) => !staying.some((other) => isSameRole(one, other)));
  return {
    write: assigned.filter(goes).map(({ id, version }) => writeRecord(assignmentResources, id, version, null)),
    roles,
    tooMany: roles.length > rolesMax && roles.length > held.length,
  };
}

const refused = (message: string): RoleOutcome => ({ outcome: 'refused', message });

const eventOf = (
  { clock }: RolePorts,
  { clusterResourceId, requestId, caller }: RoleRequest,
  change: PrincipalChange,
  status: RoleFacts['status'],
): AuditEvent => ({
  time: toIso(clock.now()),
  ...{ requestId, correlationId: requestId, durationMs: 0 },
  facts: {
    kind: 'role',
    ...placeOf(clusterResourceId, change),
    operation: change.command,
    ...{ principals: change.principals, status, caller },
  },
});

/** What a change is about, and what is given or taken away there. */
function placeOf(clusterResourceId: string, change: PrincipalChange): Pick<RoleFacts, 'resourceId' | 'on' | 'role'> {
  if ('scope' in change) return { resourceId: clusterResourceId, on: 'cluster', role: 'Blocked' };
  const { database, entity, role } = change;
  return {
    resourceId: `${clusterResourceId}/Databases/${database}`,
    on: entity === undefined ? 'database' : `${entity.kind} ${entity.name}`,
    role,
  };
}
