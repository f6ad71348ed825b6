import type { Base64Url } from '../../base/base64url.ts';
import { toBase64Url } from '../../base/base64url.ts';
import type { Guid } from '../../base/guid.ts';
import type { VersionedKeyId } from '../../base/key-id.ts';
import { formatKeyId, isSameKey } from '../../base/key-id.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import type { KeyFailure } from '../../encryption/key-wrapper.ts';
import type { ClusterKeysOptions } from './ports.ts';
import { identityOf } from './ports.ts';
import { callProcess, wrappedKey } from './process-calls.ts';
import type { ProcessTable } from './process-table.ts';

/** The wrapped key of a cluster, as a backup of it has it. */
export type CopiedWrap = Pick<ClusterKeyRecord, 'kid' | 'wrapped' | 'check'>;

export type CopyRewrapped =
  | { readonly outcome: 'rewrapped'; readonly kid: VersionedKeyId; readonly wrapped: Base64Url }
  /** It is under the version that the cluster has now. */
  | { readonly outcome: 'current'; readonly kid: VersionedKeyId }
  | { readonly outcome: 'absent' }
  | { readonly outcome: 'refused'; readonly why: string }
  | KeyFailure;

interface Parts {
  readonly options: Pick<ClusterKeysOptions, 'state' | 'serviceVault'>;
  readonly processes: Pick<ProcessTable, 'visits'>;
}

/** Wraps the key of a copy under the version that the cluster has now: unwrapped by the old version and wrapped by the new one as the cluster's
 * identity, over HTTPS, and unwrapped once more. The key is in the process that visits vaults alone, for as long as that takes. Nothing is written. */
export async function rewrapCopy(
  { options, processes }: Parts,
  clusterId: Guid,
  copy: CopiedWrap,
): Promise<CopyRewrapped> {
  const found = await options.state.get(clusterKeyTable, clusterId);
  if (found === undefined) return { outcome: 'absent' };
  const { kid, custody, check, suspension, replacing } = found.value;
  if (!isSameKey(kid, copy.kid))
    return refused(
      `The backup is under another key, ${formatKeyId(copy.kid)}, and the cluster under ${formatKeyId(kid)}.`,
    );
  if (check !== copy.check)
    return refused(
      'The cluster has got another cluster key since, by a change of its custody: there is nothing to wrap anew.',
    );
  if (suspension !== undefined) return refused(`The cluster may not use its key now: ${suspension.reason}`);
  if (replacing !== undefined) return refused('The key of the cluster is being changed.');
  if (kid.version === copy.kid.version) return { outcome: 'current', kid };
  const identity = identityOf(custody, options.serviceVault);
  const current = wrappedKey({ ...found.value, ...copy }, [identity]);
  const { visits } = processes;
  const result = await visits.during(() =>
    callProcess(() => visits.obtain(), 'rewrap', { current, target: { identity, kid } }),
  );
  if (result.outcome === 'rewrapped') return { outcome: 'rewrapped', kid, wrapped: toBase64Url(result.wrapped) };
  return result.outcome === 'currentKeyLost' ? result.failure : result;
}

const refused = (why: string): CopyRewrapped => ({ outcome: 'refused', why });
