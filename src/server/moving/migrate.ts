import { existsSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Instant } from '../../clock/clock.ts';
import { nameOf } from '../../state/postgres/postgres-address.ts';
import type { RootKey } from '../../state/root-key.ts';
import { copyRootKeyFile, RootKeyError } from '../../state/root-key.ts';
import { raiseTo } from '../../state/formats/state-formats.ts';
import { stateIdOf } from '../../state/sealed/check-record.ts';
import type { StateStore } from '../../state/state-store.ts';
import { rootKeyFileName, seedMarkName } from '../data-directory-names.ts';
import { rootKeyBeside } from '../root-key-beside.ts';
import type { OpenedStore } from '../state-place.ts';
import { wrapperIn } from '../wrapped-root-key.ts';
import { keptElsewhere, openStore } from '../state-place.ts';
import type { BlobSum } from './copy-blobs.ts';
import { copyBlobs, sumBlobs } from './copy-blobs.ts';
import type { Copied } from '../copy-events.ts';
import type { RecordSum } from './copy-records.ts';
import { copyRecords, requireSameRecords, requireShortIds, sumRecords } from './copy-records.ts';
import { begin, finish, markContainer, requireOpens } from './fill-target.ts';
import type { Move } from '../move-marks.ts';
import { readMark, requireServed, StateMovedError, writeMark } from '../move-marks.ts';
import type { MoveEnd } from './move-end.ts';
import { elsewhere, endName, placeAt } from './move-end.ts';
import { MoveError } from './move-error.ts';
import { anyState, openHeld, openSource, requireState } from './open-source.ts';

/** What goes on: so much of so much. `done` counts from 0 in each phase. */
export interface MoveProgress {
  readonly phase: 'blobs' | 'records' | 'reading back';
  readonly done: number;
  readonly of: number;
}

export interface MoveSettings {
  /** Nobody serves it. */
  readonly from: MoveEnd;
  /** Nobody's yet, or what an earlier run of this very move has begun. Its data directory exists, mode 0700, or is made by `prepare`. */
  readonly to: MoveEnd;
  /** Called when the source is open and locked: what is refused before leaves nothing behind. */
  readonly prepare?: () => void;
  /** Kept elsewhere; without it the file beside the data of the source, which then is copied. */
  readonly rootKey?: RootKey;
  /** For what the audit tells. */
  readonly now: () => Instant;
  readonly progress?: (progress: MoveProgress) => void;
}

export interface MoveCounts {
  readonly records: RecordSum;
  readonly blobs: BlobSum;
  readonly clusters: number;
  /** The extents are in a container, which both ends name: they stay there. */
  readonly blobsStay: boolean;
  /** What becomes of the root key: a file is copied, it goes with the state as a vault has wrapped it, or its keeper gives it at the target, too. */
  readonly rootKey: 'file' | 'wrapped' | 'elsewhere';
}

export interface Moved {
  readonly migration: Guid;
  /** Undefined when an earlier run had copied and compared everything: this one only came to its end. */
  readonly counts: MoveCounts | undefined;
}

/** The longest name that an index of PostgreSQL takes: see `PostgresStateStore`. */
const postgresIdBytesMax = 2_600;

/** Moves an instance to another place: sealed records and extents as they are, none of them opened, under the root key that they have.
 *
 * Order: both ends locked → the target says that it is being filled → its container says whose it is → blobs, each read back → records →
 * records read back, and the copy opened under the root key → the root key's file, where there is one → THE SOURCE SAYS THAT IT WAS MOVED →
 * the target's record of where its extents are → the target says no longer that it is being filled.
 *
 * Whatever ends it, the same call goes on: what is there is compared and not written again. Until the source says that it was moved, it can
 * be served, and what changed meanwhile is copied then; from there on only the target can be. At no moment both.
 * @throws MoveError, StateMovedError, StatePlaceError, RootKeyError, WrongRootKeyError, BlobsPlaceError, BlobsUnavailableError,
 * SealedRecordError and those of `openStore` */
export async function migrate(settings: MoveSettings): Promise<Moved> {
  const { from, to } = settings;
  refuseAtOnce(settings);
  const source = await openHeld(settings, anyState);
  try {
    await requireState(source.opened.store, from);
    settings.prepare?.();
    const target = await openStore({ ...withKey(to, settings), isCopy: true }, undefined, undefined, anyState);
    try {
      return await move(settings, source.opened, target);
    } finally {
      await target.close();
    }
  } finally {
    await source.close();
  }
}

/** What `migrate` would move. Reads the source alone. @throws as `migrate` */
export async function planMigration(settings: MoveSettings): Promise<MoveCounts> {
  const { from } = settings;
  refuseAtOnce(settings);
  const source = await openHeld(settings, requireServed);
  try {
    await requireState(source.opened.store, from);
    return await countsOf(settings, source.opened.store, (await openSource(settings, source.opened.store)).owners);
  } finally {
    await source.close();
  }
}

const withKey = (end: MoveEnd, { rootKey }: MoveSettings) => ({
  ...end,
  ...(rootKey === undefined ? {} : { rootKey }),
});

/** What is told without opening anything. @throws MoveError, RootKeyError */
function refuseAtOnce({ from, to, rootKey }: MoveSettings): void {
  if (rootKey === undefined && to.statePlace !== undefined) throw new RootKeyError(keptElsewhere);
  if (existsSync(join(from.dataDirectory, seedMarkName)))
    throw new MoveError(`A seed of ${from.dataDirectory} was begun and has not come to its end: end it first.`);
  if (existsSync(to.dataDirectory) && realpathSync(from.dataDirectory) === realpathSync(to.dataDirectory))
    throw new MoveError(`Source and target are the same directory, ${from.dataDirectory}: a move needs a new one.`);
  if (from.statePlace && to.statePlace && nameOf(from.statePlace.address) === nameOf(to.statePlace.address))
    throw new MoveError(`Source and target are the same state, ${nameOf(from.statePlace.address)}.`);
}

async function move(settings: MoveSettings, sourceOpened: OpenedStore, targetOpened: OpenedStore): Promise<Moved> {
  const [source, target] = [sourceOpened.store, targetOpened.store];
  const { from, to } = settings;
  const state = await stateIdOf(source);
  invariant(state !== undefined, 'a sealed state has an id');
  const moved = await readMark(source, 'moved');
  if (moved === undefined) await requireServed(source, from.dataDirectory);
  const filling = await readMark(target, 'filling');
  if (moved !== undefined) return finished(settings, source, target, moved, filling);
  const { instance, rootKey, owners } = await openSource(settings, source);
  const staysIn = elsewhere(from)?.address;
  const staying = staysIn === undefined ? {} : { staysIn };
  const mine = filling ?? (await begin(to, target, { state, from: endName(from), ...staying }));
  if (mine.state !== state)
    throw new MoveError(
      `${to.dataDirectory} is being filled by migration ${mine.migration} from another instance (${mine.other}). Give a new directory.`,
    );
  await raiseTo(targetOpened.format, sourceOpened.format.written);
  await markContainer(to, instance);
  const counts = await copyAll(settings, { source, target, owners });
  await requireOpens(target, rootKey, instance);
  if (counts.rootKey === 'file')
    copyRootKeyFile(join(from.dataDirectory, rootKeyFileName), join(to.dataDirectory, rootKeyFileName));
  await writeMark(source, 'moved', { ...mine, other: endName(to) });
  await finish(to, target, rootKey, leftBehind(settings));
  return { migration: mine.migration, counts };
}

async function keyTravels({ rootKey, to }: MoveSettings, source: StateStore): Promise<MoveCounts['rootKey']> {
  if (rootKey === undefined && to.statePlace === undefined) return 'file';
  return (await wrapperIn(source)) === undefined ? 'elsewhere' : 'wrapped';
}

const staysThere = ({ from, to }: MoveSettings): boolean =>
  elsewhere(to) !== undefined && elsewhere(to)?.address === elsewhere(from)?.address;

async function countsOf(settings: MoveSettings, source: StateStore, owners: readonly Guid[]): Promise<MoveCounts> {
  if (settings.to.statePlace !== undefined) await requireShortIds(source, postgresIdBytesMax);
  return {
    records: await sumRecords(source),
    blobs: await sumBlobs(placeAt(settings.from), owners),
    clusters: owners.length,
    blobsStay: staysThere(settings),
    rootKey: await keyTravels(settings, source),
  };
}

async function copyAll(
  settings: MoveSettings,
  { source, target, owners }: { source: StateStore; target: StateStore; owners: readonly Guid[] },
): Promise<MoveCounts> {
  const { progress = () => undefined } = settings;
  const counts = await countsOf(settings, source, owners);
  const { records, blobs } = counts;
  const tell =
    (phase: MoveProgress['phase'], of: number) =>
    (done: number): void =>
      progress({ phase, done, of });
  if (!counts.blobsStay)
    await copyBlobs(placeAt(settings.from), placeAt(settings.to), owners, { done: tell('blobs', blobs.blobs) });
  await copyRecords(source, target, tell('records', records.records));
  requireSameRecords(records, await sumRecords(target, tell('reading back', records.records)));
  return counts;
}

/** What the audit tells of it: the source holds a copy from now on. */
const leftBehind = ({ from, now }: MoveSettings): Copied => ({
  ...{ operation: 'InstanceMove', status: 'Succeeded', place: endName(from), now: now() },
});

/** The source was moved, by a run that did not come to its end, or did. */
async function finished(
  settings: MoveSettings,
  source: StateStore,
  target: StateStore,
  moved: Move,
  filling: Move | undefined,
): Promise<Moved> {
  const { from, rootKey } = settings;
  if (filling?.migration === moved.migration)
    await finish(
      settings.to,
      target,
      rootKey ?? (await rootKeyBeside(source, from.dataDirectory)),
      leftBehind(settings),
    );
  else if (filling !== undefined || (await stateIdOf(target)) !== moved.state)
    throw new StateMovedError(`${from.dataDirectory} was moved to ${moved.other} already.`);
  return { migration: moved.migration, counts: undefined };
}
