import type { Guid } from '../../base/guid.ts';
import type { HostName, KeyName } from '../../base/names.ts';
import type { CustomerKey } from '../../encryption/cluster-keys.ts';
import type { DatabaseKeyChangeCall } from '../../encryption/database-key-change.ts';
import type { KeyTarget, WrappedClusterKey } from '../../encryption/rotation.ts';
import type { Sampling } from '../../http/tracing/tracer.ts';
import type { BlobPlace } from '../../storage/places/blob-place.ts';
import type { ExtentCall, InventoryCall } from './inventory.ts';
import type { EndedRequestsCall } from './ended-requests.ts';
import type { CancelElsewhereCall, EndedElsewhereCall } from './requests-elsewhere.ts';
import type { RowsCall } from './rows.ts';
import type { ScriptCall } from './scripts.ts';
import type { StorageAccount } from './storage-account.ts';
import type { Edge } from './vault-calls.ts';

/** What the supervisor asks of a cluster process, which believes it: types without a check. Bytes of what customers' keys wrap never appear here:
 * only wrapped ones and check values. */
export interface SupervisorCalls {
  /** Always first. Without a cluster the process keeps no keys and only asks vaults. */
  readonly configure: {
    readonly clusterId: Guid | undefined;
    /** It answers `open` and `rewrap` for any cluster and forgets the key with the answer; it never becomes the process of one. */
    readonly visitsKeys: boolean;
    readonly edge: Edge;
    readonly vaultTimeoutMs: number;
    /** Where sealed extents are kept; undefined: this server has no place for data. */
    readonly blobs: BlobPlace | undefined;
    /** It is on another node than the one that serves: another process writes the cluster's catalog, and this one only reads it. */
    readonly reads?: true;
    /** Undefined: no spans are made. */
    readonly sampling?: Sampling;
  };
  readonly describe: {
    readonly identity: Guid;
    readonly key: { readonly vaultHost: HostName; readonly name: KeyName; readonly version?: string };
    /** Whose key it is, where the process visits keys. */
    readonly clusterId?: Guid;
  };
  readonly preflight: { readonly key: CustomerKey; readonly region: string; readonly nowSeconds: number };
  /** Unwraps the recorded key and keeps it as `generation`. */
  readonly open: { readonly current: WrappedClusterKey; readonly generation: number };
  /** Makes a key; kept aside until `adopt`. */
  readonly make: {
    readonly target: KeyTarget;
    /** Of the second layer, which the platform has; undefined: there is none. */
    readonly infrastructureKey?: Uint8Array | undefined;
  };
  readonly rewrap: { readonly current: WrappedClusterKey; readonly target: KeyTarget };
  /** `change` goes with everything that is written for it. With `database`, the own key of that one changes, too. */
  readonly replace: {
    readonly current: WrappedClusterKey;
    readonly target: KeyTarget;
    readonly change: Guid;
    readonly database?: DatabaseKeyChangeCall;
  };
  /** The change is committed: the key kept aside, known by its check value, is the cluster's now. */
  readonly adopt: { readonly generation: number; readonly check: Uint8Array };
  /** The change was given up: the key kept aside is wiped. */
  readonly forget: { readonly check: Uint8Array };
  /** Makes the key of a database of its own, and keeps it in use. */
  readonly makeDatabaseKey: { readonly databaseId: Guid; readonly target: KeyTarget };
  /** Unwraps it and keeps it. `current` names the database in the place of the cluster. */
  readonly openDatabaseKey: { readonly current: WrappedClusterKey };
  /** The database has a key that is not to be had now. */
  readonly lockDatabase: { readonly databaseId: Guid };
  /** Its key was made and given up. */
  readonly forgetDatabaseKey: { readonly databaseId: Guid };
  /** Opens the data plane of the cluster; connections are handed over afterwards. Once per process. */
  readonly serveData: DataPlaneSettings;
  /** Takes connections to `localhost` besides. Once per process, and only in that of the cluster that has this name. */
  readonly serveLocalhost: LocalhostSettings;
  /** What the cluster holds, without any row. Its data plane is open. */
  readonly inventory: InventoryCall;
  /** Where an extent lies, and what opens it for whoever has the key. */
  readonly findExtent: ExtentCall;
  /** From time to time: databases that were deleted go, and merging and expiring goes on, behind the answer. */
  readonly upkeep: {
    readonly now: number;
    readonly dropped: readonly Guid[];
    /** Nothing goes for its age: the clock is doubtful. */
    readonly destructionHeld: boolean;
    /** Pages of extents may be written. */
    readonly packsExtents: boolean;
    /** What the resource manager knows: the data is opened when it is not. */
    readonly open?: InventoryCall['databases'];
  };
  /** Whether the process may go, because nobody has needed it for so long. */
  readonly rest: { readonly idleMs: number };
  /** The stored data was put back to an earlier state, with the Kustody clock. */
  readonly putBack: { readonly now: number };
  readonly databaseBytes: { readonly databaseId: Guid };
  /** Its data plane is open. */
  readonly runScript: ScriptCall;
  /** Its data plane is open. */
  readonly addRows: RowsCall;
  readonly endedRequests: EndedRequestsCall;
  /** Of a process that only reads: what runs there, and what has ended without that the cluster's own process knows. */
  readonly shownRequests: Record<string, never>;
  /** Of a process that only reads. */
  readonly cancelRequest: CancelElsewhereCall;
  /** Of the cluster's own process: what has ended in one that only reads. */
  readonly endedElsewhere: EndedElsewhereCall;
  /** Its data plane is open. */
  readonly flushQueue: Record<string, never>;
  /** It takes no connection any more; answered when no answer is under way. */
  readonly drain: Record<string, never>;
  /** Tells whoever waits for an answer why there will be none; no row goes out any more. The process is ended then. */
  readonly shutDown: ShutdownReason;
}

/** Why a cluster ends to serve. */
export type ShutdownReason =
  | { readonly kind: 'suspended'; readonly reason: string }
  | { readonly kind: 'stopped' }
  /** Kustody itself stops. */
  | { readonly kind: 'instanceStopped' }
  /** It starts again, without the key of a database of its own. */
  | { readonly kind: 'databaseSuspended'; readonly reason: string };

export interface LocalhostSettings {
  /** A leaf for localhost and the loopback addresses, with its chain and key. */
  readonly chainPem: string;
  readonly privateKeyPem: string;
  /** @see DataPlaneSettings */
  readonly listenPath: string;
}

export interface DataPlaneSettings {
  /** The way to the process that writes, where this one only reads: whatever is no query goes there. */
  readonly writer?: Edge;
  readonly clusterId: Guid;
  readonly clusterName: string;
  /** The engine's name and the one with `ingest-`. */
  readonly hosts: readonly HostName[];
  /** Of the cluster's storage accounts. */
  readonly storageHosts: readonly HostName[];
  /** A leaf for exactly these names, with its chain and key. */
  readonly chainPem: string;
  readonly privateKeyPem: string;
  /** Where the process listens besides, since only a listening server watches its timeouts: an abstract Unix socket. */
  readonly listenPath: string;
  /** `dist/kql-process.js`. */
  readonly parserScript: string;
  /** The user's directory for start-up snapshots of the parser; undefined: there are none. */
  readonly parserSnapshots: string | undefined;
  /** Where the user's database of places lies, absolute; undefined: there is none. */
  readonly geoipDatabase: string | undefined;
  /** Accounts of storage that are elsewhere here. */
  readonly storageAccounts: readonly StorageAccount[];
  /** On a tmpfs: where extents lie opened. Undefined: `/dev/shm`. */
  readonly memoryDirectory: string | undefined;
  /** Of Kustody; the time of its build in ticks. */
  readonly version: { readonly version: string; readonly builtAt: bigint };
}

export type SupervisorCall = keyof SupervisorCalls;
