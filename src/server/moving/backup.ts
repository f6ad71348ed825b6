import { invariant } from '../../base/invariant.ts';
import type { Guid } from '../../base/guid.ts';
import type { VersionedKeyId } from '../../base/key-id.ts';
import { formatKeyId } from '../../base/key-id.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { toIso } from '../../clock/clock.ts';
import type { Log } from '../../http/logging.ts';
import type { RootKey } from '../../state/root-key.ts';
import { raiseTo } from '../../state/formats/state-formats.ts';
import { stateIdOf } from '../../state/sealed/check-record.ts';
import type { StateStore } from '../../state/state-store.ts';
import { readMark, removeMark, requireServed, writeMark } from '../move-marks.ts';
import { readInstance } from '../instance.ts';
import { openStore } from '../state-place.ts';
import type { BackupManifest } from './backup-manifest.ts';
import { copyBackedUp, noteBlobs, notedBlobs, removeAllBut } from './backup-blobs.ts';
import { namedBackup, readManifest, writeManifest } from './backup-manifest.ts';
import { blobListOf, otherSide, sideOf } from './backup-sides.ts';
import { copyBlobs, missingBytes } from './copy-blobs.ts';
import { tellCopied } from '../copy-events.ts';
import { copyRecords, removeRecords, requireSameRecords, sumRecords } from './copy-records.ts';
import { begin, finish, markContainer, requireOpens } from './fill-target.ts';
import { layOutCluster } from './cluster-backup.ts';
import { clustersIn, withState } from './held-state.ts';
import type { BackupSource, Laying, LaidOut } from './backup-source.ts';
import { findCluster } from './kept-cluster.ts';
import type { MoveEnd } from './move-end.ts';
import { endName, placeAt } from './move-end.ts';
import { MoveError, withoutYes } from './move-error.ts';
import { anyState, openHeld, openSource, requireState } from './open-source.ts';
import type { Arriving } from './require-room.ts';
import { requireRoom } from './require-room.ts';

export interface BackupSettings {
  /** Nobody serves it. */
  readonly from: MoveEnd;
  /** A new directory, or one with an earlier backup of this instance, in whose place this one comes. */
  readonly to: Pick<MoveEnd, 'dataDirectory'>;
  /** Kept elsewhere, or what a vault has unwrapped; without it the file beside the data. It is not in the backup. */
  readonly rootKey?: RootKey;
  /** The key version in a vault that has wrapped it. */
  readonly rootKeyVault?: VersionedKeyId;
  readonly now: () => Instant;
  /** Name of the one cluster that is meant; default: the whole instance. */
  readonly cluster?: string;
  /** Called when the source is open and locked: what is refused before leaves nothing behind. */
  readonly prepare?: () => void;
  /** Of the disk of a directory. */
  readonly freeBytes?: (directory: string) => number;
}

/** Copies a whole instance that nobody serves, or one cluster of it: sealed records and extents as they are. Without the root key the copy opens nothing.
 * @throws MoveError and what `migrate` throws */
export async function backUp(settings: BackupSettings): Promise<BackupManifest> {
  const { from, rootKey: given } = settings;
  const { opened, close } = await openHeld({ from, ...(given && { rootKey: given }) }, requireServed);
  const { store } = opened;
  try {
    await requireState(store, from);
    const { instance, rootKey } = await openSource(settings, store);
    const source: BackupSource = {
      ...{ instance, rootKey, store, written: () => opened.format.written },
      read: (work) => withState(store, rootKey, work),
      tell: (copied) => withState(store, rootKey, (state) => tellCopied(state, instance, copied)),
      layOut: (laying) => layOut(from, source, laying),
      rootKeyKid: () => Promise.resolve(settings.rootKeyVault && formatKeyId(settings.rootKeyVault)),
    };
    return await takeBackup(settings, source);
  } finally {
    await close();
  }
}

/** Order: the copy says that it is being filled → the audit of the instance tells of it → blobs beside those that are there, each
 * read back → records, on the side that no manifest names, read back and opened under the root key → THE MANIFEST NAMES THAT SIDE, in one
 * commit → what the one before alone had goes → the copy says no longer that it is being filled → the audit. Whatever ends it, the same call
 * goes on; until the manifest an earlier backup stays what it was.
 * @throws MoveError and what `migrate` throws */
export async function takeBackup(
  settings: Omit<BackupSettings, 'rootKey' | 'rootKeyVault'>,
  source: BackupSource,
): Promise<BackupManifest> {
  const { from, to, now, cluster: name } = settings;
  const { store, rootKey } = source;
  const cluster = name === undefined ? undefined : await source.read((one) => findCluster(one, name));
  settings.prepare?.();
  const target = await openStore({ ...to, isCopy: true }, undefined, undefined, anyState);
  try {
    const [operation, place] =
      cluster === undefined
        ? (['InstanceBackup', endName(to)] as const)
        : (['ClusterBackup', `${endName(to)} (cluster ${cluster.name})`] as const);
    const tell = (status: 'Started' | 'Succeeded'): Promise<void> =>
      source.tell({ operation, status, place, now: now() });
    const owners = cluster === undefined ? await clustersIn(store) : [cluster.clusterId];
    requireRoom(to.dataDirectory, await arriving(settings, store, owners), settings.freeBytes);
    await beginBackup(settings, store, target.store, cluster?.clusterId);
    await raiseTo(target.format, source.written());
    await tell('Started');
    const side = otherSide((await namedBackup(target.store))?.side);
    await removeRecords(target.store, blobListOf(side));
    const laid = await source.layOut({ to, target: target.store, side, cluster });
    const common = { format: 2, side, state: await stateOf(store), source: endName(from) } as const;
    const rootKeyKid = await source.rootKeyKid();
    const manifest: BackupManifest = {
      ...{ ...common, takenOn: toIso(now()), ...laid },
      ...(rootKeyKid !== undefined && { rootKeyKid }),
    };
    await writeManifest(target.store, manifest, rootKey);
    await removeAllBut(side, to, target.store);
    await removeMark(target.store, 'filling');
    await tell('Succeeded');
    return manifest;
  } finally {
    await target.close();
  }
}

/** Of one cluster it is less: whoever has no room for all records is refused. */
const arriving = async (
  { from, to }: Pick<BackupSettings, 'from' | 'to'>,
  store: StateStore,
  owners: readonly Guid[],
): Promise<Arriving> => ({
  blobBytes: await missingBytes(placeAt(from), placeAt(to), owners),
  recordBytes: (await sumRecords(store)).bytes,
});

/** Of what nobody changes meanwhile. */
async function layOut(
  from: MoveEnd,
  { store, instance, rootKey, read }: BackupSource,
  { to, target, side, cluster }: Laying,
): Promise<LaidOut> {
  const owners = cluster === undefined ? await clustersIn(store) : [cluster.clusterId];
  const blobs = await copyBlobs(placeAt(from), placeAt(to), owners, {
    keepsOthers: true,
    copied: (some) => noteBlobs(target, side, some),
  });
  const laid = sideOf(target, side);
  if (cluster !== undefined) {
    const held = await layOutCluster(read, laid, rootKey, cluster);
    return { blobs, records: await sumRecords(laid), cluster: held };
  }
  const records = await sumRecords(store);
  await copyRecords(store, laid, () => undefined);
  requireSameRecords(records, await sumRecords(laid));
  await requireOpens(laid, rootKey, instance);
  return { blobs, records };
}

/** @throws MoveError for a directory that is not for backups of this instance, or of this cluster */
async function beginBackup(
  { from, to }: Pick<BackupSettings, 'from' | 'to'>,
  source: StateStore,
  target: StateStore,
  clusterId: Guid | undefined,
): Promise<void> {
  const state = await stateOf(source);
  const filling = await readMark(target, 'filling');
  const named = await namedBackup(target);
  const owner = filling?.state ?? named?.state;
  if (owner !== undefined && owner !== state)
    throw new MoveError(`${to.dataDirectory} holds a backup of another instance. Give another directory.`);
  if (named !== undefined && named.clusterId !== clusterId)
    throw new MoveError(
      `${to.dataDirectory} holds a backup of ${named.clusterId === undefined ? 'the whole instance' : 'another cluster'}. Give another directory.`,
    );
  if (filling !== undefined) return;
  const other = endName(from);
  if (owner === undefined) await begin(to, target, { state, from: other });
  else await writeMark(target, 'filling', { format: 1, migration: newGuid(systemRandomBytes), state, other });
}

async function stateOf(store: StateStore): Promise<string> {
  const state = await stateIdOf(store);
  invariant(state !== undefined, 'a sealed state has an id');
  return state;
}

export interface RestoreSettings {
  /** The directory of a backup. */
  readonly from: Pick<MoveEnd, 'dataDirectory'>;
  /** As the target of a move. */
  readonly to: MoveEnd;
  readonly rootKey: RootKey;
  /** What was revoked, rotated or purged since the backup is in force again as it was then. */
  readonly acceptsRollback: boolean;
  /** Told of a refusal for want of it: there is no state yet whose audit could be. */
  readonly log?: Pick<Log, 'warning'>;
  readonly now: () => Instant;
  readonly prepare?: () => void;
  /** Of the disk of a directory. */
  readonly freeBytes?: (directory: string) => number;
}

/** Makes an instance of a backup, where there is none. Order as of a move, but that the backup stays one.
 * @throws MoveError for a backup that was not finished, was changed, or is another's; and what `migrate` throws */
export async function restore(settings: RestoreSettings): Promise<{ migration: Guid; manifest: BackupManifest }> {
  const { from, to, rootKey, now } = settings;
  if (!settings.acceptsRollback) {
    settings.log?.warning('restore-refused', { operation: 'InstanceRestore', why: withoutYes });
    throw new MoveError(
      'Restoring a whole instance sets it back: keys, roles and access that were taken away since are there again. Give --accept-rollback if that is wanted.',
    );
  }
  const source = await openStore(from, undefined, undefined, anyState);
  try {
    const manifest = await readManifest(source.store, rootKey, from.dataDirectory);
    if (manifest.cluster !== undefined)
      throw new MoveError(
        `${from.dataDirectory} is a backup of the cluster '${manifest.cluster.name}': name it with --cluster, and its instance with --to.`,
      );
    const kept = sideOf(source.store, manifest.side);
    requireSameRecords(manifest.records, await sumRecords(kept), 'The backup was changed');
    settings.prepare?.();
    const wanted = (owner: Guid) => notedBlobs(source.store, manifest.side, owner);
    const owners = await clustersIn(kept);
    const blobBytes = to.blobs === undefined ? await missingBytes(placeAt(from), placeAt(to), owners, wanted) : 0;
    requireRoom(to.dataDirectory, { blobBytes, recordBytes: manifest.records.bytes }, settings.freeBytes);
    const target = await openStore({ ...to, rootKey, isCopy: true }, undefined, undefined, anyState);
    try {
      const filling = await readMark(target.store, 'filling');
      const mine = filling ?? (await begin(to, target.store, { state: manifest.state, from: endName(from) }));
      if (mine.state !== manifest.state || mine.other !== endName(from))
        throw new MoveError(`${to.dataDirectory} is being filled from ${mine.other}. Give a new directory.`);
      const instance = await withState(kept, rootKey, readInstance);
      if (instance === undefined) throw new MoveError(`${from.dataDirectory} holds no instance.`);
      await raiseTo(target.format, source.format.written);
      await markContainer(to, instance);
      await copyBackedUp([placeAt(from), placeAt(to)], owners, manifest.blobs, { wanted });
      await copyRecords(kept, target.store, () => undefined);
      requireSameRecords(manifest.records, await sumRecords(target.store));
      await requireOpens(target.store, rootKey, instance);
      const place = `${endName(from)}, taken ${manifest.takenOn}`;
      await finish(to, target.store, rootKey, { operation: 'InstanceRestore', status: 'Succeeded', place, now: now() });
      return { migration: mine.migration, manifest };
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}
