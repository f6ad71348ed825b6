import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { FilterTerm } from '../../arm/filter.ts';
import { parseFilter, unsupportedTerm } from '../../arm/filter.ts';
import type { CustomRole } from '../../authz/custom-roles.ts';
import { customRoles, isAssignableAt } from '../../authz/custom-roles.ts';
import { isScopeWithin } from '../../authz/decide.ts';
import type { RoleDefinition, RolePermission } from '../../authz/role-definitions.ts';
import { findRoleDefinition, roleDefinitions } from '../../authz/role-definitions.ts';
import { parseGuid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import { listIntact } from '../../state/list-all.ts';
import { authorizationErrors } from './authorization-errors.ts';
import type { AuthorizationDependencies } from './role-assignment-operations.ts';
import { roleTimes } from './role-times.ts';

export function roleDefinitionOperations(deps: AuthorizationDependencies): readonly ArmOperation[] {
  const ofTenant = '/providers/Microsoft.Authorization/roleDefinitions';
  const path = `{scope}${ofTenant}`;
  return [
    {
      id: 'RoleDefinitions_List',
      method: 'GET',
      path,
      action: readAction,
      handle: (request) => list(deps, request),
    },
    {
      id: 'RoleDefinitions_Get',
      method: 'GET',
      path: `${path}/{roleDefinitionId}`,
      action: readAction,
      handle: (request) => get(deps, request),
    },
    // What is built in is no secret: without a scope whoever has a token may read it. Of custom roles each sees what it may read.
    {
      id: 'RoleDefinitions_ListWithoutScope',
      method: 'GET',
      path: ofTenant,
      action: null,
      handle: (request) => list(deps, request),
    },
    {
      id: 'RoleDefinitions_GetById',
      method: 'GET',
      path: `${ofTenant}/{roleDefinitionId}`,
      action: null,
      handle: (request) => get(deps, request),
    },
  ];
}

const readAction = 'Microsoft.Authorization/roleDefinitions/read';

/** Those that can be assigned at the scope; with `atScopeAndBelow()` those that can be somewhere below it, too. */
async function list(deps: AuthorizationDependencies, request: ArmRequest): Promise<ArmReply> {
  const filter = request.query.get('$filter') ?? '';
  const alternatives = filter.trim() === '' ? [] : parseFilter(filter);
  const tests = alternatives.map((terms) => terms.map(compileTerm));
  const isWanted = (role: RoleDefinition, type: RoleType): boolean =>
    tests.length === 0 || tests.some((all) => all.every((test) => test(role, type)));
  const { scope } = request.params;
  const withBelow = scope === undefined || alternatives.some((terms) => terms.some(isAtScopeAndBelow));
  const custom = (await visibleCustomRoles(deps, request)).filter(
    (role) => (withBelow || isAssignableAt(role, scope)) && isWanted(role, 'CustomRole'),
  );
  const builtIn = roleDefinitions.filter((role) => isWanted(role, 'BuiltInRole'));
  return {
    status: 200,
    body: {
      value: [
        ...builtIn.map((role) => showBuiltInRole(role, request)),
        ...custom.map((role) => showCustomRole(role, request)),
      ],
    },
  };
}

/** Of the caller's tenant, at the scope, above or below it; without a scope those that the caller may read where they can be assigned. */
async function visibleCustomRoles(
  deps: AuthorizationDependencies,
  { caller, params: { scope } }: ArmRequest,
): Promise<readonly CustomRole[]> {
  const all = (await listIntact(deps.state, customRoles, `${caller.tenantId}/`)).map(({ value }) => value);
  if (scope !== undefined)
    return all.filter(
      (role) => isAssignableAt(role, scope) || role.assignableScopes.some((one) => isScopeWithin(one, scope)),
    );
  if (all.length === 0) return [];
  const decide = await deps.authorizer.decider(caller);
  return all.filter((role) => role.assignableScopes.some((one) => decide('action', readAction, one).allowed));
}

type RoleType = 'BuiltInRole' | 'CustomRole';

const isAtScopeAndBelow = (term: FilterTerm): boolean =>
  term.kind === 'call' && term.name.toLowerCase() === 'atscopeandbelow' && term.args.length === 0;

function compileTerm(term: FilterTerm): (role: RoleDefinition, type: RoleType) => boolean {
  if (term.kind === 'call' && /^atscope(andbelow)?$/i.test(term.name) && term.args.length === 0) return () => true;
  if (term.kind === 'comparison' && term.operator === 'eq') {
    const wanted = term.value.toLowerCase();
    if (term.property.toLowerCase() === 'rolename') return (role) => role.roleName.toLowerCase() === wanted;
    if (term.property.toLowerCase() === 'type') return (_role, type) => type.toLowerCase() === wanted;
  }
  throw unsupportedTerm(term);
}

async function get(deps: AuthorizationDependencies, request: ArmRequest): Promise<ArmReply> {
  const sent = request.params['roleDefinitionId'] ?? '';
  const id = parseGuid(sent);
  const builtIn = id === undefined ? undefined : findRoleDefinition(id);
  if (builtIn !== undefined) return { status: 200, body: showBuiltInRole(builtIn, request) };
  const custom = (await visibleCustomRoles(deps, request)).find((role) => role.roleDefinitionId === id);
  if (custom === undefined) throw authorizationErrors.RoleDefinitionDoesNotExist(sent);
  return { status: 200, body: showCustomRole(custom, request) };
}

/** Under a subscription their ids name it; under `/` they do not. */
export function roleDefinitionResourceId(scope: string, roleDefinitionId: string): string {
  const subscription = /^\/subscriptions\/[^/]+/i.exec(scope)?.[0] ?? '';
  return `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${roleDefinitionId}`;
}

function timesOf({ roleDefinitionId }: RoleDefinition): JsonObject {
  const [createdOn, updatedOn] = roleTimes[roleDefinitionId] ?? [];
  return createdOn === undefined ? {} : { createdOn, updatedOn };
}

const showBuiltInRole = (role: RoleDefinition, request: ArmRequest): JsonObject =>
  show(role, request, {
    ...{ type: 'BuiltInRole', description: role.description, assignableScopes: ['/'] },
    last: { ...timesOf(role), createdBy: null, updatedBy: null },
  });

export const showCustomRole = (role: CustomRole, request: ArmRequest): ShownRole =>
  show(role, request, {
    type: 'CustomRole',
    description: role.description === '' ? null : role.description,
    assignableScopes: role.assignableScopes,
    last: {
      ...{ createdOn: role.createdOn, updatedOn: role.updatedOn },
      ...{ createdBy: role.createdBy, updatedBy: role.updatedBy },
    },
  });

type ShownRole = JsonObject & { readonly properties: JsonObject };

interface Shown {
  readonly type: RoleType;
  readonly description: string | null;
  readonly assignableScopes: readonly string[];
  readonly last: JsonObject;
}

const show = (role: RoleDefinition, request: ArmRequest, shown: Shown): ShownRole => ({
  properties: {
    roleName: role.roleName,
    type: shown.type,
    description: shown.description,
    assignableScopes: shown.assignableScopes,
    permissions: role.permissions.map(showPermission),
    ...shown.last,
  },
  id: roleDefinitionResourceId(request.params['scope'] ?? '/', role.roleDefinitionId),
  type: 'Microsoft.Authorization/roleDefinitions',
  name: role.roleDefinitionId,
});

const showPermission = ({ condition, ...permission }: RolePermission): JsonObject => ({
  ...permission,
  ...(condition === undefined ? {} : { conditionVersion: '2.0', condition }),
});
