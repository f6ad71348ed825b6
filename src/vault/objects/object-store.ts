import type { Guid } from '../../base/guid.ts';
import type { ObjectName, ObjectVersion } from '../../base/names.ts';
import type { Soon } from '../../base/soon.ts';
import { soon } from '../../base/soon.ts';
import { listAll } from '../../state/list-all.ts';
import type { State, StateExpectation, StateWrite, Versioned } from '../../state/state.ts';
import { expectRecord, getSoon, writeRecord } from '../../state/state.ts';
import type { Found, ObjectRecord, ObjectTables, VersionRecord } from './object-kind.ts';
import { objectRecordId } from './object-kind.ts';

/** An object as it stands, the deleted ones included.
 * @param isOver one whose retention is over is gone, whether it has been swept up or not */
export const findObject = <Version extends VersionRecord, Whole extends ObjectRecord>(
  state: State,
  { objects }: ObjectTables<Version, Whole>,
  vaultId: Guid,
  name: ObjectName,
  isOver: (object: ObjectRecord) => boolean,
): Soon<Versioned<Whole> | undefined> =>
  soon(getSoon(state, objects, objectRecordId(vaultId, name)), (object) =>
    object === undefined || isOver(object.value) ? undefined : object,
  );

/** A version of an object, the current one by default. */
export const findVersion = <Version extends VersionRecord, Whole extends ObjectRecord>(
  state: State,
  { versions }: ObjectTables<Version, Whole>,
  object: Versioned<Whole>,
  wanted?: ObjectVersion,
): Soon<Found<Version, Whole> | undefined> =>
  // Missing too when the object was purged a moment ago.
  soon(getSoon(state, versions, `${object.id}/${wanted ?? object.value.currentVersion}`), (version) =>
    version === undefined ? undefined : { object, version },
  );

/** That what was read is still so when the answer is committed: a key disabled or deleted in between must not work. */
export const stillAsRead = (
  { objects, versions }: ObjectTables,
  { object, version }: Found,
): readonly StateExpectation[] => [
  expectRecord(objects, object.id, object.version),
  expectRecord(versions, version.id, version.version),
];

/** Everything of one object, what is secret first in the list; not the objects linked with it. */
export async function purgeWrites(
  state: State,
  { objects, versions, material }: ObjectTables,
  object: Versioned<ObjectRecord>,
): Promise<readonly StateWrite[]> {
  const prefix = `${object.id}/`;
  const secret = material === undefined ? [] : await listAll(state, material, prefix);
  const shown = await listAll(state, versions, prefix);
  return [
    ...(material === undefined ? [] : secret.map(({ id, version }) => writeRecord(material, id, version, null))),
    ...shown.map(({ id, version }) => writeRecord(versions, id, version, null)),
    writeRecord(objects, object.id, object.version, null),
  ];
}
