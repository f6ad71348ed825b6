import { Type } from '@sinclair/typebox';
import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { FilterTerm } from '../../arm/filter.ts';
import { parseFilter, unsupportedTerm } from '../../arm/filter.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import type { Attributes } from '../../authz/conditions/evaluate.ts';
import { parseCondition } from '../../authz/conditions/parse.ts';
import { customRoleRecordId, customRoles, isAssignableAt } from '../../authz/custom-roles.ts';
import type { RoleAssignment } from '../../authz/decide.ts';
import { isScopeWithin, subscriptionOfScope } from '../../authz/decide.ts';
import type { Authorizer } from '../../authz/role-assignments.ts';
import { assignmentsInTenant, roleAssignmentRecordId, roleAssignments } from '../../authz/role-assignments.ts';
import { findRoleDefinition } from '../../authz/role-definitions.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Clock } from '../../clock/clock.ts';
import { toIso } from '../../clock/clock.ts';
import { listIntact } from '../../state/list-all.ts';
import type { State, StateWrite, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { authorizationErrors } from './authorization-errors.ts';
import { requireTopResource } from './existing-scope.ts';
import { roleDefinitionResourceId } from './role-definition-operations.ts';

export interface AuthorizationDependencies {
  readonly state: State;
  readonly clock: Clock;
  readonly authorizer: Authorizer;
  /** What kind of principal an object id is; undefined when the tenant has none with it. */
  readonly principalType: (objectId: Guid, tenantId: Guid) => Promise<RoleAssignment['principalType'] | undefined>;
  /** Whether a user has that role of the directory now, whatever its token says. */
  readonly isGlobalAdministrator: (objectId: Guid, tenantId: Guid) => Promise<boolean>;
}

const putBody = Type.Object({
  properties: Type.Object({
    roleDefinitionId: Type.String({ maxLength: 1024 }),
    principalId: Type.String({ maxLength: 64 }),
  }),
});

export function roleAssignmentOperations(deps: AuthorizationDependencies): readonly ArmOperation[] {
  const list = '{scope}/providers/Microsoft.Authorization/roleAssignments';
  const path = `${list}/{roleAssignmentName}`;
  const action = (verb: string): string => `Microsoft.Authorization/roleAssignments/${verb}`;
  return [
    {
      id: 'RoleAssignments_Create',
      method: 'PUT',
      path,
      action: action('write'),
      body: { schema: putBody, required: true },
      attributes: (request) => Promise.resolve({ request: sentAttributes(propertiesOf(request.body)) }),
      handle: (request) => retryOnConflict(() => putAssignment(deps, request)),
    },
    {
      id: 'RoleAssignments_Get',
      method: 'GET',
      path,
      action: action('read'),
      handle: async (request) => {
        const found = await findAssignment(deps, request);
        if (found === undefined)
          throw authorizationErrors.RoleAssignmentNotFound(request.params['roleAssignmentName'] ?? '');
        return { status: 200, body: showAssignment(found.value) };
      },
    },
    {
      id: 'RoleAssignments_Delete',
      method: 'DELETE',
      path,
      action: action('delete'),
      attributes: async (request) => {
        const found = await findAssignment(deps, request);
        return found === undefined ? {} : { resource: attributesOf(found.value) };
      },
      handle: (request) => retryOnConflict(() => deleteAssignment(deps, request)),
    },
    {
      id: 'RoleAssignments_ListForScope',
      method: 'GET',
      path: list,
      action: action('read'),
      handle: (request) => listAssignments(deps, request),
    },
  ];
}

const scopeOf = (request: ArmRequest): string => request.params['scope'] ?? '/';

async function findAssignment(
  deps: AuthorizationDependencies,
  request: ArmRequest,
): Promise<Versioned<RoleAssignment> | undefined> {
  const id = parseGuid(request.params['roleAssignmentName'] ?? '');
  const all = await assignmentsInTenant(deps.state, request.caller.tenantId);
  return all.find(({ value }) => value.assignmentId === id && isSameScope(value.scope, scopeOf(request)));
}

const isSameScope = (left: string, right: string): boolean => isScopeWithin(left, right) && isScopeWithin(right, left);

async function putAssignment(deps: AuthorizationDependencies, request: ArmRequest): Promise<ArmReply> {
  const name = request.params['roleAssignmentName'] ?? '';
  const assignmentId = parseGuid(name);
  if (assignmentId === undefined) throw authorizationErrors.InvalidRoleAssignmentId(name);
  const scope = scopeOf(request);
  await requireTopResource(deps.state, scope);
  const sent = propertiesOf(request.body);
  requireNoDelegation(sent);
  const condition = readCondition(sent);
  const { roleDefinitionId, touched } = await readRole(deps, sent['roleDefinitionId'], scope, request.caller.tenantId);
  const { principalId, principalType } = await readPrincipal(deps, sent, request.caller.tenantId);
  const { tenantId } = request.caller;
  const all = await assignmentsInTenant(deps.state, tenantId);
  const sameId = all.find(({ value }) => value.assignmentId === assignmentId);
  const isSame = ({ value }: Versioned<RoleAssignment>): boolean =>
    value.principalId === principalId && value.roleDefinitionId === roleDefinitionId && isSameScope(value.scope, scope);
  if (sameId !== undefined && !isSame(sameId)) throw authorizationErrors.RoleAssignmentUpdateNotPermitted();
  if (all.some((record) => isSame(record) && record !== sameId)) throw authorizationErrors.RoleAssignmentExists();
  const now = toIso(deps.clock.now());
  const assignment: RoleAssignment = {
    assignmentId,
    scope,
    roleDefinitionId,
    principalId,
    principalType,
    ...(condition === undefined ? {} : { condition }),
    ...(typeof sent['description'] === 'string' ? { description: sent['description'].slice(0, 1024) } : {}),
    createdOn: sameId?.value.createdOn ?? now,
    updatedOn: now,
    createdBy: sameId?.value.createdBy ?? request.caller.objectId,
    ...(subscriptionOfScope(scope) === undefined ? { tenantId } : {}),
  };
  await deps.state.commit({
    write: [
      writeRecord(roleAssignments, roleAssignmentRecordId(assignment), sameId?.version ?? null, assignment),
      ...touched,
    ],
  });
  const body = showAssignment(assignment);
  // The answer to a PUT knows who changed it last, not who made it: as recorded.
  return {
    status: sameId === undefined ? 201 : 200,
    body: { ...body, properties: { ...body.properties, createdBy: null } },
  };
}

const propertiesOf = (body: Json | undefined): JsonObject => {
  const properties = isJsonObject(body) ? body['properties'] : undefined;
  return isJsonObject(properties) ? properties : {};
};

/** Nothing that names a role or a principal is longer. */
const attributeCharactersMax = 1024;

/** As sent: whoever leaves the type of the principal out cannot meet a condition that asks for it. */
function sentAttributes(sent: JsonObject): Attributes {
  const textOf = (name: string): string | undefined => {
    const value = sent[name];
    return typeof value === 'string' && value.length <= attributeCharactersMax ? value : undefined;
  };
  const role = textOf('roleDefinitionId')?.split('/').at(-1);
  const principalId = textOf('principalId');
  const principalType = textOf('principalType');
  return {
    ...(role === undefined ? {} : { RoleDefinitionId: role }),
    ...(principalId === undefined ? {} : { PrincipalId: principalId }),
    ...(principalType === undefined ? {} : { PrincipalType: principalType }),
  };
}

const attributesOf = ({ roleDefinitionId, principalId, principalType }: RoleAssignment): Attributes => ({
  RoleDefinitionId: roleDefinitionId,
  PrincipalId: principalId,
  PrincipalType: principalType,
});

function requireNoDelegation(sent: JsonObject): void {
  const property = 'delegatedManagedIdentityResourceId';
  if (sent[property] !== undefined && sent[property] !== null)
    throw armErrors.NotImplemented(`RoleAssignments_Create with ${property}`);
}

/** @throws ArmError 400 for what is no condition, 501 for one that names what is not here */
function readCondition(sent: JsonObject): string | undefined {
  const { condition, conditionVersion } = sent;
  if (condition === undefined || condition === null) return undefined;
  const isKnown = conditionVersion === undefined || conditionVersion === null || conditionVersion === '2.0';
  if (typeof condition !== 'string' || !isKnown) throw authorizationErrors.InvalidCondition();
  const parsed = parseCondition(condition);
  if (parsed.outcome === 'notHere')
    throw armErrors.NotImplemented(`RoleAssignments_Create with ${parsed.what.slice(0, 200)} in its condition`);
  if (parsed.outcome === 'malformed') throw authorizationErrors.InvalidCondition();
  return condition;
}

/** @returns `touched`: a custom role is written again as it is, so that it cannot be deleted while it is being assigned */
async function readRole(
  deps: AuthorizationDependencies,
  value: Json | undefined,
  scope: string,
  tenantId: Guid,
): Promise<{ readonly roleDefinitionId: Guid; readonly touched: readonly StateWrite[] }> {
  const sent = (typeof value === 'string' ? value : '').split('/').at(-1) ?? '';
  const id = parseGuid(sent);
  if (id === undefined) throw authorizationErrors.RoleDefinitionDoesNotExist(sent);
  if (findRoleDefinition(id) !== undefined) return { roleDefinitionId: id, touched: [] };
  const custom = await deps.state.get(customRoles, customRoleRecordId(tenantId, id));
  if (custom === undefined) throw authorizationErrors.RoleDefinitionDoesNotExist(sent);
  if (!isAssignableAt(custom.value, scope)) throw authorizationErrors.RoleAssignmentScopeNotAssignable(scope, id);
  return { roleDefinitionId: id, touched: [writeRecord(customRoles, custom.id, custom.version, custom.value)] };
}

async function readPrincipal(
  deps: AuthorizationDependencies,
  sent: JsonObject,
  tenantId: Guid,
): Promise<{ readonly principalId: Guid; readonly principalType: RoleAssignment['principalType'] }> {
  const text = typeof sent['principalId'] === 'string' ? sent['principalId'] : '';
  const principalId = parseGuid(text);
  if (principalId === undefined) throw authorizationErrors.BadRequest('the principalId is not a GUID.');
  const principalType = await deps.principalType(principalId, tenantId);
  if (principalType === undefined) throw authorizationErrors.PrincipalNotFound(principalId, tenantId);
  const wanted = sent['principalType'];
  if (typeof wanted === 'string' && wanted.toLowerCase() !== principalType.toLowerCase()) {
    throw authorizationErrors.UnmatchedPrincipalType(principalId, wanted.slice(0, 64), principalType);
  }
  return { principalId, principalType };
}

async function deleteAssignment(deps: AuthorizationDependencies, request: ArmRequest): Promise<ArmReply> {
  const found = await findAssignment(deps, request);
  if (found === undefined) return { status: 204 };
  await deps.state.commit({ write: [writeRecord(roleAssignments, found.id, found.version, null)] });
  return { status: 200, body: showAssignment(found.value) };
}

/** At the scope and above it; below it, too, unless the filter says `atScope()`. */
async function listAssignments(deps: AuthorizationDependencies, request: ArmRequest): Promise<ArmReply> {
  const scope = scopeOf(request);
  const filter = request.query.get('$filter') ?? '';
  const alternatives = filter.trim() === '' ? [] : parseFilter(filter);
  const tests = alternatives.map((terms) => terms.map((term) => compileTerm(term, scope)));
  const all = await assignmentsInTenant(deps.state, request.caller.tenantId, listIntact);
  const found = all
    .map((record) => record.value)
    .filter((assignment) => isScopeWithin(scope, assignment.scope) || isScopeWithin(assignment.scope, scope))
    .filter((assignment) => tests.length === 0 || tests.some((terms) => terms.every((test) => test(assignment))));
  return { status: 200, body: { value: found.map(showAssignment) } };
}

function compileTerm(term: FilterTerm, scope: string): (assignment: RoleAssignment) => boolean {
  if (term.kind === 'call' && term.name.toLowerCase() === 'atscope' && term.args.length === 0) {
    return (assignment) => isScopeWithin(scope, assignment.scope);
  }
  const [argument] = term.kind === 'call' ? term.args : [];
  const isAssignedTo = term.kind === 'call' && term.name.toLowerCase() === 'assignedto' && term.args.length === 1;
  if (isAssignedTo && argument !== undefined && 'literal' in argument) return ofPrincipal(argument.literal);
  if (term.kind === 'comparison' && term.operator === 'eq' && term.property.toLowerCase() === 'principalid') {
    return ofPrincipal(term.value);
  }
  throw unsupportedTerm(term);
}

const ofPrincipal =
  (id: string) =>
  (assignment: RoleAssignment): boolean =>
    assignment.principalId === parseGuid(id);

const showAssignment = (assignment: RoleAssignment): JsonObject & { readonly properties: JsonObject } => ({
  properties: {
    roleDefinitionId: roleDefinitionResourceId(assignment.scope, assignment.roleDefinitionId),
    principalId: assignment.principalId,
    principalType: assignment.principalType,
    scope: assignment.scope,
    condition: assignment.condition ?? null,
    conditionVersion: assignment.condition === undefined ? null : '2.0',
    createdOn: assignment.createdOn,
    updatedOn: assignment.updatedOn,
    createdBy: assignment.createdBy,
    updatedBy: assignment.createdBy,
    delegatedManagedIdentityResourceId: null,
    description: assignment.description ?? null,
  },
  id: `${assignment.scope === '/' ? '' : assignment.scope}/providers/Microsoft.Authorization/roleAssignments/${assignment.assignmentId}`,
  type: 'Microsoft.Authorization/roleAssignments',
  name: assignment.assignmentId,
});
