import type { VersionedKeyId } from '../../src/base/key-id.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import type { KeysInVaults } from '../../src/server/root-key-in-vault.ts';
import { keysInVaults } from '../../src/server/root-key-in-vault.ts';
import { rewrapStopped, rotateStopped } from '../../src/server/moving/rotate-stopped.ts';
import { defaultKeySettings } from '../../src/server/settings.ts';
import { instant } from '../../src/clock/clock.ts';
import type { RootKey } from '../../src/state/root-key.ts';
import { parseRootKey } from '../../src/state/root-key.ts';
import type { FileVault } from './file-vault.ts';

/** What a start, or a command, is given: keys in hex, and versions of the vault's key. */
export interface GivenKeys {
  readonly rootKey?: string;
  readonly oldRootKey?: string;
  readonly rootKeyVault?: VersionedKeyId;
  readonly oldRootKeyVault?: VersionedKeyId;
}

/** The keys as a vault gives them whose versions are files. */
export async function keysFrom(
  vault: FileVault,
  dataDirectory: string,
  given: GivenKeys,
): Promise<{ readonly rootKey?: RootKey; readonly oldRootKey?: RootKey; readonly inVault: KeysInVaults }> {
  const [rootKey, oldRootKey] = [given.rootKey, given.oldRootKey].map((hex) => hex && parseRootKey(hex)) as (
    RootKey | undefined
  )[];
  const { rootKeyVault, oldRootKeyVault } = given;
  const inVault = await keysInVaults(
    {
      ...{ dataDirectory, keys: defaultKeySettings, isThere: true },
      ...(rootKeyVault && { rootKeyVault }),
      ...(oldRootKeyVault && { oldRootKeyVault }),
      ...(oldRootKey && { oldRootKey }),
    },
    (kid) => ({ kid, wrapper: vault, identity: newGuid(systemRandomBytes) }),
  );
  return { ...(rootKey && { rootKey }), ...(oldRootKey && { oldRootKey }), ...inVault.keys, inVault };
}

/** As the command does it: with two keys in vaults the root key stays, else another takes its place. */
export async function moveRootKey(vault: FileVault, dataDirectory: string, given: GivenKeys): Promise<void> {
  const settings = { from: { dataDirectory }, ...(await keysFrom(vault, dataDirectory, given)), now: () => instant(0) };
  if (given.rootKeyVault !== undefined && given.oldRootKeyVault !== undefined) await rewrapStopped(settings);
  else await rotateStopped(settings);
}
