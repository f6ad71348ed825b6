import type { RootKey } from '../../state/root-key.ts';
import type { StateStore } from '../../state/state-store.ts';
import type { Copied } from '../copy-events.ts';
import type { Instance } from '../instance.ts';
import type { BackupManifest } from './backup-manifest.ts';
import type { BackupSide } from './backup-sides.ts';
import type { ReadState } from './cluster-backup.ts';
import type { KeptCluster } from './kept-cluster.ts';
import type { MoveEnd } from './move-end.ts';

/** Where a backup is laid out: on a side that no manifest names, beside blobs that are there. */
export interface Laying {
  readonly to: Pick<MoveEnd, 'dataDirectory'>;
  readonly target: StateStore;
  readonly side: BackupSide;
  /** Undefined: the whole instance. */
  readonly cluster: KeptCluster | undefined;
}

/** What lies there now: of one point in time. */
export type LaidOut = Pick<BackupManifest, 'records' | 'blobs' | 'cluster'>;

/** An instance that a backup is made of: one that nobody serves, or one that is served meanwhile. */
export interface BackupSource {
  readonly instance: Instance;
  readonly rootKey: RootKey;
  readonly store: StateStore;
  /** The full id of the key version in a vault that has wrapped the root key that seals it; undefined: none has. */
  readonly rootKeyKid: () => Promise<string | undefined>;
  /** The format that its records are in. */
  readonly written: () => number;
  readonly read: ReadState;
  readonly tell: (copied: Copied) => Promise<void>;
  readonly layOut: (laying: Laying) => Promise<LaidOut>;
}
