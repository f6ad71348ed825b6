import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandomBytes } from '../base/random.ts';
import type { RootKey } from '../state/root-key.ts';
import { openRootKeyFile, RootKeyError } from '../state/root-key.ts';
import { destroyRootKeyFile, nextRootKeyPath, replaceRootKeyFile } from '../state/root-key-files.ts';
import type { ResealCounts } from '../state/sealed/reseal.ts';
import type { SealedState } from '../state/sealed/sealed-state.ts';
import { rootKeyFileName } from './data-directory-names.ts';
import type { RootKeys } from './root-key-beside.ts';

export interface RotationPorts {
  readonly sealed: Pick<SealedState, 'rootKey' | 'oldRootKey' | 'reseal'>;
  readonly dataDirectory: string;
  /** Kept elsewhere: the key that is to seal everything, and the one before. Undefined: both are files beside the data. */
  readonly given: RootKeys | undefined;
  /** @param done records looked at so far */
  readonly progress?: (done: number) => void;
}

export interface Rotated extends Partial<ResealCounts> {
  /** Where the old key was: its file is overwritten and gone, or whoever has kept it destroys it now. */
  readonly oldKey: 'destroyed' | 'elsewhere';
}

/** Puts another root key in the place of the one that seals the state, which then opens nothing of it. Whatever interrupts it, the same call
 * goes on, and meanwhile both keys together open the state.
 *
 * Order: the next key is durable → `SealedState.reseal` → its file is in the place of the old one, which is overwritten.
 * @throws RootKeyError when there is no other key, and those of `SealedState.reseal` */
export async function rotateRootKey({ sealed, dataDirectory, given, progress }: RotationPorts): Promise<Rotated> {
  const path = join(dataDirectory, rootKeyFileName);
  if (given === undefined) {
    const isUnderWay = sealed.oldRootKey !== undefined;
    const before = sealed.oldRootKey ?? sealed.rootKey;
    const next = isUnderWay ? sealed.rootKey : openRootKeyFile(nextRootKeyPath(path), systemRandomBytes);
    const counts = await sealed.reseal(next, progress);
    replaceRootKeyFile(path);
    before.close();
    return { ...counts, oldKey: 'destroyed' };
  }
  const { rootKey, otherRootKey } = given;
  if (otherRootKey === undefined) throw new RootKeyError(noOther);
  if (isSame(rootKey, otherRootKey)) throw new RootKeyError('The new root key and the old one are the same.');
  const counts = await sealed.reseal(rootKey, progress);
  const isBeside = existsSync(path) && isSame(openRootKeyFile(path, systemRandomBytes), otherRootKey);
  if (isBeside) destroyRootKeyFile(path);
  return { ...counts, oldKey: isBeside ? 'destroyed' : 'elsewhere' };
}

const noOther =
  'There is one root key only. Give the new one in KUSTODY_ROOT_KEY or by --root-key-fd, and the old one in KUSTODY_OLD_ROOT_KEY or by --old-root-key-fd; a server is started with both.';

const isSame = (one: RootKey, other: RootKey): boolean => {
  const noState = Buffer.alloc(16);
  return one.nameFor(noState) === other.nameFor(noState);
};
