import { ArmError } from '../../arm/arm-error.ts';

const row =
  <Values extends readonly unknown[]>(status: number, code: string, text: (...values: Values) => string) =>
  (...values: Values): ArmError =>
    new ArmError(status, code, text(...values));

/** Answers of Microsoft.Authorization, as public issues quote them. */
export const authorizationErrors = {
  RoleAssignmentExists: row(409, 'RoleAssignmentExists', () => 'The role assignment already exists.'),
  RoleAssignmentUpdateNotPermitted: row(
    409,
    'RoleAssignmentUpdateNotPermitted',
    () => 'Tenant ID, application ID, principal ID, and scope are not allowed to be updated.',
  ),
  RoleAssignmentNotFound: row(
    404,
    'RoleAssignmentNotFound',
    (id: string) => `The role assignment '${id}' is not found.`,
  ),
  // The text is public, the code is not.
  InvalidCondition: row(400, 'InvalidRoleAssignmentCondition', () => 'The given role assignment condition is invalid.'),
  RoleDefinitionDoesNotExist: row(
    404,
    'RoleDefinitionDoesNotExist',
    (id: string) => `The specified role definition with ID '${id}' does not exist.`,
  ),
  RoleDefinitionExists: row(409, 'RoleDefinitionExists', () => 'A role definition with the same ID already exists.'),
  SameNameExists: row(
    409,
    'RoleDefinitionWithSameNameExists',
    () => 'A custom role with the same name already exists in this directory. Use a different name.',
  ),
  SameNameExistsForUpdate: row(
    409,
    'RoleDefinitionWithSameNameExists',
    () => 'A role definition cannot be updated with a name that already exists.',
  ),
  RoleDefinitionHasAssignments: row(
    400,
    'RoleDefinitionHasAssignments',
    () => 'There are existing role assignments referencing role.',
  ),
  RoleDefinitionLimitExceeded: row(
    400,
    'RoleDefinitionLimitExceeded',
    () => 'Role definition limit exceeded. No more role definitions can be created.',
  ),
  // Of the following the codes are public, not the texts.
  RoleDefinitionNameNullOrEmpty: row(
    400,
    'RoleDefinitionNameNullOrEmpty',
    () => 'The name of the role definition is missing or empty.',
  ),
  InvalidRoleDefinitionType: row(
    400,
    'InvalidRoleDefinitionType',
    (sent: string) => `The role definition type '${sent}' is not valid. It must be 'CustomRole'.`,
  ),
  MissingAssignableScopes: row(
    400,
    'MissingAssignableScopes',
    () => 'The role definition has no assignable scopes. It must have at least one.',
  ),
  AssignableScopeNotUnderSubscriptionScope: row(
    400,
    'AssignableScopeNotUnderSubscriptionScope',
    (scope: string) => `None of the assignable scopes of the role definition lies at, above or below '${scope}'.`,
  ),
  InvalidActionOrNotAction: row(
    400,
    'InvalidActionOrNotAction',
    (action: string) => `'${action}' does not match any of the actions supported by the providers.`,
  ),
  RoleAssignmentScopeNotAssignable: row(
    400,
    'RoleAssignmentScopeNotAssignableToRoleDefinition',
    (scope: string, id: string) =>
      `The scope '${scope}' is not among the assignable scopes of role definition '${id}'.`,
  ),
  // What Azure says to these two is not public.
  InvalidRoleDefinitionId: row(
    400,
    'InvalidRoleDefinitionId',
    (id: string) => `The role definition ID '${id}' is not valid. The role definition ID must be a GUID.`,
  ),
  BuiltInRoleIsFixed: row(400, 'InvalidRoleDefinitionType', () => 'A built-in role cannot be deleted.'),
  PrincipalNotFound: row(
    400,
    'PrincipalNotFound',
    (id: string, tenantId: string) =>
      `Principal ${id.replaceAll('-', '')} does not exist in the directory ${tenantId}. Check that you have the correct principal ID. ` +
      'If you are creating this principal and then immediately assigning a role, this error might be related to a replication delay. ' +
      'In this case, set the role assignment principalType property to a value, such as ServicePrincipal, User, or Group.',
  ),
  DenyAssignmentNotFound: row(
    404,
    'DenyAssignmentNotFound',
    (id: string) => `The deny assignment '${id}' is not found.`,
  ),
  LockNotFound: row(404, 'LockNotFound', (name: string) => `The lock '${name}' could not be found.`),
  // What Azure says to these three is not public.
  InvalidLockName: row(400, 'InvalidLockName', (name: string) => `The lock name '${name}' is invalid.`),
  InvalidLockLevel: row(
    400,
    'InvalidLockLevel',
    (sent: string) => `The lock level '${sent}' is none of NotSpecified, CanNotDelete and ReadOnly.`,
  ),
  LockLimitReached: row(
    409,
    'LockLimitReached',
    (scope: string, max: number) => `The scope '${scope}' has ${max} locks already, which is the most it can have.`,
  ),
  InvalidRoleAssignmentId: row(
    400,
    'InvalidRoleAssignmentId',
    (id: string) => `The role assignment ID '${id}' is not valid. The role assignment ID must be a GUID.`,
  ),
  UnmatchedPrincipalType: row(
    400,
    'UnmatchedPrincipalType',
    (id: string, sent: string, real: string) =>
      `The PrincipalId '${id.replaceAll('-', '')}' has type '${real}', which is different from specified PrincipalType '${sent}'.`,
  ),
  BadRequest: row(400, 'BadRequestFormat', (why: string) => `The request was incorrectly formatted: ${why}`),
} as const;
