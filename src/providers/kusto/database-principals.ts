import type { ClusterRole, DatabaseRole } from '../../authz/kusto-roles.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { listAssignments, rolesByCommands, writeAssignments } from './assignment-store.ts';
import { newAssignment, requirePrincipal } from './assignment-writes.ts';
import type { AssignmentScope } from './assignment-writes.ts';
import { requireChangeable, requireReadable } from './child-changes.ts';
import type { AssignmentProperties, AssignmentResource } from './child-records.ts';
import { touchCluster } from './cluster-lookup.ts';
import type { ClusterResource } from './cluster-record.ts';
import { bodyObject } from './cluster-store.ts';
import { asAssignment } from './database-roles.ts';
import { kustoError } from './kusto-errors.ts';
import type { KnownPrincipal, KustoPorts, PrincipalType } from './ports.ts';
import { assignmentScope, readPrincipalType, readRole } from './principal-assignments.ts';

/** The older way to say who may do what in a database; the same assignments behind it. */
export async function listPrincipals(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireReadable(ports, request, 'fetch principals');
  const scope = await assignmentScope(ports, request, cluster.value);
  const assigned = (await listAssignments(ports, scope)).map(({ value }) => value.properties);
  return principalsAnswer([...assigned, ...givenByCommands(scope)]);
}

/** This older way tells what holds in the database, which commands of the data plane change, too. */
const givenByCommands = (scope: AssignmentScope): readonly AssignmentProperties[] =>
  rolesByCommands(scope).map(asAssignment);

/** Adds what is not there yet, in one commit; a new assignment gets a GUID as its name. @returns all principals afterwards */
export async function addPrincipals(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireChangeable(ports, request, 'change principals');
  const scope = await assignmentScope(ports, request, cluster.value);
  const held = await listAssignments(ports, scope);
  const all = held.map(({ value }) => value.properties);
  const put: AssignmentResource[] = [];
  for (const wanted of await readPrincipals(ports, request, scope)) {
    if (all.some((one) => isSame(one, wanted))) continue;
    all.push(wanted);
    put.push(newAssignment(ports, scope, newGuid(ports.randomBytes), wanted));
  }
  await commitAny(ports, cluster, writeAssignments(scope, { put, roles: all }));
  return principalsAnswer([
    ...all,
    ...givenByCommands(scope).filter((one) => !all.some((other) => isSame(one, other))),
  ]);
}

/** Removing who is not there is no error. @returns all principals afterwards */
export async function removePrincipals(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireChangeable(ports, request, 'change principals');
  const scope = await assignmentScope(ports, request, cluster.value);
  const held = await listAssignments(ports, scope);
  const unwanted = await readPrincipals(ports, request, scope);
  const goes = ({ value }: Versioned<AssignmentResource>): boolean =>
    unwanted.some((one) => isSame(one, value.properties));
  await commitAny(ports, cluster, writeAssignments(scope, { drop: held.filter(goes), roles: unwanted }));
  return principalsAnswer([
    ...held.filter((one) => !goes(one)).map(({ value }) => value.properties),
    ...givenByCommands(scope).filter((one) => !unwanted.some((other) => isSame(one, other))),
  ]);
}

async function commitAny(
  ports: KustoPorts,
  cluster: Versioned<ClusterResource>,
  write: readonly StateWrite[],
): Promise<void> {
  if (write.length > 0) await ports.state.commit({ write: [...write, touchCluster(cluster)] });
}

const isSame = (left: AssignmentProperties, right: AssignmentProperties): boolean =>
  left.aadObjectId === right.aadObjectId && left.role === right.role;

const principalsMax = 100;

async function readPrincipals(
  ports: KustoPorts,
  request: ArmRequest,
  scope: AssignmentScope,
): Promise<readonly AssignmentProperties[]> {
  const { value } = bodyObject(request);
  if (!Array.isArray(value) || value.length > principalsMax)
    throw kustoError('InvalidValue', 'value', `a list of at most ${principalsMax} principals`);
  const found: AssignmentProperties[] = [];
  for (const item of value as readonly Json[]) {
    if (!isJsonObject(item)) throw kustoError('InvalidValue', 'value', 'a list of principals');
    const principalType = readPrincipalType(item, 'type');
    const role = readRole(item['role'], scope.kind);
    const principalId = idOf(item);
    const known = await requirePrincipal(ports, principalType, principalId, request.caller.tenantId);
    found.push(assignmentFor(known, { principalId, principalType, role }));
  }
  return found;
}

/** `appId`, the id inside `fqn` (`aadapp=id;tenant`), `email`, or `name`: what is filled in, in this order. */
function idOf(item: JsonObject): string {
  const { appId, fqn, email, name } = item;
  if (typeof appId === 'string' && appId !== '') return appId;
  const id = typeof fqn === 'string' ? /^aad(?:app|user|group)=([^;]+)/i.exec(fqn)?.[1] : undefined;
  if (id !== undefined) return id;
  if (typeof email === 'string' && email !== '') return email;
  if (typeof name === 'string' && name !== '') return name;
  throw kustoError('MissingProperty', 'name');
}

const assignmentFor = (
  known: KnownPrincipal,
  sent: {
    readonly principalId: string;
    readonly principalType: PrincipalType;
    readonly role: ClusterRole | DatabaseRole;
  },
): AssignmentProperties => ({
  format: 1,
  ...sent,
  tenantId: known.tenantId,
  tenantName: known.tenantName,
  principalName: known.displayName,
  aadObjectId: known.objectId,
  ...(known.appId === undefined ? {} : { appId: known.appId }),
});

const fqnKinds: Record<PrincipalType, string> = { App: 'aadapp', Group: 'aadgroup', User: 'aaduser' };

function principalsAnswer(all: readonly AssignmentProperties[]): ArmReply {
  const value = all.map(({ principalName, role, principalType, principalId, appId, tenantId, tenantName }) => ({
    name: principalName,
    role,
    type: principalType,
    fqn: `${fqnKinds[principalType]}=${appId ?? principalId};${tenantId}`,
    email: principalType === 'User' && principalId.includes('@') ? principalId : '',
    appId: appId ?? '',
    tenantName,
  }));
  return { status: 200, body: { value } };
}
