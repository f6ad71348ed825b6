import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandomBytes } from '../base/random.ts';
import type { RootKey } from '../state/root-key.ts';
import { openRootKeyFile, RootKeyError } from '../state/root-key.ts';
import { isSealed } from '../state/sealed/check-record.ts';
import type { StateStore } from '../state/state-store.ts';
import { rootKeyFileName } from './data-directory-names.ts';

/** The key in the file beside the data, made for a new state only: another key opens nothing, and would look as if it were kept here.
 * @throws RootKeyError */
export async function rootKeyBeside(store: StateStore, dataDirectory: string): Promise<RootKey> {
  const path = join(dataDirectory, rootKeyFileName);
  if (!existsSync(path) && (await isSealed(store))) {
    throw new RootKeyError(
      `There is no root key in ${dataDirectory}: it is kept elsewhere. Give the one that the directory was made with, in KUSTODY_ROOT_KEY or by --root-key-fd.`,
    );
  }
  return openRootKeyFile(path, systemRandomBytes);
}
