/** IPv4 and IPv6 addresses as numbers, with an optional prefix. */
export interface Address {
  readonly value: bigint;
  /** Bits of the prefix; 32 or 128 when none was written. */
  readonly prefix: number;
}

/** `192.168.1.1[/24]` @returns undefined when it is no address */
export function parseIpv4(text: string): Address | undefined {
  const match = /^\s*(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?\s*$/.exec(text);
  if (!match) return undefined;
  const octets = match.slice(1, 5).map(Number);
  const prefix = match[5] === undefined ? 32 : Number(match[5]);
  if (octets.some((octet) => octet > 255) || prefix > 32) return undefined;
  return { value: octets.reduce((sum, octet) => sum * 256n + BigInt(octet), 0n), prefix };
}

/** IPv6 in all its spellings; an IPv4 address becomes `::ffff:a.b.c.d`, its prefix 96 more. */
export function parseIpv6(text: string): Address | undefined {
  const v4 = parseIpv4(text);
  if (v4) return { value: (0xffffn << 32n) | v4.value, prefix: 96 + v4.prefix };
  const [body = '', prefixText] = text.trim().split('/');
  const prefix = prefixText === undefined ? 128 : Number(prefixText);
  if (!(prefix >= 0 && prefix <= 128) || (prefixText !== undefined && !/^\d{1,3}$/.test(prefixText))) return undefined;
  const halves = body.split('::');
  if (halves.length > 2) return undefined;
  const left = groupsOf(halves[0] ?? '');
  const right = halves.length === 2 ? groupsOf(halves[1] ?? '') : [];
  if (!left || !right) return undefined;
  const missing = 8 - left.length - right.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const groups = [...left, ...Array.from({ length: halves.length === 2 ? missing : 0 }, () => 0), ...right];
  // With an IPv4 tail a prefix of up to 32 bits is one of the tail.
  const inTail = prefixText !== undefined && body.includes('.') && prefix <= 32;
  return {
    value: groups.reduce((sum, group) => (sum << 16n) | BigInt(group), 0n),
    prefix: inTail ? prefix + 96 : prefix,
  };
}

function groupsOf(text: string): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      const v4 = parseIpv4(part);
      if (!v4 || v4.prefix !== 32) return undefined;
      groups.push(Number(v4.value >> 16n), Number(v4.value & 0xffffn));
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

export const masked = (value: bigint, prefix: number, bits: 32 | 128): bigint => {
  const host = BigInt(bits - prefix);
  return (value >> host) << host;
};

export const formatIpv4 = (value: bigint): string =>
  [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');

export const formatIpv6 = (value: bigint): string =>
  Array.from({ length: 8 }, (_group, index) =>
    ((value >> BigInt(112 - index * 16)) & 0xffffn).toString(16).padStart(4, '0'),
  ).join(':');

/** @returns -1, 0 or 1 of the parts that the shorter prefix (or the given one) keeps */
export function compareAddresses(a: Address, b: Address, prefix: number, bits: 32 | 128): number {
  const shortest = Math.min(a.prefix, b.prefix, prefix);
  const [x, y] = [masked(a.value, shortest, bits), masked(b.value, shortest, bits)];
  return x < y ? -1 : x > y ? 1 : 0;
}

const privateRanges = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'].map((range) => parseIpv4(range));
export const isPrivateIpv4 = (address: Address): boolean =>
  privateRanges.some(
    (range) =>
      range !== undefined &&
      masked(address.value, Math.min(range.prefix, address.prefix), 32) ===
        masked(range.value, Math.min(range.prefix, address.prefix), 32),
  );

export const isInRange = (address: Address, range: Address, bits: 32 | 128): boolean =>
  masked(address.value, range.prefix, bits) === masked(range.value, range.prefix, bits);

/** The fewest CIDR blocks that cover exactly `from` to `to`. */
export function cidrBlocks(from: bigint, to: bigint): string[] {
  const blocks: string[] = [];
  for (let at = from; at <= to;) {
    let size = 1n;
    while (at % (size * 2n) === 0n && at + size * 2n - 1n <= to) size *= 2n;
    blocks.push(`${formatIpv4(at)}/${32 - (size.toString(2).length - 1)}`);
    at += size;
  }
  return blocks;
}

/** Addresses that stand free in a text: not preceded or followed by a letter or digit. */
export function addressesIn(text: string): string[] {
  return [...text.matchAll(/(?<![\p{L}\p{N}])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\p{L}\p{N}])/gu)]
    .map((match) => match[0])
    .filter((address) => parseIpv4(address));
}
