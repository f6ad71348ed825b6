import type { BlobsElsewhere } from './blobs-owner.ts';
import type { CacheMetrics } from './cache-metrics.ts';
import type { Authorizer } from '../authz/role-assignments.ts';
import type { RandomBytes } from '../base/random.ts';
import type { ClusterProcess } from '../cluster/supervisor/cluster-process.ts';
import type { CertificateAuthority } from '../http/certificate-authority.ts';
import type { Log } from '../http/logging.ts';
import type { RecentRequests } from '../http/recent-requests.ts';
import type { RequestMetrics } from '../http/request-metrics.ts';
import type { RefusedHosts } from '../http/refused-hosts.ts';
import type { HeldStore } from '../state/held-store.ts';
import type { RootKey } from '../state/root-key.ts';
import type { SealedState } from '../state/sealed/sealed-state.ts';
import type { State } from '../state/state.ts';
import type { WatchedState } from '../state/watched-state.ts';
import type { StoredFormat } from '../state/formats/state-formats.ts';
import type { RsaKeyPool } from '../vault/rsa/rsa-keys.ts';
import type { Clocks } from './clocks.ts';
import type { Faults } from './faults.ts';
import type { IdentityParts } from './identity-parts.ts';
import type { Instance } from './instance.ts';
import type { ServerPorts, ServerSettings } from './settings.ts';
import type { NodeLease } from './node-lease.ts';
import type { RootKeyRotation } from './root-key-routes.ts';
import type { StateShown } from './state-place.ts';

/** What an opened data directory offers to the planes. */
export interface ServerParts {
  readonly settings: ServerSettings;
  readonly state: State;
  readonly onCommit: WatchedState['onCommit'];
  readonly tellCommit: WatchedState['tell'];
  readonly sealed: SealedState;
  /** Below `sealed`: what is copied of it while it is served. */
  readonly store: HeldStore;
  /** The one that seals now. */
  readonly rootKey: RootKey;
  readonly rootKeyRotation: RootKeyRotation;
  readonly compact: () => Promise<void>;
  readonly randomBytes: RandomBytes;
  readonly log: Log;
  readonly clocks: Clocks;
  readonly faults: Faults;
  readonly identity: IdentityParts;
  readonly instance: Instance;
  readonly authorizer: Authorizer;
  readonly certificatePem: string;
  readonly authority: CertificateAuthority;
  readonly controlToken: string;
  readonly spareProcess?: ClusterProcess;
  readonly keyPool: RsaKeyPool;
  readonly refusedHosts: RefusedHosts;
  readonly recentRequests: RecentRequests;
  readonly requestMetrics: RequestMetrics;
  readonly cacheMetrics: CacheMetrics;
  /** Reads a sealed record from where the state is kept. @throws when that fails, or when the state takes no writes */
  readonly checkState: () => Promise<void>;
  readonly format: StoredFormat;
  /** Of a state that is not in the data directory. */
  readonly stateShown: () => Promise<StateShown | undefined>;
  /** Of sealed extents that are not in the data directory. */
  readonly blobs: BlobsElsewhere | undefined;
  readonly nodeLease: NodeLease;
  /** @throws until the edge listens */
  readonly ports: () => ServerPorts;
}
