import type { ArmOperation } from '../../arm/arm-operation.ts';
import { notBuilt } from '../../arm/not-built.ts';
import { authorizationErrors } from './authorization-errors.ts';

const namespace = 'Microsoft.Authorization';

/** Azure alone makes them, for managed applications and deployment stacks, which are not here: so there are none. */
export function denyAssignmentOperations(): readonly ArmOperation[] {
  const list = `{scope}/providers/${namespace}/denyAssignments`;
  const path = `${list}/{denyAssignmentId}`;
  const action = (verb: string): string => `${namespace}/denyAssignments/${verb}`;
  return [
    {
      id: 'DenyAssignments_ListForScope',
      method: 'GET',
      path: list,
      action: action('read'),
      handle: () => Promise.resolve({ status: 200, body: { value: [] } }),
    },
    {
      id: 'DenyAssignments_Get',
      method: 'GET',
      path,
      action: action('read'),
      handle: ({ params }) =>
        Promise.reject(authorizationErrors.DenyAssignmentNotFound(params['denyAssignmentId'] ?? '')),
    },
    notBuilt('DenyAssignments_Create', 'PUT', path, action('write')),
    notBuilt('DenyAssignments_Delete', 'DELETE', path, action('delete')),
  ];
}

/** Privileged Identity Management: roles for a time, and roles that one may take. */
export function privilegedIdentityOperations(): readonly ArmOperation[] {
  const at = (type: string): string => `{scope}/providers/${namespace}/${type}`;
  const requests = ['roleAssignmentScheduleRequests', 'roleEligibilityScheduleRequests'].flatMap((type) => {
    const group = capitalized(type);
    return [
      notBuilt(`${group}_Create`, 'PUT', `${at(type)}/{name}`, `${namespace}/${type}/write`),
      notBuilt(`${group}_ListForScope`, 'GET', at(type), `${namespace}/${type}/read`),
    ];
  });
  const lists = [
    ...['roleAssignmentSchedules', 'roleAssignmentScheduleInstances'],
    ...['roleEligibilitySchedules', 'roleEligibilityScheduleInstances'],
    ...['roleManagementPolicies', 'roleManagementPolicyAssignments'],
  ].map((type) => notBuilt(`${capitalized(type)}_ListForScope`, 'GET', at(type), `${namespace}/${type}/read`));
  return [...requests, ...lists];
}

const capitalized = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
