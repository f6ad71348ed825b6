import type { ArmErrorDetail } from '../../arm/arm-error.ts';
import type { ArmIdentity } from '../../arm/resource.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { CustomerKey } from '../../encryption/cluster-keys.ts';
import { cmkError } from './cmk-errors.ts';
import type { CmkErrorCode } from './cmk-error-rows.ts';
import { isSameIdentityId, isSameNamedKey, parseSentKey } from './key-vault-properties.ts';
import type { NamedKey, RequestedKey, SentKey } from './key-vault-properties.ts';

/** The key that a cluster shall have, after all checks that need no vault. */
export type WantedKey =
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'microsoftManaged' }
  | { readonly kind: 'customer'; readonly sent: SentKey; readonly named: NamedKey };

export interface IdentitiesAfter {
  readonly hasSystem: boolean;
  readonly userAssigned: readonly string[];
}

const refuse = (code: CmkErrorCode, sent: SentKey | undefined, cause: string, remedy: string): Error => {
  const details: readonly ArmErrorDetail[] = [
    { code: 'Cause', message: cause, target: 'keyVaultProperties' },
    { code: 'Remedy', message: remedy },
  ];
  return cmkError(code, { vaultUri: sent?.keyVaultUri ?? '', keyName: sent?.keyName ?? '' }, details);
};

/** The checks of a request with a key that need no vault, in the order in which their errors win.
 * @throws ArmError 400 `CannotProvideKeyVaultPropertiesDuringCreation`, `KeyVaultPropertiesOnlyForSystemAssignedResources`, `InvalidKeyVaultProperties` */
export function checkRequestedKey(requested: RequestedKey, creating: boolean, after: IdentitiesAfter): WantedKey {
  if (requested.kind === 'absent') return { kind: 'unchanged' };
  if (requested.kind === 'microsoftManaged') return requested;
  const sent = requested.kind === 'customer' ? requested.sent : undefined;
  const assigned =
    sent?.userIdentity !== undefined && after.userAssigned.some((id) => isSameIdentityId(id, sent.userIdentity));
  if (creating && !assigned) {
    throw refuse(
      'CannotProvideKeyVaultPropertiesDuringCreation',
      sent,
      'A system-assigned identity exists only after the cluster does, so no vault can have granted it anything yet.',
      'Create the cluster without keyVaultProperties and set them by an update, or create it with a user-assigned identity that is named in userIdentity.',
    );
  }
  requireIdentity(sent, after, assigned);
  if (requested.kind === 'malformed') throw invalid(sent, requested.problem);
  const named = parseSentKey(requested.sent);
  if ('problem' in named) throw invalid(sent, named.problem);
  return { kind: 'customer', sent: requested.sent, named };
}

function requireIdentity(sent: SentKey | undefined, after: IdentitiesAfter, assigned: boolean): void {
  const hasAny = after.hasSystem || after.userAssigned.length > 0;
  if (!hasAny || (sent !== undefined && sent.userIdentity === undefined && !after.hasSystem)) {
    throw refuse(
      'KeyVaultPropertiesOnlyForSystemAssignedResources',
      sent,
      hasAny
        ? 'userIdentity is empty, and the cluster has no system-assigned identity.'
        : 'The cluster has no identity to go to the vault with.',
      'Assign an identity first (identity.type SystemAssigned), or name a user-assigned identity of the cluster in userIdentity.',
    );
  }
  if (sent?.userIdentity !== undefined && !assigned)
    throw invalid(sent, `userIdentity '${sent.userIdentity}' is not an identity of this cluster`);
}

const invalid = (sent: SentKey | undefined, problem: string): Error =>
  refuse(
    'InvalidKeyVaultProperties',
    sent,
    `${problem}.`,
    'Send keyName, keyVaultUri (https://{vault}.vault.azure.net) and, unless the latest version is meant, keyVersion.',
  );

/** What has to be done about the key of an existing cluster. */
export type KeyStep =
  | { readonly kind: 'none' }
  /** The same key through another principal; `preflight` says whether the vault is asked first. `mayHaveAccess`: somebody can have given
   * the principal access already, so that it has to open a key that is lost; a new system-assigned identity waits to be given it. */
  | {
      readonly kind: 'useIdentity';
      readonly principal: Guid;
      readonly mayHaveAccess: boolean;
      readonly preflight: CustomerKey | undefined;
      readonly key: SentKey;
    }
  | { readonly kind: 'change'; readonly to: CustomerKey; readonly key: SentKey }
  | { readonly kind: 'revert' };

/** No principal has this id: a cluster whose identity was taken away goes to the vault as nobody, and is refused. */
const nobody = '00000000-0000-0000-0000-000000000000' as Guid;

export function planKeyStep(
  held: { readonly key?: SentKey; readonly identity?: ArmIdentity },
  wanted: WantedKey,
  identityAfter: ArmIdentity | undefined,
): KeyStep {
  if (wanted.kind === 'microsoftManaged') return held.key === undefined ? { kind: 'none' } : { kind: 'revert' };
  if (wanted.kind === 'unchanged')
    return held.key === undefined ? { kind: 'none' } : followIdentity(held, held.key, identityAfter);
  const to = customerKey(wanted.sent, wanted.named, identityAfter);
  if (held.key === undefined || !isSameNamedKey(namedBefore(held.key), wanted.named))
    return { kind: 'change', to, key: wanted.sent };
  if (isSameIdentityId(held.key.userIdentity, wanted.sent.userIdentity))
    return followIdentity(held, held.key, identityAfter);
  return { kind: 'useIdentity', principal: to.identity, mayHaveAccess: true, preflight: to, key: wanted.sent };
}

/** The key stays; the principal behind the identity may be another one now, or none. */
function followIdentity(
  held: { readonly identity?: ArmIdentity },
  key: SentKey,
  after: ArmIdentity | undefined,
): KeyStep {
  const principal = principalFor(after, key.userIdentity);
  if (principal === principalFor(held.identity, key.userIdentity)) return { kind: 'none' };
  const mayHaveAccess = principal !== undefined && key.userIdentity !== undefined;
  return { kind: 'useIdentity', principal: principal ?? nobody, mayHaveAccess, preflight: undefined, key };
}

export function customerKey(sent: SentKey, named: NamedKey, identity: ArmIdentity | undefined): CustomerKey {
  const principal = principalFor(identity, sent.userIdentity);
  invariant(principal !== undefined, 'a checked key names an identity that the cluster has');
  return {
    vaultUri: sent.keyVaultUri,
    vaultHost: named.vaultHost,
    keyName: named.keyName,
    ...(named.keyVersion === undefined ? {} : { keyVersion: named.keyVersion }),
    identity: principal,
    ...(sent.userIdentity === undefined ? {} : { userIdentity: sent.userIdentity }),
  };
}

export const principalOrNobody = (identity: ArmIdentity | undefined, userIdentity: string | undefined): Guid =>
  principalFor(identity, userIdentity) ?? nobody;

function principalFor(identity: ArmIdentity | undefined, userIdentity: string | undefined): Guid | undefined {
  if (userIdentity === undefined) return identity?.principalId;
  return Object.entries(identity?.userAssignedIdentities ?? {}).find(([id]) => isSameIdentityId(id, userIdentity))?.[1]
    .principalId;
}

/** What a key that is stored names. */
export function namedBefore(key: SentKey): NamedKey {
  const named = parseSentKey(key);
  invariant(!('problem' in named), 'a stored key was checked before it was stored');
  return named;
}
