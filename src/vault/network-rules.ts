import { BlockList, isIPv4 } from 'node:net';
import type { Caller } from '../authz/caller.ts';
import type { VaultSettings } from './vault-directory.ts';
import type { VaultError } from './vault-error.ts';
import { vaultError } from './vault-error.ts';

/** The vault's firewall. Kustody's callers are no trusted services (Data Explorer is not on Azure's list of them), so
 * `bypass` lets nobody through. Rules are IPv4; an IPv6 caller passes only where everyone does.
 * @param address of the client, as the socket has it */
export function refusedByNetwork(vault: VaultSettings, caller: Caller, address: string): VaultError | undefined {
  if (vault.publicNetworkAccess === 'Disabled') return vaultError('byConnection', caller, vault);
  if (vault.networkAcls.defaultAction === 'Allow') return undefined;
  const plain = plainAddress(address);
  return matchesRule(vault.networkAcls.ipRules, plain) ? undefined : vaultError('byFirewall', plain, caller, vault);
}

/** IPv4 addresses arrive as `::ffff:a.b.c.d` on a socket that takes both. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

function matchesRule(rules: readonly string[], address: string): boolean {
  if (!isIPv4(address)) return false;
  const allowed = new BlockList();
  for (const rule of rules) {
    const [net = '', bits = '32'] = rule.split('/');
    if (isIPv4(net) && /^([0-9]|[12][0-9]|3[0-2])$/.test(bits)) allowed.addSubnet(net, Number(bits), 'ipv4');
  }
  return allowed.check(address, 'ipv4');
}
