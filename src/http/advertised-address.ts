import { createHmac, timingSafeEqual } from 'node:crypto';
import { isIPv6 } from 'node:net';

/** Where other nodes reach a node. */
export interface NodeAddress {
  readonly host: string;
  readonly port: number;
}

/** @param text `HOST:PORT`, an IPv6 address in brackets
 * @returns undefined when it is something else */
export function parseNodeAddress(text: string): NodeAddress | undefined {
  const [, bracketed, plain, digits = ''] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535 || (bracketed !== undefined && !isIPv6(bracketed))) return undefined;
  return { host, port };
}

export const nodeAddressText = ({ host, port }: NodeAddress): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;

/** As it stands in the state, where others may write, too: the address, and a proof that a node of the instance has written it. */
export const signAddress = (key: Uint8Array, text: string): string => `${text} ${macOf(key, text).toString('hex')}`;

/** @returns undefined: no node of the instance has written it */
export function readSignedAddress(
  key: Uint8Array,
  signed: string,
): (NodeAddress & { readonly text: string }) | undefined {
  const [text = '', mac = '', ...more] = signed.split(' ');
  const expected = macOf(key, text);
  const given = Buffer.from(mac, 'hex');
  if (more.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
  const address = parseNodeAddress(text);
  return address && { ...address, text };
}

const macOf = (key: Uint8Array, text: string): Buffer =>
  createHmac('sha256', key).update('kustody node is reached at').update(text).digest();
