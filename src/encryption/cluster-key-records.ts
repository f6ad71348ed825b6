import { toBase64Url } from '../base/base64url.ts';
import type { Guid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { isSameKey } from '../base/key-id.ts';
import type { ClusterKeyRecord } from './cluster-key-state.ts';
import type { Custody } from './cluster-keys.ts';
import type { TwoClocks } from './lease.ts';

/** A wrap that was made, unwrapped and compared at `unwrapped`. */
export interface ProvenWrap {
  readonly custody: Custody;
  readonly kid: VersionedKeyId;
  readonly wrapped: Uint8Array;
  readonly check: Uint8Array;
  readonly unwrapped: TwoClocks;
}

/** The record of a cluster that is being created. */
export function firstRecord(clusterId: Guid, wrap: ProvenWrap): ClusterKeyRecord {
  return { format: 1, clusterId, generation: 1, ...proven(wrap), stopped: false };
}

/** After a rotation: the same cluster key under another wrap. That it was unwrapped ends a suspension. */
export function rotatedRecord(record: ClusterKeyRecord, wrap: ProvenWrap): ClusterKeyRecord {
  const next: ClusterKeyRecord = {
    format: 1,
    clusterId: record.clusterId,
    generation: record.generation,
    ...proven(wrap),
    stopped: record.stopped,
  };
  invariant(next.check === record.check, 'a rotation keeps the cluster key');
  return next;
}

/** After a change of custody: another cluster key, counted by `generation`. */
export function replacedRecord(record: ClusterKeyRecord, wrap: ProvenWrap): ClusterKeyRecord {
  const next: ClusterKeyRecord = {
    format: 1,
    clusterId: record.clusterId,
    generation: record.generation + 1,
    ...proven(wrap),
    stopped: record.stopped,
  };
  invariant(next.check !== record.check, 'a change of custody makes another cluster key');
  return next;
}

function proven(wrap: ProvenWrap): Pick<ClusterKeyRecord, 'custody' | 'kid' | 'wrapped' | 'check' | 'lease'> {
  const { custody, kid } = wrap;
  if (custody.kind === 'customer') {
    invariant(isSameKey(kid, { vaultHost: custody.key.vaultHost, name: custody.key.keyName }), 'kid and custody agree');
    invariant((custody.key.keyVersion ?? kid.version) === kid.version, 'a pinned version is the one that wraps');
  }
  return {
    custody,
    kid,
    wrapped: toBase64Url(wrap.wrapped),
    check: toBase64Url(wrap.check),
    lease: { unwrapped: wrap.unwrapped },
  };
}
