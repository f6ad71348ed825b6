import type { OutsideVault } from '../cluster/supervisor/outside-vaults/outside-vault.ts';
import type { HostName, VaultName } from '../base/names.ts';
import { parseHostName, parseVaultName } from '../base/names.ts';
import { invariant } from '../base/invariant.ts';
import { vaultNames } from '../providers/keyvault/vault-record.ts';
import { serviceVaultName } from './service-vault.ts';
import type { State } from '../state/state.ts';

const ownDomain = '.vault.azure.net';

export function vaultHostOf(name: VaultName): HostName {
  const host = parseHostName(`${name}${ownDomain}`);
  invariant(host !== undefined, 'the name of a vault makes a host name');
  return host;
}

/** A host cannot be a vault of this Kustody and one outside: clusters would go to the one or the other by accident. */
export class OutsideVaultError extends Error {
  override readonly name = 'OutsideVaultError';
}

/** Asked once at the start; later the names are taken. @throws OutsideVaultError for a vault that is here, deleted ones included */
export async function refuseOwnNames(state: State, vaults: readonly Pick<OutsideVault, 'host'>[]): Promise<void> {
  for (const { host } of vaults) {
    const name = host.endsWith(ownDomain) ? parseVaultName(host.slice(0, -ownDomain.length)) : undefined;
    if (name === undefined) continue;
    if (name !== serviceVaultName && (await state.get(vaultNames, name)) === undefined) continue;
    throw new OutsideVaultError(`${host} is a vault of this Kustody (or was deleted there and is not purged yet).`);
  }
}
