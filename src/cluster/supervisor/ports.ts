import type { MintToken } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import type { VersionedKeyId } from '../../base/key-id.ts';
import type { HostName, KeyName } from '../../base/names.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Clock } from '../../clock/clock.ts';
import type { MonotonicClock } from '../../clock/monotonic-clock.ts';
import type { Custody } from '../../encryption/cluster-keys.ts';
import type { KeyFailure } from '../../encryption/key-wrapper.ts';
import type { LeaseSettings, TwoClocks } from '../../encryption/lease.ts';
import type { Tracer } from '../../http/tracing/tracer.ts';
import type { State } from '../../state/state.ts';
import type { CacheUse } from '../../storage/cache-use.ts';
import type { AskAccess } from '../../storage/placed-blobs.ts';
import type { BlobPlace } from '../../storage/places/blob-place.ts';
import type { ClusterProcess } from './cluster-process.ts';
import type { Edge, OutsideRoute, TokenAnswer, TokenTarget } from '../messages/vault-calls.ts';

/** Whose a vault's host name is. `outside`: a real vault that the operator named, with a credential of its own. */
export type HostResolution =
  | { readonly where: 'ours' }
  | { readonly where: 'absent' }
  | {
      readonly where: 'outside';
      readonly route: OutsideRoute;
      /** A token of the account that stands for `identity` there. */
      readonly mintToken: (identity: Guid, target: TokenTarget) => Promise<TokenAnswer>;
    };

/** Kustody's own vault, with one key for each cluster under Microsoft-managed custody. Both calls go over its data plane as a
 * hidden principal; neither throws for what a vault does. */
export interface ServiceVault {
  readonly host: HostName;
  /** The hidden principal that clusters go to it with: get, wrapKey, unwrapKey. */
  readonly identity: Guid;
  /** RSA 2048, usable at once. */
  createKey(name: KeyName): Promise<{ readonly outcome: 'created'; readonly kid: VersionedKeyId } | KeyFailure>;
  /** Deleted and purged: nothing opens with it any more. A key that is not there counts as destroyed. */
  destroyKey(name: KeyName): Promise<{ readonly outcome: 'destroyed' } | KeyFailure>;
}

/** Names and values never come from a key, a token or a vault's message. */
export interface KeyLog {
  /** Undefined: nobody traces. */
  readonly tracer?: Tracer;
  event(name: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
  warning(name: string, fields?: Readonly<Record<string, string | number | boolean>>): void;
  failure(name: string, error: unknown, fields?: Readonly<Record<string, string | number | boolean>>): void;
}

/** Durable steps of a change, in their order: a test stops the world at each. */
export type KeyStep =
  | 'serviceKeyPlanned'
  | 'serviceKeyMade'
  | 'prepared'
  | 'committed'
  | 'serviceKeyDestroyed'
  | 'otherCatalogCleared'
  | 'compacted';

export interface ClusterKeysOptions {
  readonly state: State;
  /** The Kustody clock: leases and checks. */
  readonly clock: Clock;
  /** Leases end by it too; checks, timeouts and back-off follow it alone. */
  readonly monotonic: MonotonicClock;
  readonly randomBytes: RandomBytes;
  readonly mintToken: MintToken;
  /** Id of the resource of a cluster, which tokens of its identities name. */
  readonly resourceIdOf?: (clusterId: Guid) => Promise<string | undefined>;
  readonly resolveHost: (host: HostName) => Promise<HostResolution>;
  readonly edge: Edge;
  readonly serviceVault: ServiceVault;
  readonly settings: LeaseSettings & { readonly vaultTimeoutMs: number };
  /** So long the main process may answer at all, in milliseconds; without it for ever. No key lease and no grace goes beyond it. */
  readonly nodeLeaseMs?: () => number;
  /** Names of the tables that cluster processes read and write, each its own records: ids start with `{cluster id}/`.
   * None by default. */
  readonly clusterTables?: readonly string[];
  /** Where clusters keep their sealed extents. */
  readonly blobs?: BlobPlace;
  /** To a container that is named without a signature. */
  readonly containerAccess?: AskAccess;
  /** Told what processes of clusters have kept of it. */
  readonly cacheUsed?: (use: CacheUse) => void;
  /** Answers what the data plane of a cluster process asks. Without it clusters have no data plane.
   * @throws for an operation that there is not, or a body that makes no sense */
  readonly serveDataPlane?: (clusterId: Guid, operation: string, body: unknown) => Promise<unknown>;
  /** `dist/cluster-process.cjs`. */
  readonly processScript: string;
  readonly startUpFiles?: string | undefined;
  /** A file of root certificates that sources are trusted by, besides the public ones. */
  readonly extraRoots?: string | undefined;
  /** Runs already and belongs to nobody: the first that is needed. Whoever started it ends it if nobody took it. */
  readonly spareProcess?: ClusterProcess;
  /** Leaves nothing overwritten on disk (truncates the WAL): after a change of custody. */
  readonly compact: () => Promise<void>;
  readonly log: KeyLog;
  readonly faults?: (step: KeyStep) => void | Promise<void>;
  /** Where a cluster process may write to; for debugging. */
  readonly processOutput?: 'ignore' | 'inherit';
}

export const bothClocks = (options: Pick<ClusterKeysOptions, 'clock' | 'monotonic'>): TwoClocks => ({
  kustody: options.clock.now(),
  real: options.monotonic.moment(),
});

/** Who goes to the vault for a cluster. */
export const identityOf = (custody: Custody, serviceVault: ServiceVault): Guid =>
  custody.kind === 'customer' ? custody.key.identity : serviceVault.identity;
