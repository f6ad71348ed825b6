import type { ClusterRole, DatabaseRole } from '../../authz/kusto-roles.ts';
import { clusterRoles, databaseRoles } from '../../authz/kusto-roles.ts';
import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { JsonObject } from '../../base/json.ts';
import { toIso } from '../../clock/clock.ts';
import { findAssignment, followedScope, listAssignments, writeAssignments } from './assignment-store.ts';
import { assignmentId, newAssignment, readTenant, requirePrincipal } from './assignment-writes.ts';
import type { AssignmentScope } from './assignment-writes.ts';
import {
  accepted,
  beginChildOperation,
  begun,
  childProvisioning,
  commitChild,
  requireChangeable,
  requireChildIdle,
  requestedClusterId,
  requireReadable,
} from './child-changes.ts';
import type { AssignmentProperties, AssignmentResource } from './child-records.ts';
import type { ClusterResource } from './cluster-record.ts';
import { addressOf, bodyObject, bodyProperties } from './cluster-store.ts';
import { findDatabase, requireDatabase } from './databases.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts, PrincipalType } from './ports.ts';

const nameOf = (request: ArmRequest): string => request.params['principalAssignmentName'] ?? '';

/** The path says whether the assignments of the cluster or of a database are meant. */
export async function assignmentScope(
  ports: KustoPorts,
  request: ArmRequest,
  cluster: ClusterResource,
): Promise<AssignmentScope> {
  const { databaseName } = request.params;
  const id = requestedClusterId(request);
  const { clusterName } = addressOf(request);
  if (databaseName === undefined) return { kind: 'cluster', id, name: clusterName };
  const scope = {
    kind: 'database',
    id: `${id}/Databases/${databaseName}`,
    name: `${clusterName}/${databaseName}`,
  } as const;
  const own = await findDatabase(ports, cluster, databaseName);
  const followed = own === undefined ? await followedScope(ports, cluster, databaseName) : undefined;
  if (followed !== undefined) return { ...scope, followed };
  return { ...scope, database: own ?? (await requireDatabase(ports, request, cluster)) };
}

export async function getAssignment(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireReadable(ports, request, 'fetch principal assignments');
  const scope = await assignmentScope(ports, request, cluster.value);
  const found = await findAssignment(ports, scope, nameOf(request));
  if (found === undefined) throw kustoError('ChildNotFound', assignmentId(scope, nameOf(request)));
  return { status: 200, body: show(ports, found.value) };
}

export async function readAssignments(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireReadable(ports, request, 'fetch principal assignments');
  const assignments = await listAssignments(ports, await assignmentScope(ports, request, cluster.value));
  return { status: 200, body: { value: assignments.map(({ value }) => show(ports, value)) } };
}

export async function putAssignment(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireChangeable(ports, request, 'change principal assignments');
  const scope = await assignmentScope(ports, request, cluster.value);
  const name = nameOf(request);
  requireAssignmentName(name);
  const wanted = await readAssignment(ports, request, scope);
  const found = await findAssignment(ports, scope, name);
  if (found !== undefined && isSameAssignment(found.value.properties, wanted))
    return { status: 200, body: showSent(found.value, 'Succeeded', request) };
  if (found !== undefined) requireChildIdle(found.value, ports.clock.now());
  const kind = scope.kind === 'cluster' ? 'ServicePrincipalAssignmentsAdd' : 'DatabaseAddPrincipals';
  const changes = found === undefined ? undefined : true;
  const id = found?.value.id ?? assignmentId(scope, name);
  const operation = await beginChildOperation(ports, request, cluster.value, kind, id, changes);
  const properties = { ...wanted, operation: operation.kept };
  const next =
    found === undefined
      ? newAssignment(ports, scope, name, properties)
      : { ...found.value, changedAt: toIso(ports.clock.now()), properties };
  const roles = [wanted, ...(found === undefined ? [] : [found.value.properties])];
  await commitChild(ports, cluster, operation, writeAssignments(scope, { put: [next], found, roles }));
  return found === undefined
    ? begun(request, operation, 201, showSent(next, 'Creating', request))
    : begun(request, operation, 200, showSent(next, 'Accepted', request));
}

export async function deleteAssignment(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireChangeable(ports, request, 'change principal assignments');
  const scope = await assignmentScope(ports, request, cluster.value);
  const found = await findAssignment(ports, scope, nameOf(request));
  if (found === undefined) return { status: 204 };
  requireChildIdle(found.value, ports.clock.now());
  const kind = scope.kind === 'cluster' ? 'ServicePrincipalAssignmentsDrop' : 'DatabaseDropPrincipals';
  const operation = await beginChildOperation(ports, request, cluster.value, kind, found.value.id);
  await commitChild(
    ports,
    cluster,
    operation,
    writeAssignments(scope, { drop: [found], roles: [found.value.properties] }),
  );
  return accepted(request, operation);
}

export async function checkAssignmentName(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireReadable(ports, request, 'fetch principal assignments');
  const scope = await assignmentScope(ports, request, cluster.value);
  const { name, type } = bodyObject(request);
  if (typeof name !== 'string') throw kustoError('MissingProperty', 'name');
  const expected =
    scope.kind === 'cluster'
      ? 'Microsoft.Kusto/clusters/principalAssignments'
      : 'Microsoft.Kusto/clusters/databases/principalAssignments';
  if (typeof type !== 'string' || type.toLowerCase() !== expected.toLowerCase())
    throw kustoError('InvalidValue', 'type', `'${expected}'`);
  if ((await findAssignment(ports, scope, name)) === undefined)
    return { status: 200, body: { name, nameAvailable: true, message: '' } };
  const place = scope.kind === 'cluster' ? 'cluster' : 'database';
  const message = `PrincipalAssignment ${name} already exists in ${place} ${scope.name.split('/').at(-1) ?? ''}. Please select a different name.`;
  return { status: 200, body: { name, nameAvailable: false, message } };
}

function requireAssignmentName(name: string): void {
  // eslint-disable-next-line no-control-regex -- control characters are what it looks for
  if (name.length < 1 || name.length > 260 || /[/\u0000-\u001f]/.test(name))
    throw kustoError('InvalidAssignmentName', name.slice(0, 300));
}

async function readAssignment(
  ports: KustoPorts,
  request: ArmRequest,
  scope: AssignmentScope,
): Promise<AssignmentProperties> {
  const sent = bodyProperties(bodyObject(request));
  const { principalId } = sent;
  if (typeof principalId !== 'string' || principalId === '') throw kustoError('MissingProperty', 'principalId');
  const principalType = readPrincipalType(sent, 'principalType');
  const role = readRole(sent['role'], scope.kind);
  const tenantId = readTenant(sent['tenantId'], request.caller.tenantId);
  const known = await requirePrincipal(ports, principalType, principalId, tenantId);
  return {
    format: 1,
    principalId,
    principalType,
    role,
    tenantId: known.tenantId,
    tenantName: known.tenantName,
    principalName: known.displayName,
    aadObjectId: known.objectId,
    ...(known.appId === undefined ? {} : { appId: known.appId }),
  };
}

const principalTypes = ['App', 'Group', 'User'] as const satisfies readonly PrincipalType[];

/** @throws ArmError 400 for anything but the three types, in any case */
export function readPrincipalType(sent: JsonObject, member: 'principalType' | 'type'): PrincipalType {
  const value = sent[member];
  if (value === undefined || value === null) throw kustoError('MissingProperty', member);
  const lower = typeof value === 'string' ? value.toLowerCase() : '';
  const found = principalTypes.find((type) => type.toLowerCase() === lower);
  if (found === undefined) throw kustoError('InvalidValue', member, "'App', 'Group' or 'User'");
  return found;
}

/** @throws ArmError 400 for a role that does not exist at this place */
export function readRole(value: unknown, kind: AssignmentScope['kind']): ClusterRole | DatabaseRole {
  if (value === undefined || value === null) throw kustoError('MissingProperty', 'role');
  const roles: readonly (ClusterRole | DatabaseRole)[] = kind === 'cluster' ? clusterRoles : databaseRoles;
  const found =
    typeof value === 'string' ? roles.find((role) => role.toLowerCase() === value.toLowerCase()) : undefined;
  if (found === undefined) throw kustoError('InvalidValue', 'role', roles.map((role) => `'${role}'`).join(' or '));
  return found;
}

const isSameAssignment = (left: AssignmentProperties, right: AssignmentProperties): boolean =>
  left.aadObjectId === right.aadObjectId &&
  left.role === right.role &&
  left.principalType === right.principalType &&
  left.principalId === right.principalId;

/** The answer to a PUT repeats what was sent and knows nothing of the principal yet, as recorded. */
const showSent = (
  { id, name, type, properties }: AssignmentResource,
  provisioningState: string,
  request: ArmRequest,
): Record<string, unknown> => {
  const { principalId, role, principalType, tenantId } = properties;
  const sent = bodyProperties(bodyObject(request))['tenantId'];
  const tenant = typeof sent === 'string' && sent !== '' ? { tenantId } : {};
  return { id, name, type, properties: { principalId, role, principalType, ...tenant, provisioningState } };
};

function show(ports: KustoPorts, { id, name, type, properties }: AssignmentResource): Record<string, unknown> {
  const { principalId, role, principalType, tenantId, tenantName, principalName, aadObjectId } = properties;
  const provisioningState = childProvisioning(properties.operation, ports.clock.now());
  return {
    id,
    name,
    type,
    properties: {
      principalId,
      role,
      principalType,
      tenantId,
      tenantName,
      principalName,
      aadObjectId,
      provisioningState,
    },
  };
}
