import { isIPv4 } from 'node:net';

/** @param address as a socket reports it: an IPv4 peer on a dual-stack listener is written `::ffff:127.0.0.1` */
export function isLoopbackAddress(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.replace(/^::ffff:/i, '');
  return plain === '::1' || (isIPv4(plain) && plain.startsWith('127.'));
}
