import type { Guid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { isSameKey } from '../base/key-id.ts';
import { equalBytes, zeroBytes } from '../base/bytes.ts';
import type { RandomBytes } from '../base/random.ts';
import { ClusterKey, clusterKeyBytes } from './cluster-key.ts';
import type { ClusterKeyRecord } from './cluster-key-state.ts';
import type { Custody } from './cluster-keys.ts';
import type { KeyFailure, KeyWrapper } from './key-wrapper.ts';
import { classifyOutcome } from './outcome-table.ts';

/** `rotate`: the same KEK, maybe another version, identity or way of naming it: the cluster key stays and is wrapped anew.
 * `replace`: another KEK, so another cluster key (see custody-change.ts). */
export type KeyChangeKind = 'rotate' | 'replace';

export function keyChangeKind(record: ClusterKeyRecord, to: Custody): KeyChangeKind {
  const { custody, kid } = record;
  if (custody.kind === 'microsoftManaged' || to.kind === 'microsoftManaged') {
    return custody.kind === to.kind ? 'rotate' : 'replace';
  }
  return isSameKey(kid, { vaultHost: to.key.vaultHost, name: to.key.keyName }) ? 'rotate' : 'replace';
}

/** The recorded wrap of a cluster key and who may unwrap it: the first identity that can is used. */
export interface WrappedClusterKey {
  readonly clusterId: Guid;
  readonly identities: readonly Guid[];
  readonly kid: VersionedKeyId;
  readonly wrapped: Uint8Array;
  readonly check: Uint8Array;
}

export interface KeyTarget {
  readonly identity: Guid;
  readonly kid: VersionedKeyId;
}

export type OpenedKey = { readonly outcome: 'opened'; readonly key: ClusterKey } | KeyFailure;

/** Unwraps with exactly the recorded kid and proves that the result is the cluster's key. */
export async function openClusterKey(wrapper: KeyWrapper, current: WrappedClusterKey): Promise<OpenedKey> {
  const [first, ...others] = current.identities;
  invariant(first !== undefined, 'somebody goes to the vault');
  let answer = await wrapper.unwrap(first, current.kid, current.wrapped);
  for (const identity of others) {
    if (answer.outcome === 'unwrapped') break;
    answer = await wrapper.unwrap(identity, current.kid, current.wrapped);
  }
  if (answer.outcome === 'failed') return answer;
  if (answer.plaintext.byteLength !== clusterKeyBytes) {
    const found = answer.plaintext.byteLength;
    zeroBytes(answer.plaintext);
    return classifyOutcome({
      seen: 'wrongLength',
      message: `The vault unwrapped ${found} bytes instead of ${clusterKeyBytes}.`,
    });
  }
  const key = ClusterKey.from(current.clusterId, answer.plaintext);
  const check = key.derive('check');
  if (!equalBytes(check, current.check)) {
    key.wipe();
    return classifyOutcome({ seen: 'mismatch', message: 'The unwrapped key is not the key of this cluster.' });
  }
  return { outcome: 'opened', key };
}

/** Wraps `key` under `target`, unwraps the new wrap and compares: a wrap that was never opened is never recorded. */
export async function wrapAndVerify(
  wrapper: KeyWrapper,
  key: ClusterKey,
  target: KeyTarget,
): Promise<{ readonly outcome: 'wrapped'; readonly wrapped: Uint8Array } | KeyFailure> {
  const wrap = await key.lend((bytes) => wrapper.wrap(target.identity, target.kid, bytes));
  if (wrap.outcome === 'failed') return wrap;
  const back = await wrapper.unwrap(target.identity, target.kid, wrap.wrapped);
  if (back.outcome === 'failed') return back;
  const same = key.isSame(back.plaintext);
  zeroBytes(back.plaintext);
  return same
    ? wrap
    : classifyOutcome({ seen: 'mismatch', message: 'The new wrap does not unwrap to what was wrapped.' });
}

export type RewrapOutcome =
  | { readonly outcome: 'rewrapped'; readonly wrapped: Uint8Array; readonly key: ClusterKey }
  | { readonly outcome: 'currentKeyLost'; readonly failure: KeyFailure }
  | KeyFailure;

/** Rotation: one unwrap with the recorded kid, one wrap, one unwrap that proves it. Never starts from memory, so a key that
 * was revoked cannot be carried over to another. */
export async function rewrapClusterKey(
  wrapper: KeyWrapper,
  current: WrappedClusterKey,
  target: KeyTarget,
): Promise<RewrapOutcome> {
  const opened = await openClusterKey(wrapper, current);
  if (opened.outcome === 'failed') return { outcome: 'currentKeyLost', failure: opened };
  const wrap = await wrapAndVerify(wrapper, opened.key, target);
  if (wrap.outcome === 'failed') {
    opened.key.wipe();
    return wrap;
  }
  return { outcome: 'rewrapped', wrapped: wrap.wrapped, key: opened.key };
}

/** The first key of a cluster, wrapped and proven. */
export async function makeClusterKey(
  wrapper: KeyWrapper,
  clusterId: Guid,
  target: KeyTarget,
  randomBytes: RandomBytes,
): Promise<{ readonly outcome: 'made'; readonly wrapped: Uint8Array; readonly key: ClusterKey } | KeyFailure> {
  const key = ClusterKey.create(clusterId, randomBytes);
  const wrap = await wrapAndVerify(wrapper, key, target);
  if (wrap.outcome === 'failed') {
    key.wipe();
    return wrap;
  }
  return { outcome: 'made', wrapped: wrap.wrapped, key };
}
