import type { ArmOperation, ArmProvider } from '../../arm/arm-operation.ts';
import { operationsList } from '../../arm/operations-list.ts';
import { customRoleOperations } from './custom-role-operations.ts';
import { denyAssignmentOperations, privilegedIdentityOperations } from './deny-assignment-operations.ts';
import { elevateAccessOperation } from './elevate-access.ts';
import { lockOperations } from './lock-operations.ts';
import { permissionOperations } from './permission-operations.ts';
import type { AuthorizationDependencies } from './role-assignment-operations.ts';
import { roleAssignmentOperations } from './role-assignment-operations.ts';
import { roleDefinitionOperations } from './role-definition-operations.ts';

const namespace = 'Microsoft.Authorization';

const roleVersions: readonly string[] = [
  '2022-04-01',
  '2018-07-01',
  '2016-07-01',
  '2015-07-01',
  '2015-06-01',
  '2022-05-01-preview',
  '2022-01-01-preview',
  '2021-04-01-preview',
  '2020-10-01-preview',
  '2020-08-01-preview',
  '2020-04-01-preview',
  '2020-03-01-preview',
  '2018-09-01-preview',
  '2018-01-01-preview',
  '2017-10-01-preview',
];

const lockVersions: readonly string[] = ['2020-05-01', '2017-04-01', '2016-09-01', '2015-06-01', '2015-01-01'];

/** The reference has the last of these, the guide the one before and all after it. */
const elevationVersions: readonly string[] = ['2017-05-01', '2016-07-01', '2015-07-01'];

/** Microsoft.Authorization: role definitions, role assignments and locks at any scope. */
export function createAuthorizationProvider(deps: AuthorizationDependencies): ArmProvider {
  const operations: readonly ArmOperation[] = [
    ...roleDefinitionOperations(deps),
    ...customRoleOperations(deps),
    ...roleAssignmentOperations(deps),
    elevateAccessOperation(deps),
    ...lockOperations(deps),
    classicAdministrators(),
    ...denyAssignmentOperations(),
    ...permissionOperations(deps),
    ...privilegedIdentityOperations(),
  ];
  const types = [
    'roleAssignments',
    'roleDefinitions',
    'permissions',
    'denyAssignments',
    'classicAdministrators',
    'operations',
  ];
  return {
    namespace,
    resourceTypes: [
      ...types.map((resourceType) => ({ resourceType, apiVersions: roleVersions, locations: [] })),
      { resourceType: 'elevateAccess', apiVersions: elevationVersions, locations: [] },
      { resourceType: 'locks', apiVersions: lockVersions, locations: [] },
    ],
    operations: [...operations, operationsList({ namespace, displayName: 'Microsoft Authorization', operations })],
  };
}

/** Nobody has such a role here: it is older than the roles, and retired. */
function classicAdministrators(): ArmOperation {
  return {
    id: 'ClassicAdministrators_List',
    method: 'GET',
    path: `/subscriptions/{subscriptionId}/providers/${namespace}/classicAdministrators`,
    action: `${namespace}/classicAdministrators/read`,
    handle: () => Promise.resolve({ status: 200, body: { value: [] } }),
  };
}
