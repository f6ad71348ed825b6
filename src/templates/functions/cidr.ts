import type { FunctionRows } from './function-row.ts';
import { integerAt, textAt, wrongArgument } from './function-row.ts';

/** A block of addresses: the first as a number, how many bits are fixed, and how many an address has. */
interface Block {
  readonly first: bigint;
  readonly prefix: number;
  readonly bits: 32 | 128;
}

export const cidrFunctions: FunctionRows = {
  parseCidr: {
    family: 'cidr',
    args: [1, 1],
    says: 'Network, mask, broadcast and usable addresses of a block of addresses.',
    cases: {
      "parseCidr('10.144.0.0/20')": {
        ...{ network: '10.144.0.0', netmask: '255.255.240.0', broadcast: '10.144.15.255' },
        ...{ firstUsable: '10.144.0.1', lastUsable: '10.144.15.254', cidr: 20 },
      },
    },
    evaluate: (args) => {
      const block = readBlock('parseCidr', textAt('parseCidr', args, 0));
      const last = block.first + sizeOf(block) - 1n;
      const isV4 = block.bits === 32;
      const usable = isV4 && block.prefix < 31 ? 1n : 0n;
      const mask = ((1n << BigInt(block.bits)) - 1n) ^ (sizeOf(block) - 1n);
      return {
        network: write(block.first, block.bits),
        netmask: write(mask, block.bits),
        ...(isV4 ? { broadcast: write(last, block.bits) } : {}),
        firstUsable: write(block.first + usable, block.bits),
        lastUsable: write(last - usable, block.bits),
        cidr: block.prefix,
      };
    },
  },
  cidrSubnet: {
    family: 'cidr',
    args: [3, 3],
    says: 'The block of so many fixed bits at a position in a larger block.',
    cases: { "cidrSubnet('10.144.0.0/20', 24, 1)": '10.144.1.0/24' },
    evaluate: (args) => {
      const block = readBlock('cidrSubnet', textAt('cidrSubnet', args, 0));
      const [prefix, at] = [integerAt('cidrSubnet', args, 1), integerAt('cidrSubnet', args, 2)];
      const inner = { ...block, prefix };
      if (prefix < block.prefix || prefix > block.bits) throw wrongArgument('cidrSubnet', 'the new CIDR is invalid');
      const first = block.first + BigInt(Math.max(at, 0)) * sizeOf(inner);
      if (at < 0 || first >= block.first + sizeOf(block))
        throw wrongArgument('cidrSubnet', 'the subnet index is invalid');
      return `${write(first, block.bits)}/${prefix}`;
    },
  },
  cidrHost: {
    family: 'cidr',
    args: [2, 2],
    says: 'The usable address at a position in a block, from 0.',
    cases: { "cidrHost('10.144.3.0/24', 0)": '10.144.3.1' },
    evaluate: (args) => {
      const block = readBlock('cidrHost', textAt('cidrHost', args, 0));
      const at = integerAt('cidrHost', args, 1);
      const usable = block.bits === 32 && block.prefix < 31 ? 1n : 0n;
      const host = block.first + usable + BigInt(Math.max(at, 0));
      if (at < 0 || host > block.first + sizeOf(block) - 1n - usable) {
        throw wrongArgument('cidrHost', 'the host index is invalid');
      }
      return write(host, block.bits);
    },
  },
};

const sizeOf = (block: Block): bigint => 1n << BigInt(block.bits - block.prefix);

function readBlock(name: string, text: string): Block {
  const [address = '', digits = '', ...more] = text.split('/');
  const bits = address.includes(':') ? 128 : 32;
  const value = bits === 32 ? readV4(address) : readV6(address);
  const prefix = /^\d{1,3}$/.test(digits) ? Number(digits) : Infinity;
  if (value === undefined || prefix > bits || more.length > 0) {
    throw wrongArgument(name, `the value '${text.slice(0, 60)}' is not a valid CIDR notation`);
  }
  const host = (1n << BigInt(bits - prefix)) - 1n;
  return { first: value - (value & host), prefix, bits };
}

function readV4(address: string): bigint | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((value, part) => value * 256n + BigInt(part), 0n);
}

function readV6(address: string): bigint | undefined {
  const halves = address.split('::');
  if (halves.length > 2) return undefined;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...head, ...Array.from({ length: missing }, () => '0'), ...tail];
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((value, group) => value * 65536n + BigInt(`0x${group}`), 0n);
}

function write(value: bigint, bits: 32 | 128): string {
  if (bits === 32) return [24n, 16n, 8n, 0n].map((shift) => String((value >> shift) & 255n)).join('.');
  const groups = Array.from({ length: 8 }, (_, at) => ((value >> BigInt(112 - 16 * at)) & 65535n).toString(16));
  const [longest = ''] = [...groups.join(':').matchAll(/\b0(?::0)+\b/g)]
    .map(([run]) => run)
    .toSorted((left, right) => right.length - left.length);
  return longest === '' ? groups.join(':') : groups.join(':').replace(longest, '::').replace(/:{3,}/, '::');
}
