import { invariant } from '../base/invariant.ts';

/** Domains of the services behind the edge. The root can vouch for names in these and for this machine, for nothing else:
 * whoever trusts it, or steals its key, can pretend to be no other site. */
export const servedDomains = [
  'localhost',
  'azure.com',
  'azure.net',
  'microsoft.com',
  'microsoftonline.com',
  'windows.net',
] as const;

export const isServedDomain = (host: string): boolean =>
  servedDomains.some((domain) => host === domain || host.endsWith(`.${domain}`));

/** Addresses of this machine with their masks, as RFC 5280 writes them. */
const servedAddresses = [
  Uint8Array.of(127, 0, 0, 0, 255, 0, 0, 0),
  Uint8Array.of(...new Uint8Array(15), 1, ...new Uint8Array(16).fill(255)),
];

export const nameConstraintsOid = '2.5.29.30';

/** DER of NameConstraints (RFC 5280, 4.2.1.10): `permittedSubtrees [0]` over `dNSName [2]` and `iPAddress [7]`. */
export function encodeNameConstraints(): Uint8Array {
  const names = servedDomains.map((domain) => element(0x82, Buffer.from(domain, 'ascii')));
  const addresses = servedAddresses.map((address) => element(0x87, address));
  const subtrees = [...names, ...addresses].map((base) => element(0x30, base));
  return element(0x30, element(0xa0, Buffer.concat(subtrees)));
}

function element(tag: number, content: Uint8Array): Buffer {
  invariant(content.length < 256, 'name constraints fit a one-byte length');
  const length = content.length < 128 ? [content.length] : [0x81, content.length];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}
