import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandomBytes } from '../base/random.ts';
import type { RootKey } from '../state/root-key.ts';
import { openRootKeyFile, RootKeyError } from '../state/root-key.ts';
import { dropOldRootKeyFile, nextRootKeyPath, replaceRootKeyFile } from '../state/root-key-files.ts';
import { isSealed, openCheck, ResealingError } from '../state/sealed/check-record.ts';
import type { StateStore } from '../state/state-store.ts';
import { rootKeyFileName } from './data-directory-names.ts';
import type { KeysInVaults, VaultKeySettings } from './root-key-in-vault.ts';
import { inVaultOnly, wrapperIn } from './wrapped-root-key.ts';

/** What opens a state. While one root key takes the place of another there are two; which of them seals is what the state says. */
export interface RootKeys {
  readonly rootKey: RootKey;
  readonly otherRootKey?: RootKey | undefined;
}

/** Those that vaults have wrapped. What asks vaults is loaded by those alone who have one there. @throws RootKeyError */
export async function keysInVaultsOf(settings: VaultKeySettings): Promise<KeysInVaults | undefined> {
  if ((settings.rootKeyVault ?? settings.oldRootKeyVault) === undefined) return undefined;
  return (await import('./root-key-in-vault.ts')).keysInVaults(settings);
}

/** Given by whoever keeps them, or in files beside the data. @throws RootKeyError, WrongRootKeyError */
export async function rootKeysOf(
  {
    rootKey,
    oldRootKey,
    dataDirectory,
  }: { readonly rootKey?: RootKey; readonly oldRootKey?: RootKey; readonly dataDirectory: string },
  store: StateStore,
): Promise<RootKeys> {
  if (rootKey === undefined) return rootKeysBeside(store, dataDirectory);
  if (oldRootKey !== undefined) return { rootKey, otherRootKey: oldRootKey };
  // The key leaves the directory: the old one is in its file until that has come to its end.
  const path = join(dataDirectory, rootKeyFileName);
  if (!existsSync(path) || !(await isSealed(store)) || !(await needsOther(store, rootKey))) return { rootKey };
  return { rootKey, otherRootKey: openRootKeyFile(path, systemRandomBytes) };
}

/** The key in the file beside the data, made for a new state only: another key opens nothing, and would look as if it were kept here.
 * @throws RootKeyError */
export async function rootKeyBeside(store: StateStore, dataDirectory: string): Promise<RootKey> {
  const { rootKey, otherRootKey } = await rootKeysBeside(store, dataDirectory);
  otherRootKey?.close();
  return rootKey;
}

async function rootKeysBeside(store: StateStore, dataDirectory: string): Promise<RootKeys> {
  const path = join(dataDirectory, rootKeyFileName);
  const sealed = await isSealed(store);
  if (!existsSync(path) && sealed) {
    const kid = await wrapperIn(store);
    throw new RootKeyError(
      kid === undefined
        ? `There is no root key in ${dataDirectory}: it is kept elsewhere. Give the one that the directory was made with, in KUSTODY_ROOT_KEY or by --root-key-fd.`
        : inVaultOnly(dataDirectory, kid),
    );
  }
  const rootKey = openRootKeyFile(path, systemRandomBytes);
  const nextPath = nextRootKeyPath(path);
  if (!sealed || !existsSync(nextPath)) {
    dropOldRootKeyFile(path);
    return { rootKey };
  }
  const next = openRootKeyFile(nextPath, systemRandomBytes);
  const opened = await openCheck({ store, rootKey, otherRootKey: next, randomBytes: systemRandomBytes });
  opened.seal.close();
  if (opened.rootKey === rootKey) return { rootKey, otherRootKey: next };
  if (opened.oldRootKey !== undefined) return { rootKey: next, otherRootKey: rootKey };
  // All is sealed under it, and only the files do not say so yet.
  replaceRootKeyFile(path);
  rootKey.close();
  return { rootKey: next };
}

async function needsOther(store: StateStore, rootKey: RootKey): Promise<boolean> {
  try {
    (await openCheck({ store, rootKey, randomBytes: systemRandomBytes })).seal.close();
    return false;
  } catch (error) {
    if (error instanceof ResealingError) return true;
    throw error;
  }
}
