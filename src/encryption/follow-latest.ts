import type { VersionedKeyId } from '../base/key-id.ts';
import type { ClusterKeyRecord } from './cluster-key-state.ts';
import type { KeyUnusable } from './key-usability.ts';
import { keyUnusable } from './key-usability.ts';
import type { KeyDescription, KeyFailure } from './key-wrapper.ts';

/** Key Vault's own near-expiry notice comes 30 days ahead. */
const expiryNoticeSeconds = 30 * 86_400;

export type FollowPlan =
  { readonly action: 'stay'; readonly warning?: string } | { readonly action: 'follow'; readonly kid: VersionedKeyId };

/** What a look at the key of a running cluster means: for a versionless key whether to rotate to the latest version, else
 * what to warn of. Never a reason to suspend: that is decided by unwrapping the recorded version.
 * @param seen the latest version when the cluster follows it, else the recorded version; or why it cannot be read */
export function planFollow(
  record: ClusterKeyRecord,
  seen: { readonly outcome: 'described'; readonly key: KeyDescription } | KeyFailure,
  nowSeconds: number,
): FollowPlan {
  if (seen.outcome === 'failed') {
    if (seen.kind === 'outage') return keepWarning(record);
    return {
      action: 'stay',
      warning: `The key cannot be read (${seen.message}); its dates and newer versions are unknown.`,
    };
  }
  const { key } = seen;
  if (key.kid.version === record.kid.version) {
    const warning = ownWarning(key, nowSeconds);
    return warning === undefined ? { action: 'stay' } : { action: 'stay', warning };
  }
  const unusable = keyUnusable(key, nowSeconds);
  if (unusable !== undefined) {
    return {
      action: 'stay',
      warning: `The latest version ${key.kid.version} of the key is not followed: ${unusableText(unusable)}.`,
    };
  }
  return { action: 'follow', kid: key.kid };
}

/** Whether the cluster always goes to the latest version of its key. */
export const followsLatest = (record: ClusterKeyRecord): boolean =>
  record.custody.kind === 'customer' && record.custody.key.keyVersion === undefined;

function keepWarning(record: ClusterKeyRecord): FollowPlan {
  return record.warning === undefined ? { action: 'stay' } : { action: 'stay', warning: record.warning };
}

function ownWarning(key: KeyDescription, nowSeconds: number): string | undefined {
  if (key.expires === undefined) return undefined;
  const date = new Date(key.expires * 1000).toISOString();
  if (nowSeconds >= key.expires) {
    return `The key version expired on ${date}. It still unwraps, but the cluster cannot be set to it again: rotate the key.`;
  }
  return key.expires - nowSeconds <= expiryNoticeSeconds ? `The key version expires on ${date}.` : undefined;
}

export function unusableText(unusable: KeyUnusable): string {
  if (unusable.outcome === 'wrongType') return `it is ${unusable.found}, not RSA of 2048, 3072 or 4096 bits`;
  const date = unusable.at === undefined ? '' : ` (${new Date(unusable.at * 1000).toISOString()})`;
  switch (unusable.why) {
    case 'disabled':
      return 'it is disabled';
    case 'expired':
      return `it has expired${date}`;
    case 'notYetValid':
      return `it is not valid yet${date}`;
  }
}
