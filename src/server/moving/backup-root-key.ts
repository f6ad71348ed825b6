import { RootKeyError } from '../../state/root-key.ts';
import { openStore } from '../state-place.ts';
import type { FoundWrapped } from '../wrapped-root-key.ts';
import { wrappedAmong, wrapperOf } from '../wrapped-root-key.ts';
import { namedBackup } from './backup-manifest.ts';
import { sideOf } from './backup-sides.ts';
import { MoveError } from './move-error.ts';
import { anyState } from './open-source.ts';

/** The root key of a backup of a whole instance, as a vault has wrapped it: it lies among the records of the backup, which nobody has held
 * against the manifest yet, and nothing of what it says is believed.
 * @throws MoveError for what is no such backup */
export async function findBackedUp(dataDirectory: string): Promise<FoundWrapped> {
  const opened = await openStore({ dataDirectory }, undefined, undefined, anyState);
  try {
    const named = await namedBackup(opened.store);
    if (named === undefined) throw new MoveError(`${dataDirectory} holds no backup that was finished.`);
    if (named.clusterId !== undefined)
      throw new MoveError(
        `${dataDirectory} is a backup of a cluster: name it with --cluster, and its instance with --to.`,
      );
    const found = await wrappedAmong(sideOf(opened.store, named.side));
    // One may lie there that has sealed nothing yet, or nothing any more.
    const { record } = found;
    return record !== undefined && wrapperOf(record) === named.rootKeyKid ? found : { ...found, record: undefined };
  } finally {
    await opened.close();
  }
}

/** What a restore is told that was given no root key. */
export async function withoutRootKey(dataDirectory: string): Promise<RootKeyError> {
  const { record } = await findBackedUp(dataDirectory);
  return new RootKeyError(
    record === undefined
      ? 'A backup opens with the root key of its instance, and there is none. Give it in KUSTODY_ROOT_KEY or by --root-key-fd.'
      : `The root key of ${dataDirectory} lies in it, wrapped by ${wrapperOf(record)}: give that kid by --root-key-vault, and its vault by --vault.`,
  );
}
