import type { AccessPolicy, VaultObjectKind } from '../../authz/access-policies.ts';
import { policyKey } from './access-policy-input.ts';

export type AccessPolicyChange = 'add' | 'replace' | 'remove';

/** The list of a vault after `PUT …/accessPolicies/{change}`: entries meet by principal and application.
 * `add` joins permissions, `replace` puts the sent entries in place of the old ones, `remove` takes the sent permissions away and
 * drops an entry that has none left. */
export function changedPolicies(
  held: readonly AccessPolicy[],
  change: AccessPolicyChange,
  sent: readonly AccessPolicy[],
): readonly AccessPolicy[] {
  const sentByKey = new Map(sent.map((policy) => [policyKey(policy), policy]));
  const kept = held.flatMap((policy) => {
    const other = sentByKey.get(policyKey(policy));
    if (other === undefined) return [policy];
    if (change === 'replace') return [other];
    const permissions = change === 'add' ? joined(policy, other) : reduced(policy, other);
    const isEmpty = Object.values(permissions).every((list) => list.length === 0);
    return change === 'remove' && isEmpty ? [] : [{ ...policy, permissions }];
  });
  if (change === 'remove') return kept;
  const heldKeys = new Set(held.map(policyKey));
  return [...kept, ...sent.filter((policy) => !heldKeys.has(policyKey(policy)))];
}

const kinds: readonly VaultObjectKind[] = ['keys', 'secrets', 'certificates', 'storage'];

const combine = (
  left: AccessPolicy,
  right: AccessPolicy,
  combined: (held: readonly string[], sent: readonly string[]) => readonly string[],
): AccessPolicy['permissions'] => {
  const entries = kinds.flatMap((kind) => {
    const held = left.permissions[kind];
    const sent = right.permissions[kind];
    return held === undefined && sent === undefined ? [] : [[kind, combined(held ?? [], sent ?? [])] as const];
  });
  return Object.fromEntries(entries);
};

const joined = (left: AccessPolicy, right: AccessPolicy): AccessPolicy['permissions'] =>
  combine(left, right, (held, sent) => [...held, ...without(sent, held)]);

/** Taking `all` away leaves nothing. */
const reduced = (left: AccessPolicy, right: AccessPolicy): AccessPolicy['permissions'] =>
  combine(left, right, (held, sent) =>
    sent.some((permission) => permission.toLowerCase() === 'all') ? [] : without(held, sent),
  );

function without(permissions: readonly string[], taken: readonly string[]): readonly string[] {
  const lower = new Set(taken.map((permission) => permission.toLowerCase()));
  return permissions.filter((permission) => !lower.has(permission.toLowerCase()));
}
