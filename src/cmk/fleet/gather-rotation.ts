import type { CmkClients } from '../clients.ts';
import type { RotationFacts } from './fleet-facts.ts';

/** What the vault does with the key by itself. Every key has a policy: one that nobody set only notifies. */
export async function gatherRotation(clients: CmkClients, vaultUri: string, name: string): Promise<RotationFacts> {
  const { lifetimeActions = [], expiresIn } = await clients.keys(vaultUri).getKeyRotationPolicy(name);
  const rotate = lifetimeActions.find(({ action }) => action.toLowerCase() === 'rotate');
  return {
    rotates: rotate !== undefined,
    ...(rotate?.timeAfterCreate === undefined ? {} : { after: rotate.timeAfterCreate }),
    ...(rotate?.timeBeforeExpiry === undefined ? {} : { beforeExpiry: rotate.timeBeforeExpiry }),
    ...(expiresIn === undefined ? {} : { versionsExpireIn: expiresIn }),
  };
}
