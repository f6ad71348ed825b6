import { createOutsideVaults } from '../cluster/supervisor/outside-vaults/outside-vaults.ts';
import type { OutsideVaults } from '../cluster/supervisor/outside-vaults/outside-vaults.ts';
import type { ServerParts } from './server-parts.ts';

/** The vaults outside that the settings name. */
export function openOutsideVaults({ settings, identity }: Pick<ServerParts, 'settings' | 'identity'>): OutsideVaults {
  return createOutsideVaults({
    vaults: settings.outsideVaults ?? [],
    findIdentity: (objectId) => identity.principals.get(objectId),
    timeoutMs: settings.keys.vaultTimeoutMs,
  });
}
