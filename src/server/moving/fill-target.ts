import { invariant } from '../../base/invariant.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { RootKey } from '../../state/root-key.ts';
import type { StateStore } from '../../state/state-store.ts';
import { writeRecord } from '../../state/state.ts';
import { blobsAt } from '../../storage/places/blob-place.ts';
import { blobsPlaceId, blobsPlaceTable } from '../blobs-owner.ts';
import { rootKeyFileName } from '../data-directory-names.ts';
import { refuseEmptied } from '../emptied-state.ts';
import type { Instance } from '../instance.ts';
import { readInstance } from '../instance.ts';
import type { Copied } from '../copy-events.ts';
import { tellCopied } from '../copy-events.ts';
import { withState } from './held-state.ts';
import type { Move } from '../move-marks.ts';
import { markTable, readMark, removeMark, writeMark } from '../move-marks.ts';
import { MoveError } from './move-error.ts';
import type { MoveEnd } from './move-end.ts';
import { elsewhere, endName } from './move-end.ts';

/** Order: the target says that it is being filled, before anything else is there.
 * @param staysIn address of the container that the extents are in and stay in
 * @throws MoveError when it is somebody's */
export async function begin(
  to: MoveEnd,
  target: StateStore,
  { state, from, staysIn }: { readonly state: string; readonly from: string; readonly staysIn?: string },
): Promise<Move> {
  const tables = (await target.tables()).filter((table) => table !== markTable);
  if (tables.length > 0 || (await readMark(target, 'moved')) !== undefined)
    throw new MoveError(`${endName(to)} holds a state already: a state is moved to where there is none.`);
  refuseEmptied(to.dataDirectory, rootKeyFileName, true);
  const place = elsewhere(to);
  if (place !== undefined && place.address !== staysIn)
    for await (const { name } of (await blobsAt(place.blobs, to.containerAccess).reader()).list(''))
      throw new MoveError(`${place.address} holds blobs already (${name}): extents are moved to an empty container.`);
  const mine: Move = { format: 1, migration: newGuid(systemRandomBytes), state, other: from };
  await writeMark(target, 'filling', mine);
  return mine;
}

/** @throws MoveError when it is another's */
export async function markContainer(to: MoveEnd, { tenantId }: Instance): Promise<void> {
  const place = elsewhere(to);
  if (place !== undefined && (await place.markFor(tenantId)) !== tenantId)
    throw new MoveError(`${place.address} belongs to another instance of Kustody.`);
}

/** @throws MoveError, WrongRootKeyError, StateRolledBackError when the copy is not an instance that starts */
export async function requireOpens(target: StateStore, rootKey: RootKey, { tenantId }: Instance): Promise<void> {
  const instance = await withState(target, rootKey, readInstance);
  if (instance?.tenantId !== tenantId)
    throw new MoveError('The copy does not open as the instance that it was made of.');
}

/** Order: what became of it is told, and where the extents are → the target can be served. Whatever it is a copy of cannot any more, or may.
 * Told twice where it is repeated. */
export async function finish(to: MoveEnd, target: StateStore, rootKey: RootKey, copied: Copied): Promise<void> {
  await withState(target, rootKey, async (sealed) => {
    const instance = await readInstance(sealed);
    invariant(instance !== undefined, 'what was copied holds its instance');
    await tellCopied(sealed, instance, copied);
    const known = await sealed.get(blobsPlaceTable, blobsPlaceId);
    const address = elsewhere(to)?.address;
    if (known?.value.address === address) return;
    const value = address === undefined ? null : ({ format: 1, address } as const);
    await sealed.commit({ write: [writeRecord(blobsPlaceTable, blobsPlaceId, known?.version ?? null, value)] });
  });
  await removeMark(target, 'filling');
}
