import { BlockList, isIP } from 'node:net';

type Range = readonly [address: string, bits: number];

/** What of IPv6 is for everybody; of IPv4 all is, but for what follows. */
const globalUnicast: readonly Range[] = [['2000::', 3]];

/** Not for everybody: the IANA registries of special-purpose addresses (RFC 6890 and what followed), multicast, and what carries an
 * IPv4 address inside. */
const special: readonly Range[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const [unicastList, specialList] = [listOf(globalUnicast), listOf(special)];

/** Whether an address, as DNS gives it, is one of the public Internet. */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  return family !== 0 && (family === 4 || isIn(unicastList, address)) && !isIn(specialList, address);
}

export function listOf(ranges: readonly Range[]): BlockList {
  const list = new BlockList();
  for (const [address, bits] of ranges) list.addSubnet(address, bits, familyOf(address));
  return list;
}

export const isIn = (list: BlockList, address: string): boolean => list.check(address, familyOf(address));

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4';
}
