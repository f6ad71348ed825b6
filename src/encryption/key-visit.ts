import type { KeyFailure, KeyWrapper } from './key-wrapper.ts';
import type { KeyTarget, WrappedClusterKey } from './rotation.ts';
import { openClusterKey, rewrapClusterKey } from './rotation.ts';

/** Asks the vault whether the recorded wrap still opens. The key is overwritten before this resolves. */
export async function visitKey(
  wrapper: KeyWrapper,
  current: WrappedClusterKey,
): Promise<{ readonly outcome: 'opened' } | KeyFailure> {
  const opened = await openClusterKey(wrapper, current);
  if (opened.outcome === 'failed') return opened;
  opened.key.wipe();
  return { outcome: 'opened' };
}

/** Rotation for a cluster that nobody uses now: the key is overwritten before this resolves.
 * @returns the new wrap and the check value of the key, for the record */
export async function rewrapOnVisit(
  wrapper: KeyWrapper,
  current: WrappedClusterKey,
  target: KeyTarget,
): Promise<
  | { readonly outcome: 'rewrapped'; readonly wrapped: Uint8Array; readonly check: Uint8Array }
  | { readonly outcome: 'currentKeyLost'; readonly failure: KeyFailure }
  | KeyFailure
> {
  const result = await rewrapClusterKey(wrapper, current, target);
  if (result.outcome !== 'rewrapped') return result;
  const check = result.key.derive('check');
  result.key.wipe();
  return { outcome: 'rewrapped', wrapped: result.wrapped, check };
}
