import type { Guid } from '../base/guid.ts';
import type { ConditionContext, Truth } from './conditions/evaluate.ts';
import { conditionHolds } from './conditions/evaluate.ts';
import { matchesAction } from './conditions/match-action.ts';
import type { RoleDefinition, RolePermission } from './role-definitions.ts';
import { findRoleDefinition } from './role-definitions.ts';

/** A role given to a principal at a scope and everything below it. */
export interface RoleAssignment {
  /** Last segment of its resource id. */
  readonly assignmentId: Guid;
  /** `/`, `/subscriptions/…`, `…/resourceGroups/…` or a resource id; compared without case. */
  readonly scope: string;
  readonly roleDefinitionId: Guid;
  readonly principalId: Guid;
  readonly principalType: 'User' | 'Group' | 'ServicePrincipal';
  readonly description?: string;
  /** In the language of version 2.0: it gives the role only where this is true. */
  readonly condition?: string;
  /** ISO times on the Kustody clock. */
  readonly createdOn: string;
  readonly updatedOn: string;
  readonly createdBy: string;
  /** Whose `/` it is; missing where the scope lies in a subscription, which says it. */
  readonly tenantId?: Guid;
}

export interface AccessQuestion {
  /** The principal and its groups. */
  readonly principalIds: readonly Guid[];
  /** `action`: the resource manager; `dataAction`: what a resource holds. */
  readonly kind: 'action' | 'dataAction';
  /** `Microsoft.KeyVault/vaults/write` */
  readonly action: string;
  readonly scope: string;
  /** What conditions look at. Absent: nothing, which makes no condition true that asks for it.
   * `pending`: to be read later; allowed is then what may yet be. */
  readonly attributes?: AccessAttributes | 'pending';
}

export type AccessAttributes = Pick<ConditionContext, 'request' | 'resource'>;

export type Decision =
  | { readonly allowed: true; readonly assignment: RoleAssignment }
  /** `noAssignment`: none at this scope or above. `notInRole`: some, but no role has the action. */
  | { readonly allowed: false; readonly reason: 'noAssignment' | 'notInRole' };

/** What a role allows where it is assigned at a scope. */
export type RoleLookup = (roleDefinitionId: Guid, scope: string) => RoleDefinition | undefined;

/** Allowed when one assignment at the scope or above it has a role with the action. There are no deny assignments.
 * @param roleOf built-in roles unless said otherwise; what it does not know allows nothing */
export function decide(
  question: AccessQuestion,
  assignments: readonly RoleAssignment[],
  roleOf: RoleLookup = findRoleDefinition,
): Decision {
  const applying = assignments.filter(
    (assignment) =>
      question.principalIds.includes(assignment.principalId) && isScopeWithin(question.scope, assignment.scope),
  );
  const assignment = applying.find((candidate) => {
    const definition = roleOf(candidate.roleDefinitionId, candidate.scope);
    return definition !== undefined && isTrue(candidate.condition, question) && roleAllows(definition, question);
  });
  if (assignment !== undefined) return { allowed: true, assignment };
  return { allowed: false, reason: applying.length === 0 ? 'noAssignment' : 'notInRole' };
}

const roleAllows = (role: RoleDefinition, question: AccessQuestion): boolean =>
  role.permissions.some((permission) => permissionAllows(permission, question));

function permissionAllows(permission: RolePermission, question: AccessQuestion): boolean {
  const { kind, action } = question;
  const [granted, taken] =
    kind === 'action'
      ? [permission.actions, permission.notActions]
      : [permission.dataActions, permission.notDataActions];
  const covers = (pattern: string): boolean => spellings(pattern).some((spelling) => matchesAction(spelling, action));
  return granted.some(covers) && !taken.some(covers) && isTrue(permission.condition, question);
}

/** What is unknown is not true, but for attributes that are to be read later. */
function isTrue(condition: string | undefined, { action, attributes }: AccessQuestion): boolean {
  if (condition === undefined) return true;
  const isPending = attributes === 'pending';
  const truth: Truth = conditionHolds(condition, { action, ...(isPending ? { isPending } : attributes) });
  return isPending ? truth !== false : truth === true;
}

// A `*` between slashes stands for no segment, too: what Azure asks for where `…/userAssignedIdentities/assign/action` is missing
// is the role with `…/userAssignedIdentities/*/assign/action`.
const spellings = (pattern: string): readonly string[] =>
  pattern.includes('/*/') ? [pattern, pattern.replaceAll('/*/', '/')] : [pattern];

/** Whole segments only: `…/resourceGroups/a` is not above `…/resourceGroups/ab`. */
export function isScopeWithin(scope: string, ancestor: string): boolean {
  const inner = withoutEndSlash(scope);
  const outer = withoutEndSlash(ancestor);
  return inner === outer || inner.startsWith(`${outer}/`);
}

/** The subscription that a scope lies in, in lower case; undefined where it lies above all of them. */
export const subscriptionOfScope = (scope: string): string | undefined =>
  /^\/subscriptions\/([^/]+)/i.exec(scope)?.[1]?.toLowerCase();

const withoutEndSlash = (scope: string): string => scope.toLowerCase().replace(/\/+$/, '');
