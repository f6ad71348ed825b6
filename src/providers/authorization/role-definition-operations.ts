import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { FilterTerm } from '../../arm/filter.ts';
import { parseFilter, unsupportedTerm } from '../../arm/filter.ts';
import type { RoleDefinition } from '../../authz/role-definitions.ts';
import { findRoleDefinition, roleDefinitions } from '../../authz/role-definitions.ts';
import { parseGuid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import { authorizationErrors } from './authorization-errors.ts';
import { roleTimes } from './role-times.ts';

export function roleDefinitionOperations(): readonly ArmOperation[] {
  const ofTenant = '/providers/Microsoft.Authorization/roleDefinitions';
  const path = `{scope}${ofTenant}`;
  const action = 'Microsoft.Authorization/roleDefinitions/read';
  return [
    { id: 'RoleDefinitions_List', method: 'GET', path, action, handle: (request) => Promise.resolve(list(request)) },
    {
      id: 'RoleDefinitions_Get',
      method: 'GET',
      path: `${path}/{roleDefinitionId}`,
      action,
      handle: (request) => Promise.resolve(get(request)),
    },
    // What is built in is no secret: without a scope whoever has a token may read it.
    {
      id: 'RoleDefinitions_ListWithoutScope',
      method: 'GET',
      path: ofTenant,
      action: null,
      handle: (request) => Promise.resolve(list(request)),
    },
    {
      id: 'RoleDefinitions_GetById',
      method: 'GET',
      path: `${ofTenant}/{roleDefinitionId}`,
      action: null,
      handle: (request) => Promise.resolve(get(request)),
    },
  ];
}

function list(request: ArmRequest): ArmReply {
  const filter = request.query.get('$filter') ?? '';
  const alternatives = filter.trim() === '' ? [] : parseFilter(filter);
  const tests = alternatives.map((terms) => terms.map(compileTerm));
  const found = roleDefinitions.filter(
    (definition) => tests.length === 0 || tests.some((all) => all.every((test) => test(definition))),
  );
  return { status: 200, body: { value: found.map((definition) => show(definition, request)) } };
}

/** All roles here are built in, and so are at every scope. */
function compileTerm(term: FilterTerm): (definition: RoleDefinition) => boolean {
  if (term.kind === 'call' && /^atscope(andbelow)?$/i.test(term.name) && term.args.length === 0) return () => true;
  if (term.kind === 'comparison' && term.operator === 'eq') {
    const wanted = term.value.toLowerCase();
    if (term.property.toLowerCase() === 'rolename') return (definition) => definition.roleName.toLowerCase() === wanted;
    if (term.property.toLowerCase() === 'type') return () => wanted === 'builtinrole';
  }
  throw unsupportedTerm(term);
}

function get(request: ArmRequest): ArmReply {
  const sent = request.params['roleDefinitionId'] ?? '';
  const id = parseGuid(sent);
  const definition = id === undefined ? undefined : findRoleDefinition(id);
  if (definition === undefined) throw authorizationErrors.RoleDefinitionDoesNotExist(sent);
  return { status: 200, body: show(definition, request) };
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

const show = (definition: RoleDefinition, request: ArmRequest): JsonObject => ({
  properties: {
    roleName: definition.roleName,
    type: 'BuiltInRole',
    description: definition.description,
    assignableScopes: ['/'],
    permissions: [
      {
        actions: definition.actions,
        notActions: definition.notActions,
        dataActions: definition.dataActions,
        notDataActions: definition.notDataActions,
      },
    ],
    ...timesOf(definition),
    createdBy: null,
    updatedBy: null,
  },
  id: roleDefinitionResourceId(request.params['scope'] ?? '/', definition.roleDefinitionId),
  type: 'Microsoft.Authorization/roleDefinitions',
  name: definition.roleDefinitionId,
});
