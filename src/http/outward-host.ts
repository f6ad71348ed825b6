import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { HostName } from '../base/names.ts';
import { isAllowedAddress, isAllowedPort } from './allowed-hosts.ts';
import type { EdgeContext } from './edge-context.ts';

export type OutwardHost =
  | { readonly outcome: 'allowed'; readonly addresses: readonly LookupAddress[] }
  /** `message`: a sentence that says how to let the host through. */
  | { readonly outcome: 'refused'; readonly message: string };

type OutwardHostParts = Pick<EdgeContext, 'allowedHosts' | 'refusedHosts'> & Partial<Pick<EdgeContext, 'resolveHost'>>;

const lookUpAll = (host: HostName): Promise<readonly LookupAddress[]> => lookup(host, { all: true });

/** Whether something that a client names may be read from a host elsewhere, and at which addresses: what is let through for clients is let
 * through for us, and nothing else. */
export async function findOutwardHost(
  { allowedHosts, refusedHosts, resolveHost = lookUpAll }: OutwardHostParts,
  host: HostName,
  port: number,
): Promise<OutwardHost> {
  if (!isAllowedPort(allowedHosts, host, port)) {
    refusedHosts.add(host, 'foreign');
    const shown = port === 443 ? host : `${host}:${port}`;
    const account = /^([a-z0-9]{3,24})\.(?:blob|dfs)\./.exec(host)?.[1];
    const mapped = account === undefined ? '' : `, or map the account with --storage-account ${account}=URL`;
    return {
      outcome: 'refused',
      message: `The host ${host} is not let through: start Kustody with --allow ${shown}${mapped}.`,
    };
  }
  const found = await resolveHost(host).catch(() => []);
  const addresses = found.filter(({ address }) => isAllowedAddress(allowedHosts, host, address));
  if (addresses.length > 0) return { outcome: 'allowed', addresses };
  const why =
    found.length === 0
      ? `There is no host ${host}.`
      : `The host ${host} leads to an address that is not public: name its range, too (--allow 10.0.0.0/8).`;
  return { outcome: 'refused', message: why };
}
