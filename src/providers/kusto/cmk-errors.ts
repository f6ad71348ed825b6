import { ArmError } from '../../arm/arm-error.ts';
import type { ArmErrorDetail } from '../../arm/arm-error.ts';
import type { CurrentKeyLost, CustomerKey, KeyPreflight } from '../../encryption/cluster-keys.ts';
import type { KeyFailure, KeyFailureCause } from '../../encryption/key-wrapper.ts';
import { cmkErrors } from './cmk-error-rows.ts';
import type { CmkErrorCode, NamedInMessage } from './cmk-error-rows.ts';
import type { SeenKey } from './cmk-remedies.ts';
import { accessDetails, failureDetails, lostKeyDetails, preflightDetails } from './cmk-remedies.ts';
import { kustoErrorWith } from './kusto-errors.ts';

export function cmkError(code: CmkErrorCode, named: NamedInMessage, details: readonly ArmErrorDetail[]): ArmError {
  const row: { readonly status: number; readonly text: (named: NamedInMessage) => string } = cmkErrors[code];
  return new ArmError(row.status, code, row.text(named), { details });
}

/** Nothing is known, so none of the eight codes would be true: the caller is told to try again. */
type NotAsked = 'VaultUnavailable';

const codeForPreflight = {
  vaultNotFound: 'KeyVaultNotFound',
  noAccess: 'IdentityDoesNotHaveAccessToKeyVault',
  keyNotFound: 'KeyNotFound',
  softDeleteOff: 'KeyVaultNotSoftDeleteEnabled',
  purgeProtectionOff: 'KeyVaultNotPurgeProtected',
  wrongType: 'InvalidKeyVaultProperties',
  notUsableNow: 'IdentityDoesNotHaveAccessToKeyVault',
  unavailable: 'VaultUnavailable',
} as const satisfies Record<Exclude<KeyPreflight['outcome'], 'usable'>, CmkErrorCode | NotAsked>;

const codeForFailure = {
  noSuchHost: 'KeyVaultNotFound',
  noIdentity: 'IdentityDoesNotHaveAccessToKeyVault',
  credentialRefused: 'IdentityDoesNotHaveAccessToKeyVault',
  unauthorized: 'IdentityDoesNotHaveAccessToKeyVault',
  forbiddenByPolicy: 'IdentityDoesNotHaveAccessToKeyVault',
  forbiddenByRbac: 'IdentityDoesNotHaveAccessToKeyVault',
  forbiddenByFirewall: 'IdentityDoesNotHaveAccessToKeyVault',
  forbidden: 'IdentityDoesNotHaveAccessToKeyVault',
  keyDisabled: 'IdentityDoesNotHaveAccessToKeyVault',
  keyExpired: 'IdentityDoesNotHaveAccessToKeyVault',
  keyNotYetValid: 'IdentityDoesNotHaveAccessToKeyVault',
  keyOperationForbidden: 'IdentityDoesNotHaveAccessToKeyVault',
  keyNotFound: 'KeyNotFound',
  throttled: 'VaultUnavailable',
  serverError: 'VaultUnavailable',
  unreachable: 'VaultUnavailable',
  timeout: 'VaultUnavailable',
  badRequest: 'InvalidKeyVaultProperties',
  wrongLength: 'InvalidKeyVaultProperties',
  mismatch: 'InvalidKeyVaultProperties',
  unknown: 'VaultUnavailable',
} as const satisfies Record<KeyFailureCause, CmkErrorCode | NotAsked>;

function errorFor(code: CmkErrorCode | NotAsked, named: NamedInMessage, details: readonly ArmErrorDetail[]): ArmError {
  return code === 'VaultUnavailable' ? kustoErrorWith(code, details, named.vaultUri) : cmkError(code, named, details);
}

const namedBy = (key: CustomerKey): NamedInMessage => ({ vaultUri: key.vaultUri, keyName: key.keyName });

/** @returns undefined when the key can be used */
export function preflightError(key: SeenKey, found: KeyPreflight): ArmError | undefined {
  if (found.outcome === 'usable') return undefined;
  return errorFor(codeForPreflight[found.outcome], namedBy(key), preflightDetails(key, found));
}

/** The change or the first wrap failed after preflight had passed. @param key undefined: a key of Kustody's own service vault */
export function keyFailureError(key: SeenKey | undefined, failure: KeyFailure): ArmError {
  if (key === undefined) return kustoErrorWith('VaultUnavailable', failureDetails(failure), 'Microsoft-managed');
  const details = failure.kind === 'refusal' ? accessDetails(key, failure) : failureDetails(failure);
  return errorFor(codeForFailure[failure.cause], namedBy(key), details);
}

/** No change may start while the current key does not unwrap: the message names the old vault and key. */
export function lostKeyError(lost: CurrentKeyLost): ArmError {
  return errorFor(
    codeForFailure[lost.failure.cause],
    { vaultUri: lost.vaultUri, keyName: lost.keyName },
    lostKeyDetails(lost),
  );
}
