import { parseIpv4, parseIpv6 } from '../../src/kql/algorithms/text/ip.ts';

/** A whole number of so many bits; a plain number is written as a double. */
export interface Unsigned {
  readonly bits: 16 | 32 | 64;
  readonly value: number;
}
export type MmdbValue =
  string | number | boolean | Unsigned | readonly MmdbValue[] | { readonly [key: string]: MmdbValue };

export interface MmdbOptions {
  /** Records by network, such as `20.53.0.0/16`. A longer prefix wins. */
  readonly networks: Readonly<Record<string, MmdbValue>>;
  readonly type?: string;
  readonly ipVersion?: 4 | 6;
  readonly recordSize?: 24 | 28 | 32;
  /** `::ffff:0:0/96` leads to the IPv4 addresses, as MaxMind's own files have it. */
  readonly aliases?: boolean;
  readonly metadata?: Readonly<Record<string, MmdbValue>>;
}

/** A number is where a record begins. */
type Child = Tree | number | undefined;
type Tree = [Child, Child];

/** A small database in the MaxMind DB format, version 2.0, made from its published description. */
export function mmdb(options: MmdbOptions): Buffer {
  const { networks, ipVersion = 6, recordSize = 28, aliases = true } = options;
  const section = new DataSection();
  const root: Tree = [undefined, undefined];
  const ordered = Object.entries(networks)
    .map(([network, value]) => ({ ...bitsOf(network, ipVersion), value }))
    .toSorted((a, b) => a.length - b.length);
  for (const { bits, length, value } of ordered) insert(root, bits, length, section.add(value));
  if (aliases && ipVersion === 6) {
    let v4: Child = root;
    for (let depth = 0; depth < 96 && Array.isArray(v4); depth += 1) v4 = v4[0];
    insert(root, bitsOf('::ffff:0:0/96', 6).bits, 96, v4);
  }
  const nodes = numbered(root);
  const valueOf = (child: Child): number => {
    if (Array.isArray(child)) return nodes.get(child) ?? 0;
    return nodes.size + (child === undefined ? 0 : separatorBytes + child);
  };
  const tree = [...nodes.keys()].map(([left, right]) => nodeBytes(valueOf(left), valueOf(right), recordSize));
  const metadata = new DataSection();
  metadata.add({
    binary_format_major_version: { bits: 16, value: 2 },
    binary_format_minor_version: { bits: 16, value: 0 },
    build_epoch: { bits: 64, value: 1_700_000_000 },
    database_type: options.type ?? 'Test-City',
    description: { en: 'Made for a test' },
    ip_version: { bits: 16, value: ipVersion },
    languages: ['en'],
    node_count: { bits: 32, value: nodes.size },
    record_size: { bits: 16, value: recordSize },
    ...options.metadata,
  });
  const marker = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
  return Buffer.concat([...tree, Buffer.alloc(separatorBytes), section.bytes(), marker, metadata.bytes()]);
}

const separatorBytes = 16;

function bitsOf(network: string, ipVersion: 4 | 6): { readonly bits: string; readonly length: number } {
  const v4 = parseIpv4(network);
  const address = v4 ?? parseIpv6(network);
  if (address === undefined) throw new Error(`no network: ${network}`);
  const width = ipVersion === 4 ? 32 : 128;
  return {
    bits: address.value.toString(2).padStart(width, '0'),
    length: v4 && ipVersion === 6 ? address.prefix + 96 : address.prefix,
  };
}

function insert(root: Tree, bits: string, length: number, value: Child): void {
  let node = root;
  for (let depth = 0; depth < length - 1; depth += 1) {
    const side = bits[depth] === '1' ? 1 : 0;
    const child = node[side];
    const next: Tree = Array.isArray(child) ? child : [child, child];
    node[side] = next;
    node = next;
  }
  node[bits[length - 1] === '1' ? 1 : 0] = value;
}

function numbered(root: Tree, numbers = new Map<Tree, number>()): Map<Tree, number> {
  if (numbers.has(root)) return numbers;
  numbers.set(root, numbers.size);
  for (const child of root) if (Array.isArray(child)) numbered(child, numbers);
  return numbers;
}

function nodeBytes(left: number, right: number, recordSize: 24 | 28 | 32): Buffer {
  const digits = recordSize / 4;
  const [a, b] = [left, right].map((value) => value.toString(16).padStart(digits, '0')) as [string, string];
  // Of 28 bits the upper four of both share the byte in the middle.
  return Buffer.from(recordSize === 28 ? a.slice(1) + a.charAt(0) + b : a + b, 'hex');
}

/** Values one after the other; a text that was written before is pointed to. */
class DataSection {
  readonly #parts: Buffer[] = [];
  readonly #texts = new Map<string, number>();
  #length = 0;

  /** @returns where the value begins */
  add(value: MmdbValue): number {
    const at = this.#length;
    if (typeof value === 'string') this.#text(value);
    else if (typeof value === 'number') {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(value);
      this.#push(control(3, 8), bytes);
    } else if (typeof value === 'boolean') this.#push(control(14, value ? 1 : 0));
    else if (isList(value)) {
      this.#push(control(11, value.length));
      for (const item of value) this.add(item);
    } else if (isUnsigned(value)) {
      const hex = value.value === 0 ? '' : value.value.toString(16);
      const bytes = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex');
      this.#push(control({ 16: 5, 32: 6, 64: 9 }[value.bits], bytes.length), bytes);
    } else {
      this.#push(control(7, Object.keys(value).length));
      for (const [key, member] of Object.entries(value)) {
        this.add(key);
        this.add(member);
      }
    }
    return at;
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #text(text: string): void {
    const known = this.#texts.get(text) ?? 2048;
    if (known < 2048) this.#push(Buffer.from([(1 << 5) | (known >> 8), known & 0xff]));
    else {
      this.#texts.set(text, this.#length);
      const bytes = Buffer.from(text, 'utf8');
      this.#push(control(2, bytes.length), bytes);
    }
  }

  #push(...parts: readonly Buffer[]): void {
    this.#parts.push(...parts);
    for (const part of parts) this.#length += part.length;
  }
}

function control(type: number, size: number): Buffer {
  const short = Math.min(size, 29);
  const first = type > 7 ? [short, type - 7] : [(type << 5) | short];
  if (size >= 285) throw new Error('this writer knows short values only');
  return Buffer.from(size < 29 ? first : [...first, size - 29]);
}

const isList = (value: MmdbValue): value is readonly MmdbValue[] => Array.isArray(value);
const isUnsigned = (value: MmdbValue): value is Unsigned => typeof value === 'object' && 'bits' in value;
