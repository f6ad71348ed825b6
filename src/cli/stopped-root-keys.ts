import { keysInVaultsOf } from '../server/root-key-beside.ts';
import type { KeysInVaults } from '../server/root-key-in-vault.ts';
import { defaultKeySettings } from '../server/settings.ts';
import type { KeyPlace } from '../server/wrapped-root-key.ts';
import type { RootKey } from '../state/root-key.ts';
import { readOutsideVaults } from './outside-vault-option.ts';
import type { RootKeyOptions } from './root-key-options.ts';
import type { RootKeySource } from './root-key-source.ts';
import { requireOneMeaning } from './root-key-source.ts';

export interface StoppedRootKeys {
  readonly rootKey?: RootKey;
  readonly oldRootKey?: RootKey;
  readonly inVault: KeysInVaults | undefined;
  readonly close: () => void;
}

/** What is given and what vaults have wrapped, of a state that is there already: it is opened and closed again for that.
 * @throws UserError, RootKeyError */
export async function stoppedRootKeys(
  source: RootKeySource,
  options: RootKeyOptions,
  at: KeyPlace,
): Promise<StoppedRootKeys> {
  const [rootKey, oldRootKey] = [source.take(options.rootKeyFd), source.takeOld(options.oldRootKeyFd)];
  const { rootKeyVault, oldRootKeyVault } = options;
  requireOneMeaning({ rootKey, oldRootKey, rootKeyVault, oldRootKeyVault });
  const inVault = await keysInVaultsOf({
    ...at,
    ...(rootKeyVault && { rootKeyVault }),
    ...(oldRootKeyVault && { oldRootKeyVault }),
    ...(oldRootKey && { oldRootKey }),
    outsideVaults: readOutsideVaults(options.vault ?? [], process.env),
    ...{ keys: defaultKeySettings, isThere: true },
  });
  const keys = { ...(rootKey && { rootKey }), ...(oldRootKey && { oldRootKey }), ...inVault?.keys };
  return {
    ...{ ...keys, inVault },
    close: () => {
      keys.rootKey?.close();
      keys.oldRootKey?.close();
    },
  };
}
