import type { Guid } from '../base/guid.ts';
import type { Caller } from './caller.ts';

export type VaultObjectKind = 'keys' | 'secrets' | 'certificates' | 'storage';

/** One entry of a vault's access policies. Permissions are compared without case and kept as sent. */
export interface AccessPolicy {
  readonly tenantId: Guid;
  /** A user, a service principal or a group. */
  readonly objectId: Guid;
  /** Set on entries for tokens that this application got on behalf of a user. */
  readonly applicationId?: Guid;
  readonly permissions: { readonly [Kind in VaultObjectKind]?: readonly string[] };
}

/** Whether some entry gives the caller `permission` (such as `wrapKey`) on objects of `kind`.
 * Entries with an application are for on-behalf-of tokens, which Kustody does not issue: they never match. */
export function allowedByAccessPolicies(
  policies: readonly AccessPolicy[],
  caller: Caller,
  kind: VaultObjectKind,
  permission: string,
): boolean {
  const principals = new Set<Guid>([caller.objectId, ...caller.groupIds]);
  const wanted = permission.toLowerCase();
  return policies.some(
    (policy) =>
      policy.applicationId === undefined &&
      policy.tenantId === caller.tenantId &&
      principals.has(policy.objectId) &&
      (policy.permissions[kind] ?? []).some((granted) => grants(granted.toLowerCase(), wanted)),
  );
}

/** `all` does not include `purge`, which must be given by name. */
const grants = (granted: string, wanted: string): boolean =>
  granted === wanted || (granted === 'all' && wanted !== 'purge');
