import type { Guid } from '../base/guid.ts';
import type { RandomBytes } from '../base/random.ts';
import type { StateWrite } from '../state/state.ts';
import type { ClusterKey } from './cluster-key.ts';
import type { DatabaseKeyChange } from './database-key-change.ts';
import type { KeyFailure, KeyWrapper } from './key-wrapper.ts';
import type { KeyTarget, WrappedClusterKey } from './rotation.ts';
import { makeClusterKey, openClusterKey } from './rotation.ts';

/** Wraps every DEK of the cluster anew: opened with `old`, wrapped with `next`. Runs in the cluster's process.
 * @param change what it writes beforehand is written only while this change is under way
 * @param database whose own key changes with it
 * @returns the writes that make it count; each names the version it replaces. No extent is rewritten.
 * @throws ChangeEndedError */
export type RewrapCatalog = (
  old: ClusterKey,
  next: ClusterKey,
  change: Guid,
  database?: DatabaseKeyChange,
) => Promise<readonly StateWrite[]>;

/** The change of custody for which something was to be written is not under way any more. */
export class ChangeEndedError extends Error {
  override readonly name = 'ChangeEndedError';
  constructor() {
    super('The change of custody has ended.');
  }
}

export type ReplaceOutcome =
  | {
      readonly outcome: 'replaced';
      readonly wrapped: Uint8Array;
      readonly key: ClusterKey;
      readonly write: readonly StateWrite[];
    }
  | { readonly outcome: 'currentKeyLost'; readonly failure: KeyFailure }
  /** The change is not under way any more. */
  | { readonly outcome: 'ended' }
  | KeyFailure;

/** Change of custody: a new cluster key under another KEK. The old key must unwrap first, from the record, not from memory. */
export async function replaceClusterKey(
  wrapper: KeyWrapper,
  current: WrappedClusterKey,
  target: KeyTarget,
  randomBytes: RandomBytes,
  rewrapCatalog: (old: ClusterKey, next: ClusterKey) => Promise<readonly StateWrite[]>,
): Promise<ReplaceOutcome> {
  const opened = await openClusterKey(wrapper, current);
  if (opened.outcome === 'failed') return { outcome: 'currentKeyLost', failure: opened };
  try {
    const made = await makeClusterKey(wrapper, current.clusterId, target, randomBytes);
    if (made.outcome === 'failed') return made;
    try {
      const write = await rewrapCatalog(opened.key, made.key);
      return { outcome: 'replaced', wrapped: made.wrapped, key: made.key, write };
    } catch (error) {
      made.key.wipe();
      if (error instanceof ChangeEndedError) return { outcome: 'ended' };
      throw error;
    }
  } finally {
    opened.key.wipe();
  }
}
