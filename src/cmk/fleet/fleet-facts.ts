import type { ClusterFacts, ClusterKey, Facts, KeyReading } from '../facts.ts';
import type { CmkTarget } from '../target.ts';

/** What was asked for, or why it is not known. */
export type Reading<T> =
  { readonly outcome: 'read'; readonly value: T } | { readonly outcome: 'refused'; readonly message: string };

/** One cluster of a fleet, without judgement. */
export interface FleetCluster {
  readonly cluster: ClusterFacts;
  readonly diskEncryption: boolean;
  readonly doubleEncryption: boolean;
  /** The cluster's own first, then those of its databases. Empty: all of it is under Microsoft's key. */
  readonly keys: readonly FleetKey[];
  readonly databases: Reading<readonly DatabaseFacts[]>;
  /** Who follows databases of the cluster, and falls with its key. */
  readonly followers: Reading<readonly FollowerFacts[]>;
  /** Names of the diagnostic settings of the cluster. */
  readonly diagnosticSettings: Reading<readonly string[]>;
}

export interface DatabaseFacts {
  readonly name: string;
  /** Absent: it is under the cluster's. */
  readonly key?: ClusterKey;
}

export interface FollowerFacts {
  readonly clusterId: string;
  /** `*`: every database of the cluster. */
  readonly database: string;
}

/** A key that a cluster or one of its databases is under. */
export interface FleetKey {
  /** Absent: the whole cluster. */
  readonly database?: string;
  readonly key: ClusterKey;
  /** Why the key could not be looked at: what the cluster names is no vault, or no identity. */
  readonly problem?: string;
  readonly view?: KeyView;
}

/** What was found of a key, its vault and the rights on it. */
export interface KeyView {
  readonly target: CmkTarget;
  /** As if the cluster had this key and no other. */
  readonly facts: Facts;
  /** Of a key that is named by its version: what is newest now. */
  readonly newest: KeyReading;
  readonly rotation: Reading<RotationFacts>;
  readonly vaultDiagnosticSettings: Reading<readonly string[]>;
}

export interface RotationFacts {
  /** The vault makes new versions by itself. */
  readonly rotates: boolean;
  /** ISO 8601 durations of the action that rotates, and of how long a new version is valid. */
  readonly after?: string;
  readonly beforeExpiry?: string;
  readonly versionsExpireIn?: string;
}

/** What a command looks at: all of it in one document. */
export interface Fleet {
  readonly subscriptions: readonly string[];
  readonly clusters: readonly FleetCluster[];
}
