import type { Guid } from '../base/guid.ts';
import type { HostName, KeyName } from '../base/names.ts';
import type { VersionedKeyId } from '../base/key-id.ts';

/** Why a vault call gave no key. `refusal` ends a lease at once, `outage` lets it run on, `integrity` is neither. */
export const keyFailureKinds = ['refusal', 'outage', 'integrity'] as const;
export type KeyFailureKind = (typeof keyFailureKinds)[number];

/** The exact cause, for messages and `details`; names only, never key bytes or tokens. */
export const keyFailureCauses = [
  'noSuchHost',
  'noIdentity', // the identity is refused a token: it is gone, or was never assigned
  'credentialRefused', // no credential of the outside vault stands for the identity, or its authority refuses it
  'unauthorized', // 401 after one forced fresh token
  'forbiddenByPolicy',
  'forbiddenByRbac',
  'forbiddenByFirewall',
  'forbidden', // any other 403
  'keyDisabled',
  'keyExpired',
  'keyNotYetValid',
  'keyOperationForbidden',
  'keyNotFound',
  'throttled',
  'serverError',
  'unreachable',
  'timeout',
  'badRequest',
  'wrongLength',
  'mismatch', // the unwrapped bytes are not the key
  'unknown',
] as const;
export type KeyFailureCause = (typeof keyFailureCauses)[number];

export interface KeyFailure {
  readonly outcome: 'failed';
  readonly kind: KeyFailureKind;
  readonly cause: KeyFailureCause;
  readonly status?: number;
  /** The vault's own message, at most 1,000 characters. */
  readonly message: string;
  /** `x-ms-keyvault-region` of the vault, lower case, when it answered at all. */
  readonly region?: string;
}

/** What a reader with only data-plane rights can learn of a key. Times in Unix seconds, as the vault gives them. */
export interface KeyDescription {
  readonly kid: VersionedKeyId;
  readonly keyType: string;
  /** Length of the RSA modulus; undefined for other types. */
  readonly bits?: number;
  readonly enabled: boolean;
  readonly notBefore?: number;
  readonly expires?: number;
  readonly keyOperations: readonly string[];
  readonly recoveryLevel: string;
  /** `x-ms-keyvault-region`, lower case. */
  readonly region?: string;
}

/** The way to a vault, as the given identity and as any stranger would go: over HTTPS, with a fresh token. RSA-OAEP-256 always.
 * Never throws for what a vault or network does: every outcome is a value. Takes at most 5 s a call. */
export interface KeyWrapper {
  /** GET key; without a version the latest. */
  describe(
    identity: Guid,
    key: { readonly vaultHost: HostName; readonly name: KeyName; readonly version?: string },
  ): Promise<{ readonly outcome: 'described'; readonly key: KeyDescription } | KeyFailure>;
  /** @param plaintext at most 190 bytes; the caller zeroes it
   * @returns as many bytes as the RSA modulus, wrapped by exactly `kid` */
  wrap(
    identity: Guid,
    kid: VersionedKeyId,
    plaintext: Uint8Array,
  ): Promise<{ readonly outcome: 'wrapped'; readonly wrapped: Uint8Array } | KeyFailure>;
  /** @returns the plaintext, which the caller zeroes */
  unwrap(
    identity: Guid,
    kid: VersionedKeyId,
    wrapped: Uint8Array,
  ): Promise<{ readonly outcome: 'unwrapped'; readonly plaintext: Uint8Array } | KeyFailure>;
}
