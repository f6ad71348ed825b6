import type { Guid } from '../base/guid.ts';
import type { HostName, KeyName, KeyVersion } from '../base/names.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import type { StateWrite } from '../state/state.ts';
import type { DatabaseKeys } from './database-keys.ts';
import type { KeyDescription, KeyFailure } from './key-wrapper.ts';

/** A customer's key as a cluster names it, after parsing. */
export interface CustomerKey {
  /** As the caller sent it; messages repeat it. */
  readonly vaultUri: string;
  readonly vaultHost: HostName;
  readonly keyName: KeyName;
  /** Absent: always the latest version. */
  readonly keyVersion?: KeyVersion;
  /** Object id of the identity the cluster goes to the vault with. */
  readonly identity: Guid;
  /** Resource id of that identity when it is user-assigned. */
  readonly userIdentity?: string;
}

/** `microsoftManaged`: a key of Kustody's own service vault, one per cluster. */
export type Custody = { readonly kind: 'microsoftManaged' } | { readonly kind: 'customer'; readonly key: CustomerKey };

export interface Suspension {
  /** ISO time on the Kustody clock. */
  readonly since: string;
  readonly failure: KeyFailure;
  /** Says which vault and key, what happened, and what to do. */
  readonly reason: string;
}

export interface ClusterKeyStatus {
  readonly custody: Custody;
  /** The key version that wraps the cluster key now. */
  readonly kid: VersionedKeyId;
  /** Counts changes of the cluster key itself (changes of custody, and of the own key of a database), from 1. */
  readonly generation: number;
  readonly suspension?: Suspension;
  /** Set when the key still works but will not for long, or a newer version is not followed, and why. */
  readonly warning?: string;
}

/** What preflight found, in the order of the checks; the first that fails ends it. The provider turns it into one of the documented errors. */
export type KeyPreflight =
  | { readonly outcome: 'usable'; readonly key: KeyDescription }
  | { readonly outcome: 'vaultNotFound'; readonly why: 'noSuchHost' | 'otherRegion'; readonly found?: string }
  | { readonly outcome: 'noAccess'; readonly operation: 'get' | 'wrapKey' | 'unwrapKey'; readonly failure: KeyFailure }
  | { readonly outcome: 'keyNotFound'; readonly failure: KeyFailure }
  | { readonly outcome: 'softDeleteOff' }
  | { readonly outcome: 'purgeProtectionOff' }
  | { readonly outcome: 'wrongType'; readonly found: string }
  | { readonly outcome: 'notUsableNow'; readonly why: 'disabled' | 'expired' | 'notYetValid'; readonly at?: number }
  /** The vault could not be asked (429, 5xx, timeout); nothing is known. */
  | { readonly outcome: 'unavailable'; readonly failure: KeyFailure };

/** A change that is ready: the vault calls are done, the new wrap was unwrapped and compared. Commit `write` together with the ARM resource;
 * then call `committed` (or `abandoned`). */
export interface PreparedKeyChange {
  readonly write: readonly StateWrite[];
  readonly status: ClusterKeyStatus;
  committed(): Promise<void>;
  abandoned(): Promise<void>;
}

/** The current key does not unwrap, so no change may start: revocation cannot be undone by whoever may PATCH the cluster. */
export interface CurrentKeyLost {
  readonly outcome: 'currentKeyLost';
  readonly vaultUri: string;
  readonly keyName: string;
  readonly failure: KeyFailure;
}

export interface HowToCreate {
  /** Whatever is stored is encrypted a second time, with another algorithm under a key of the platform; for good. */
  readonly doubleEncryption: boolean;
}

/** The keys of all clusters, as the resource provider and the data plane see them. Key bytes never leave the cluster's own process. */
export interface ClusterKeys {
  /** Makes the first cluster key, under Microsoft-managed custody or (creation with CMK) a customer's key. */
  create(
    clusterId: Guid,
    custody: Custody,
    how?: HowToCreate,
  ): Promise<PreparedKeyChange | { readonly outcome: 'failed'; readonly failure: KeyFailure }>;
  /** Asks the vault, as `key.identity`, whether the key can be used by a cluster in `region`. Changes nothing. */
  preflight(key: CustomerKey, region: string): Promise<KeyPreflight>;
  /** Rotation to another version of the same key, or a change of custody: decided here from what is recorded. */
  change(
    clusterId: Guid,
    to: Custody,
  ): Promise<PreparedKeyChange | CurrentKeyLost | { readonly outcome: 'failed'; readonly failure: KeyFailure }>;
  /** Lets the cluster go to the vault as another principal from now on, with the same key: its system-assigned identity was made anew,
   * or a user-assigned one takes its place (or the other way round).
   * Changes no key. Whether the new principal may unwrap shows at the next check, or at once with `mustOpen`.
   * @param userIdentity resource id of the identity when it is user-assigned
   * @param how `mustOpen`: while the cluster is suspended, the principal has to unwrap what is recorded in this operation
   * @returns writes for the caller's commit (none under Microsoft-managed custody); call `recheck` after it, or when it fails */
  useIdentity(
    clusterId: Guid,
    identity: Guid,
    userIdentity?: string,
    how?: { readonly mustOpen: boolean },
  ): Promise<readonly StateWrite[] | CurrentKeyLost>;
  status(clusterId: Guid): Promise<ClusterKeyStatus | undefined>;
  /** Checks now, out of turn: after start, an identity change, a vault event. A stopped cluster is left alone unless it is to start.
   * @returns the status afterwards */
  recheck(clusterId: Guid, options?: { readonly startStopped: boolean }): Promise<ClusterKeyStatus>;
  /** Ends the cluster's process: stop. Its keys and plaintext go with it, and nobody checks its key until it starts. */
  stop(clusterId: Guid): Promise<void>;
  /** Writes that remove all key records of a cluster; call `stop` after the commit. */
  remove(clusterId: Guid): Promise<readonly StateWrite[]>;
  /** Keys that databases have of their own. */
  readonly databases: DatabaseKeys;
  /** Called with a cluster id whenever its suspension, or that of a database of it, begins or ends. @returns unsubscribe */
  onChange(listener: (clusterId: Guid) => void): () => void;
}
