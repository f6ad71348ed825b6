import type { Guid } from '../../base/guid.ts';
import { entraError } from './entra-error.ts';
import type { UserSubject } from './user-claims.ts';

/** A policy of Conditional Access that keeps a user from a token: it blocks, or wants more than a password, which nobody can give here. */
export interface UnmetPolicy {
  readonly policyId: Guid;
  readonly grant: 'block' | 'multifactor';
}

/** @param userPrincipalName as it is in the directory */
export type FindUnmetPolicy = (userPrincipalName: string) => UnmetPolicy | undefined;

export interface ConditionalAccessOptions {
  /** Absent: the tenant has no policies. */
  readonly findUnmetPolicy?: FindUnmetPolicy;
}

/** Asked each time that a token is issued for a user, however it was asked for. The claims of the refusal name the policy: a client sends them along
 * with its next interactive request.
 * @see Microsoft Entra "Claims challenges, claims requests and client capabilities"
 * @throws EntraError 50076, 53003: `interaction_required` of version 1, `invalid_grant` of version 2, as observed */
export function requirePoliciesMet(
  { findUnmetPolicy }: ConditionalAccessOptions,
  { user, scope }: Pick<UserSubject, 'user' | 'scope'>,
  version: 1 | 2,
): void {
  const unmet = findUnmetPolicy?.(user.userPrincipalName);
  if (unmet === undefined) return;
  const refusal =
    unmet.grant === 'block' ? entraError('PolicyBlocks') : entraError('MultifactorRequired', scope.resource.appId);
  throw refusal.challenging({
    error: version === 1 ? 'interaction_required' : 'invalid_grant',
    claims: JSON.stringify({ access_token: { capolids: { essential: true, values: [unmet.policyId] } } }),
  });
}
