import { az, encryptionRole } from './commands.ts';
import type { AssignmentFacts, Facts, VaultFacts, VaultPolicy } from './facts.ts';
import { systemPrincipal } from './facts.ts';
import type { PlanInput, PlanStep } from './plan-step.ts';
import { done, inTheWay, toDo, unknown } from './plan-step.ts';
import { sameText } from './resource-id.ts';
import type { CmkTarget } from './target.ts';

/** The permissions of an access policy, and the data actions of roles. */
const needed = [
  { permission: 'get', dataAction: 'Microsoft.KeyVault/vaults/keys/read' },
  { permission: 'wrapKey', dataAction: 'Microsoft.KeyVault/vaults/keys/wrap/action' },
  { permission: 'unwrapKey', dataAction: 'Microsoft.KeyVault/vaults/keys/unwrap/action' },
] as const;

export const keyPermissions: readonly string[] = needed.map(({ permission }) => permission);

/** The scope of a role for one key: no more than the cluster needs. */
export const keyScope = (vaultId: string, keyName: string): string => `${vaultId}/keys/${keyName}`;

/** The principal that the cluster will go to the vault as; undefined while it does not exist. */
export const principalOf = (target: CmkTarget, facts: Facts): string | undefined =>
  target.identity.kind === 'system' ? systemPrincipal(facts) : facts.userIdentity?.principalId;

export function permissionsStep({ target, facts }: PlanInput): PlanStep {
  const { vault } = facts;
  if (vault === undefined) return unknown('permissions', 'There is no vault.');
  const principalId = principalOf(target, facts);
  if (principalId === undefined) {
    if (facts.cluster === undefined || target.identity.kind === 'user')
      return unknown('permissions', 'There is no identity.');
    return toDo('permissions', 'no identity yet', { note: grantText(vault, target.keyName) });
  }
  return vault.model === 'policies'
    ? byPolicies(vault, principalId)
    : byRoles(vault, principalId, target.keyName, facts);
}

/** Which of them the identity lacks; undefined while that cannot be said. */
export function lackingPermissions(target: CmkTarget, facts: Facts): readonly string[] | undefined {
  const { vault, access } = facts;
  const principalId = principalOf(target, facts);
  if (vault === undefined || principalId === undefined) return undefined;
  if (vault.model === 'policies') return lackingByPolicies(grantedByPolicies(vault.policies, principalId));
  if (access.outcome !== 'read') return undefined;
  return lackingByRoles(access.assignments).map(({ permission }) => permission);
}

const lackingByPolicies = (granted: readonly string[]): readonly string[] =>
  keyPermissions.filter((permission) => !granted.some((one) => sameText(one, permission) || sameText(one, 'all')));

const lackingByRoles = (assignments: readonly AssignmentFacts[]): readonly (typeof needed)[number][] =>
  needed.filter(({ dataAction }) => !assignments.some((one) => allows(one, dataAction)));

function byPolicies(vault: VaultFacts, principalId: string): PlanStep {
  const granted = grantedByPolicies(vault.policies, principalId);
  const missing = lackingByPolicies(granted);
  const found = granted.length === 0 ? 'no access policy' : `access policy: ${granted.join(', ')}`;
  if (missing.length === 0) return done('permissions', found);
  return toDo('permissions', found, {
    note: `Add ${missing.join(', ')} to the access policy of ${principalId}.`,
    change: { kind: 'grantPolicy', vaultId: vault.id, tenantId: vault.tenantId, principalId },
  });
}

/** Entries that name an application as well hold only for it acting for somebody. */
const grantedByPolicies = (policies: readonly VaultPolicy[], principalId: string): readonly string[] =>
  policies
    .filter((policy) => sameText(policy.objectId, principalId) && policy.applicationId === undefined)
    .flatMap((policy) => policy.keyPermissions);

function byRoles(vault: VaultFacts, principalId: string, keyName: string, facts: Facts): PlanStep {
  const scope = keyScope(vault.id, keyName);
  if (facts.access.outcome === 'notAsked') return unknown('permissions', 'The role assignments were not asked for.');
  if (facts.access.outcome === 'refused') {
    return inTheWay('permissions', 'not readable', {
      note: `The role assignments of ${principalId} cannot be read: ${facts.access.message}`,
      remedy: az.listRoles(principalId, scope),
    });
  }
  const { assignments } = facts.access;
  const missing = lackingByRoles(assignments);
  if (missing.length === 0) return done('permissions', rolesText(assignments.filter((one) => helps(one))));
  const conditional = assignments.filter((one) => one.isConditional).map(({ roleName }) => roleName);
  return toDo('permissions', assignments.length === 0 ? 'no role' : rolesText(assignments), {
    note: grantText(vault, keyName),
    warnings: conditional.length === 0 ? [] : [`Roles with a condition do not count: ${conditional.join(', ')}.`],
    change: { kind: 'grantRole', scope, principalId },
  });
}

const grantText = (vault: VaultFacts, keyName: string): string =>
  vault.model === 'roles'
    ? `Give the identity the role '${encryptionRole.name}' on key '${keyName}'.`
    : `Give the identity an access policy with ${keyPermissions.join(', ')}.`;

const rolesText = (assignments: readonly AssignmentFacts[]): string =>
  assignments.map(({ roleName, scope }) => `${roleName} at ${scope}`).join('; ');

const helps = (assignment: AssignmentFacts): boolean => needed.some(({ dataAction }) => allows(assignment, dataAction));

function allows({ isConditional, permissions }: AssignmentFacts, dataAction: string): boolean {
  const covers = (pattern: string): boolean => matchesAction(pattern, dataAction);
  return (
    !isConditional && permissions.some((block) => block.dataActions.some(covers) && !block.notDataActions.some(covers))
  );
}

/** `*` stands for any characters, slashes included; case does not matter. */
function matchesAction(pattern: string, action: string): boolean {
  const literal = pattern.split('*').map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, String.raw`\$&`));
  return new RegExp(`^${literal.join('.*')}$`, 'i').test(action);
}
