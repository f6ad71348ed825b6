import type { VersionedKeyId } from '../../base/key-id.ts';
import type { Base64Url } from '../../base/base64url.ts';
import { formatKeyId, parseVersionedKeyId } from '../../base/key-id.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import type { RootKey } from '../../state/root-key.ts';
import type { StateStore } from '../../state/state-store.ts';
import { writeRecord } from '../../state/state.ts';
import { readMark, removeMark } from '../move-marks.ts';
import { openStore } from '../state-place.ts';
import type { BackupCluster, BackupManifest } from './backup-manifest.ts';
import { readManifest, writeManifest } from './backup-manifest.ts';
import { removeAllBut } from './backup-blobs.ts';
import { blobListOf, otherSide, sideOf } from './backup-sides.ts';
import { copyRecords, copyTable, removeRecords, requireSameRecords, sumRecords } from './copy-records.ts';
import { withState } from './held-state.ts';
import { sumCatalog } from './kept-cluster.ts';
import type { MoveEnd } from './move-end.ts';
import { MoveError } from './move-error.ts';
import { anyState } from './open-source.ts';

export interface RewrapSettings {
  /** The directory of the backup. */
  readonly to: Pick<MoveEnd, 'dataDirectory'>;
  /** Name of the cluster, of which the backup is. */
  readonly cluster: string;
  readonly rootKey: RootKey;
  /** Of a root key in a vault: the full id of the key version that wraps it now. */
  readonly rootKeyKid?: string;
  /** Has the key wrapped by the version of now: the instance, by way of its vaults. @returns without `wrapped` when the key is under that version */
  readonly ask: (
    cluster: BackupCluster,
    key: Pick<ClusterKeyRecord, 'kid' | 'wrapped' | 'check'>,
  ) => Promise<{ readonly kid: string; readonly wrapped?: Base64Url }>;
}

export interface Rewrapped {
  readonly manifest: BackupManifest;
  /** The full version that it needed before; undefined: it is under the version of now. */
  readonly before: string | undefined;
}

/** Moves a backup of a cluster to the version of the key that the cluster has now. Nothing else of it changes.
 *
 * Order: the backup held against its manifest → the vaults, through the instance → its records and the list of its blobs on the side that no
 * manifest names, with the new wrap, read back → THE MANIFEST NAMES THAT SIDE, in one commit → the old wrap goes, overwritten. Until that commit
 * the backup is under the old version; the same call goes on.
 * @throws MoveError */
export async function rewrapBackup({ to, cluster, rootKey, rootKeyKid, ask }: RewrapSettings): Promise<Rewrapped> {
  const opened = await openStore(to, undefined, undefined, anyState);
  const { store } = opened;
  try {
    const read = await readManifest(store, rootKey, to.dataDirectory);
    const manifest = rootKeyKid === undefined ? read : { ...read, rootKeyKid };
    const held = manifest.cluster;
    if (held === undefined)
      throw new MoveError(`${to.dataDirectory} is a backup of a whole instance: the keys of its vaults are in it.`);
    if (held.name.toLowerCase() !== cluster.toLowerCase())
      throw new MoveError(`${to.dataDirectory} is a backup of the cluster '${held.name}', not of '${cluster}'.`);
    const kept = sideOf(store, manifest.side);
    requireSameRecords(manifest.records, await sumRecords(kept), 'The backup was changed');
    const key = await withState(kept, rootKey, (state) => state.get(clusterKeyTable, held.clusterId));
    if (key === undefined) throw new MoveError(`${to.dataDirectory} holds no key of its cluster.`);
    const { kid: version, wrapped, check } = key.value;
    const answer = await ask(held, { kid: version, wrapped, check });
    const next = parseVersionedKeyId(answer.kid);
    if (next === undefined) throw new MoveError('The instance names no version of a key.');
    const isCurrent = answer.wrapped === undefined;
    const named = isCurrent
      ? read
      : await layOutAnew(store, rootKey, manifest, held, { kid: next, wrapped: answer.wrapped });
    await removeAllBut(named.side, to, store);
    if ((await readMark(store, 'filling')) !== undefined) await removeMark(store, 'filling');
    return { manifest: named, before: isCurrent ? undefined : held.kid };
  } finally {
    await opened.close();
  }
}

/** @returns the manifest that is durable then */
async function layOutAnew(
  store: StateStore,
  rootKey: RootKey,
  manifest: BackupManifest,
  held: BackupCluster,
  wrap: { readonly kid: VersionedKeyId; readonly wrapped: Base64Url },
): Promise<BackupManifest> {
  const side = otherSide(manifest.side);
  const [kept, laid] = [sideOf(store, manifest.side), sideOf(store, side)];
  await removeRecords(store, blobListOf(side));
  await copyTable(store, blobListOf(manifest.side), blobListOf(side));
  await copyRecords(kept, laid, () => undefined);
  await withState(laid, rootKey, async (state) => {
    const key = await state.get(clusterKeyTable, held.clusterId);
    if (key === undefined) throw new MoveError(`The key of '${held.name}' was read back as something else.`);
    await state.commit({
      write: [writeRecord(clusterKeyTable, held.clusterId, key.version, { ...key.value, ...wrap })],
    });
  });
  const found = await withState(laid, rootKey, async (state) => ({
    key: await state.get(clusterKeyTable, held.clusterId),
    catalog: await sumCatalog(state, held.clusterId),
  }));
  if (found.key?.value.wrapped !== wrap.wrapped || found.catalog.digest !== held.catalog.digest)
    throw new MoveError(`The backup of '${held.name}' was read back as something else. It is left as it was.`);
  const cluster = { ...held, kid: formatKeyId(wrap.kid) };
  const next: BackupManifest = { ...manifest, side, records: await sumRecords(laid), cluster };
  await writeManifest(store, next, rootKey);
  return next;
}
