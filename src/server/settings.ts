import type { VersionedKeyId } from '../base/key-id.ts';
import type { OutsideVault } from '../cluster/supervisor/outside-vaults/outside-vault.ts';
import type { StorageAccount } from '../cluster/messages/storage-account.ts';
import type { HostTime } from '../clock/host-time.ts';
import type { AllowedHost } from '../http/allowed-hosts.ts';
import type { LogOptions } from '../http/logging.ts';
import type { LeaseSettings } from '../encryption/lease.ts';
import { defaultLeaseSettings } from '../encryption/lease.ts';
import type { RootKey } from '../state/root-key.ts';
import type { StateFormat } from '../state/formats/state-formats.ts';
import type { GivenBy } from './root-key-place.ts';
import type { StatePlace } from './state-place.ts';
import type { MakeSigningKeys } from '../identity/entra/signing-keys.ts';
import type { MakeRsaKey } from '../vault/rsa/rsa-keys.ts';
import type { BackUpRunning } from './backup-routes.ts';
import type { Telemetry } from './telemetry.ts';
import type { AskAccess } from '../storage/placed-blobs.ts';
import type { BlobPlace } from '../storage/places/blob-place.ts';

/** Port `kept`: the one on which the directory was served last. */
export interface ServerAddress {
  readonly host: string;
  readonly port: number | 'kept';
}

/** Where a server listens. */
export interface ServerPorts {
  /** All planes by their host names, and the control API on `localhost`. */
  readonly port: number;
  readonly proxyPort: number;
  /** The cluster that is served on `localhost`: TLS ends in its process. */
  readonly kustoPort: number;
}

/** Scripts of the child processes, where what is made of them is kept, and what they trust. */
export interface ServerScripts {
  readonly clusterProcess: string;
  readonly kqlProcess: string;
  readonly rsaThread: string;
  readonly templateThread: string;
  /** Reads the files of a data directory, and nothing else. */
  readonly scanProcess: string;
  /** The user's directory for what starts are faster with: a snapshot of the parser, compiled functions of clusters; without it, they are plain. */
  readonly startUpFiles?: string;
  /** Absolute: root certificates in PEM that sources of data are trusted by, besides the public ones. */
  readonly extraRoots?: string;
}

/** Everything that may differ between two servers, checked and complete. */
export interface ServerSettings {
  /** Exists already, mode 0700. */
  readonly dataDirectory: string;
  readonly listen: ServerAddress;
  readonly proxy: ServerAddress;
  /** Where `localhost` leads to a cluster. */
  readonly kusto: ServerAddress;
  /** The two addresses above may be other than loopback. */
  readonly allowRemote: boolean;
  readonly allowedHosts: readonly AllowedHost[];
  /** For a new data directory only: its clock can be moved, and it stays so. */
  readonly virtualTime: boolean;
  /** Make a second subscription when there is none yet. */
  readonly secondSubscription?: boolean;
  /** Kept outside the data directory; without it a file beside the data is used. */
  readonly rootKey?: RootKey;
  /** How the user has given it, for people. */
  readonly rootKeyBy?: GivenBy;
  /** Instead of `rootKey`: it lies in the state, wrapped by this key, whose vault is among `outsideVaults`. */
  readonly rootKeyVault?: VersionedKeyId;
  /** Instead of `oldRootKey`: that lies in the state, wrapped by this key, and goes when `rootKey` has taken its place. */
  readonly oldRootKeyVault?: VersionedKeyId;
  /** The one that `rootKey` takes the place of, or has: what is sealed under it opens, too. */
  readonly oldRootKey?: RootKey;
  readonly oldRootKeyBy?: GivenBy;
  /** A file, or the number of a descriptor, that an older state is known by; without it only parts of a state that are older are. */
  readonly stateAnchor?: string;
  /** Where the state is kept instead of in the data directory. */
  readonly statePlace?: StatePlace;
  /** Known formats of states; default: those of this version. Tests give others. */
  readonly stateFormats?: readonly StateFormat[];
  /** Told once, when another Kustody serves the state, or did until it broke off. @param host of it
   * @param passing where connections are passed on to it */
  readonly onStandBy?: (host: string | undefined, passing?: ServerPorts) => void;
  /** Told once, when the state has a format that this node does not know: it waits to be stopped. @param port where it says so */
  readonly onUnready?: (why: string, port: number) => void;
  /** Ends the waiting for another Kustody. */
  readonly stop?: AbortSignal;
  /** Where other nodes of the instance reach this one, at a port of its own; port 0: any free one. While it stands by, it listens where it would
   * serve, and passes connections on. */
  readonly advertise?: { readonly host: string; readonly port: number };
  /** While it stands by, it answers queries itself, and while it serves, other nodes may. Default: it does not, and they may not. */
  readonly reads?: boolean;
  /** The user's city database in MMDB format, absolute; without it `geo_info_from_ip_address()` is refused. */
  readonly geoipDatabase?: string;
  /** Where clusters keep their sealed extents, each its part; default: a directory in the data directory. */
  readonly blobs?: BlobPlace;
  /** To a container that `blobs` names without a signature. */
  readonly containerAccess?: AskAccess;
  /** Of sealed bytes that each cluster keeps of a container, on the disk of the data directory; default 1 GiB, 0: none. */
  readonly blobsCacheBytes?: number;
  /** On a tmpfs: where clusters open their extents. Default `/dev/shm`. */
  readonly memoryDirectory?: string;
  /** Name of the cluster that `localhost` leads to; without it the only one. */
  readonly localhostCluster?: string;
  /** Vaults that are none of Kustody's, each with a credential. */
  readonly outsideVaults?: readonly OutsideVault[];
  /** Accounts of Azure Storage that are the user's own, elsewhere: clusters read from them. */
  readonly storageAccounts?: readonly StorageAccount[];
  readonly keys: LeaseSettings & { readonly vaultTimeoutMs: number };
  /** Where RSA keys come from, of vaults and of tokens. Default: made when they are needed, for 0.1 s of a processor each. */
  readonly rsaKeys?: { readonly ofVaults: MakeRsaKey; readonly ofTokens: MakeSigningKeys };
  /** Default: the machine's. Tests give one whose wall clock they set. */
  readonly host?: HostTime;
  /** A cluster that nobody has used for so long gives its processes back; default 10 minutes of real time. */
  readonly clusterIdleMs?: number;
  /** For queries under way when it stops; default 5 s of real time. */
  readonly stopGraceMs?: number;
  readonly log: Pick<LogOptions, 'level' | 'destination'>;
  /** Undefined: no spans are made, and metrics are told at `/metrics` alone. The server closes it. */
  readonly telemetry?: Telemetry;
  /** Makes a backup of the instance while it is served; without it there is none. */
  readonly backUp?: BackUpRunning;
  /** A cluster will be made right after the start: its process and its key are started at once, beside everything else. */
  readonly expectsCluster?: boolean;
  /** A seed follows the start: it is not ready before `tellSeeded`. */
  readonly seeds?: boolean;
  readonly scripts: ServerScripts;
}

export const defaultKeySettings: ServerSettings['keys'] = { ...defaultLeaseSettings, vaultTimeoutMs: 5_000 };

export const defaultBlobsCacheBytes = 1024 ** 3;
export const defaultClusterIdleMs = 600_000;
export const defaultStopGraceMs = 5_000;
/** Long enough that who deletes and looks twice at once sees that it is not done, on a busy machine, too. */
export const deletionsTakeMs = 1_000;

export const anyLoopbackPort: ServerAddress = { host: '127.0.0.1', port: 0 };
export const keptLoopbackPort: ServerAddress = { host: '127.0.0.1', port: 'kept' };
