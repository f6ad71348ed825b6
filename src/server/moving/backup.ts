import { invariant } from '../../base/invariant.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { toIso } from '../../clock/clock.ts';
import type { RootKey } from '../../state/root-key.ts';
import { stateIdOf } from '../../state/sealed/check-record.ts';
import type { StateStore } from '../../state/state-store.ts';
import { backupMark, markTable, readMark, removeMark, requireServed, writeMark } from '../move-marks.ts';
import { readInstance } from '../instance.ts';
import { openStore } from '../state-place.ts';
import type { BackupManifest } from './backup-manifest.ts';
import { readManifest, writeManifest } from './backup-manifest.ts';
import { copyBlobs } from './copy-blobs.ts';
import { tellCopied } from './copy-events.ts';
import { copyRecords, requireSameRecords, sumRecords } from './copy-records.ts';
import { begin, finish, markContainer, requireOpens } from './fill-target.ts';
import { clustersIn, withState } from './held-state.ts';
import type { MoveEnd } from './move-end.ts';
import { endName, placeAt } from './move-end.ts';
import { MoveError } from './move-error.ts';
import { anyState, openHeld, openSource, requireState } from './open-source.ts';

export interface BackupSettings {
  /** Nobody serves it. */
  readonly from: MoveEnd;
  /** A new directory, or one with an earlier backup of this instance, in whose place this one comes. */
  readonly to: Pick<MoveEnd, 'dataDirectory'>;
  /** Kept elsewhere; without it the file beside the data. It is not in the backup. */
  readonly rootKey?: RootKey;
  readonly now: () => Instant;
  /** Called when the source is open and locked: what is refused before leaves nothing behind. */
  readonly prepare?: () => void;
}

/** Copies a whole instance that nobody serves: sealed records and extents as they are. Without the root key the copy opens nothing.
 *
 * Order: both locked → the copy says that it is being filled → the audit of the instance tells of it → blobs, each read back → records, read
 * back and opened under the root key → the manifest → the copy says no longer that it is being filled → the audit. Whatever ends it, the same
 * call goes on; until then there is no backup there, the one before included.
 * @throws MoveError and what `migrate` throws */
export async function backUp(settings: BackupSettings): Promise<BackupManifest> {
  const { from, to, now, rootKey: given } = settings;
  const { opened, close } = await openHeld({ from, ...(given && { rootKey: given }) }, requireServed);
  const { store } = opened;
  try {
    await requireState(store, from);
    settings.prepare?.();
    const target = await openStore(to, undefined, undefined, anyState);
    try {
      const { instance, rootKey } = await openSource(settings, store);
      const place = endName(to);
      const tell = (status: 'Started' | 'Succeeded'): Promise<void> =>
        withState(store, rootKey, (state) =>
          tellCopied(state, instance, { operation: 'InstanceBackup', status, place, now: now() }),
        );
      await beginBackup(settings, store, target.store);
      await tell('Started');
      const blobs = await copyBlobs(placeAt(from), placeAt(to), await clustersIn(store), () => undefined);
      const records = await sumRecords(store);
      await copyRecords(store, target.store, () => undefined);
      requireSameRecords(records, await sumRecords(target.store));
      await requireOpens(target.store, rootKey, instance);
      const state = await stateOf(store);
      const manifest: BackupManifest = {
        ...{ format: 1, state, takenOn: toIso(now()), source: endName(from), records, blobs },
      };
      await writeManifest(target.store, manifest, rootKey);
      await removeMark(target.store, 'filling');
      await tell('Succeeded');
      return manifest;
    } finally {
      await target.close();
    }
  } finally {
    await close();
  }
}

/** @throws MoveError for a directory that is not for backups of this instance */
async function beginBackup({ from, to }: BackupSettings, source: StateStore, target: StateStore): Promise<void> {
  const state = await stateOf(source);
  const filling = await readMark(target, 'filling');
  const isBackup = (await target.get(markTable, backupMark)) !== undefined;
  const owner = filling?.state ?? (isBackup ? await stateIdOf(target) : undefined);
  if (owner !== undefined && owner !== state)
    throw new MoveError(`${to.dataDirectory} holds a backup of another instance. Give another directory.`);
  if (filling !== undefined) return;
  const other = endName(from);
  if (isBackup) await writeMark(target, 'filling', { format: 1, migration: newGuid(systemRandomBytes), state, other });
  else await begin(to, target, { state, from: other });
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
  readonly now: () => Instant;
  readonly prepare?: () => void;
}

/** Makes an instance of a backup, where there is none. Order as of a move, but that the backup stays one.
 * @throws MoveError for a backup that was not finished, was changed, or is another's; and what `migrate` throws */
export async function restore(settings: RestoreSettings): Promise<{ migration: Guid; manifest: BackupManifest }> {
  const { from, to, rootKey, now } = settings;
  if (!settings.acceptsRollback)
    throw new MoveError(
      'Restoring a whole instance sets it back: keys, roles and access that were taken away since are there again. Give --accept-rollback if that is wanted.',
    );
  const source = await openStore(from, undefined, undefined, anyState);
  try {
    if ((await readMark(source.store, 'filling')) !== undefined)
      throw new MoveError(`The backup in ${from.dataDirectory} was not finished. Take it again.`);
    const manifest = await readManifest(source.store, rootKey, from.dataDirectory);
    requireSameRecords(manifest.records, await sumRecords(source.store), 'The backup was changed');
    settings.prepare?.();
    const target = await openStore({ ...to, rootKey }, undefined, undefined, anyState);
    try {
      const filling = await readMark(target.store, 'filling');
      const mine = filling ?? (await begin(to, target.store, { state: manifest.state, from: endName(from) }));
      if (mine.state !== manifest.state || mine.other !== endName(from))
        throw new MoveError(`${to.dataDirectory} is being filled from ${mine.other}. Give a new directory.`);
      const instance = await withState(source.store, rootKey, readInstance);
      if (instance === undefined) throw new MoveError(`${from.dataDirectory} holds no instance.`);
      await markContainer(to, instance);
      const blobs = await copyBlobs(placeAt(from), placeAt(to), await clustersIn(source.store), () => undefined);
      if (blobs.digest !== manifest.blobs.digest)
        throw new MoveError('The backup was changed: its extents are not those that it says it holds.');
      await copyRecords(source.store, target.store, () => undefined);
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
