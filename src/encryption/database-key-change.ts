import type { Guid } from '../base/guid.ts';
import type { RandomBytes } from '../base/random.ts';
import type { ClusterKey } from './cluster-key.ts';
import type { KeyFailure, KeyWrapper } from './key-wrapper.ts';
import type { KeyTarget, WrappedClusterKey } from './rotation.ts';
import { makeClusterKey, openClusterKey } from './rotation.ts';

/** A change of the own key of a database, as its cluster's process is asked for it. */
export interface DatabaseKeyChangeCall {
  readonly databaseId: Guid;
  /** What is recorded; names the database in the place of the cluster. Undefined: the database has none yet. */
  readonly current?: WrappedClusterKey;
  /** Undefined: it has none afterwards. */
  readonly target?: KeyTarget;
}

/** Both keys, borrowed: they are overwritten when the change is laid out. */
export interface DatabaseKeyChange {
  readonly databaseId: Guid;
  readonly from: ClusterKey | undefined;
  readonly to: ClusterKey | undefined;
}

export type ChangedDatabaseKey<T> =
  | {
      readonly outcome: 'changed';
      readonly result: T;
      /** Of the new key, if there is one. */
      readonly made?: { readonly wrapped: Uint8Array; readonly check: Uint8Array };
    }
  /** What is recorded does not open. */
  | { readonly outcome: 'databaseKeyLost'; readonly failure: KeyFailure }
  | { readonly outcome: 'databaseKeyFailed'; readonly failure: KeyFailure };

/** Another KEK for a database, the first or the last one: as for a cluster, that is another key and not only another wrap. What is recorded
 * must unwrap first, so a key that was revoked is not carried over.
 * @param use lays out what the change makes of the catalog */
export async function changeDatabaseKey<T>(
  wrapper: KeyWrapper,
  { databaseId, current, target }: DatabaseKeyChangeCall,
  randomBytes: RandomBytes,
  use: (change: DatabaseKeyChange) => Promise<T>,
): Promise<ChangedDatabaseKey<T>> {
  const opened = current && (await openClusterKey(wrapper, current));
  if (opened?.outcome === 'failed') return { outcome: 'databaseKeyLost', failure: opened };
  try {
    const made = target && (await makeClusterKey(wrapper, databaseId, target, randomBytes));
    if (made?.outcome === 'failed') return { outcome: 'databaseKeyFailed', failure: made };
    try {
      const result = await use({ databaseId, from: opened?.key, to: made?.key });
      if (made === undefined) return { outcome: 'changed', result };
      return { outcome: 'changed', result, made: { wrapped: made.wrapped, check: made.key.derive('check') } };
    } finally {
      made?.key.wipe();
    }
  } finally {
    opened?.key.wipe();
  }
}
