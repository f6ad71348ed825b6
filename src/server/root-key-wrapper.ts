import type { Guid } from '../base/guid.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { createVaultKeyWrapper } from '../cluster/process/vault-key-wrapper.ts';
import type { OutsideVault } from '../cluster/supervisor/outside-vaults/outside-vault.ts';
import { rootKeyIdentity } from '../cluster/supervisor/outside-vaults/outside-vault.ts';
import { createOutsideVaults } from '../cluster/supervisor/outside-vaults/outside-vaults.ts';
import type { KeyWrapper } from '../encryption/key-wrapper.ts';
import { RootKeyError } from '../state/root-key.ts';

/** A key in a vault outside, and how it is asked. */
export interface WrappingKey {
  readonly kid: VersionedKeyId;
  readonly wrapper: KeyWrapper;
  /** No identity of the instance, which may not have begun. */
  readonly identity: Guid;
}

export interface RootKeyVaults {
  readonly outsideVaults?: readonly OutsideVault[];
  readonly keys: { readonly vaultTimeoutMs: number };
}

/** Credentials stand for the server itself by a name of its own, or for all that no other stands for.
 * @throws RootKeyError for a key in a vault that nobody has named */
export function wrappingKeyOf(kid: VersionedKeyId, { outsideVaults = [], keys }: RootKeyVaults): WrappingKey {
  if (!outsideVaults.some(({ host }) => host === kid.vaultHost))
    throw new RootKeyError(`The vault ${kid.vaultHost} of the root key is not named with --vault: it is one outside.`);
  const timeoutMs = keys.vaultTimeoutMs;
  const findIdentity = () => Promise.resolve({ resourceId: rootKeyIdentity, enabled: true });
  const vaults = createOutsideVaults({ vaults: outsideVaults, findIdentity, timeoutMs });
  const wrapper = createVaultKeyWrapper({
    access: {
      resolve: (host) => {
        const found = vaults.resolve(host);
        return Promise.resolve(found === undefined ? { where: 'absent' } : { where: 'outside', route: found.route });
      },
      token: (identity, host, target) =>
        vaults.resolve(host)?.mintToken(identity, target) ??
        Promise.resolve({ outcome: 'refused', reason: `Nobody has named ${host}.` }),
    },
    timeoutMs,
  });
  return { kid, wrapper, identity: newGuid(systemRandomBytes) };
}
