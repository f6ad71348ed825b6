import { guidPattern } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json, JsonObject } from '../../base/json.ts';

/** How values stand in a pack: a byte of these, then what it says. Numbers of items and bytes are varints. */
const tags = {
  ...{ null: 0, false: 1, true: 2 },
  /** Whole, not negative: a varint. */
  count: 3,
  /** Any other number: 8 bytes. */
  number: 4,
  text: 5,
  /** A text that is a guid: 16 bytes. */
  guid: 6,
  /** A text that is unpadded base64url of some bytes: these. */
  bytes: 7,
  /** A text that is a whole number as `BigInt` writes it, of 64 bits with its sign. */
  digits: 8,
  /** A text that ends with a guid: what is before it, by its place among what is shared, and 16 bytes. */
  named: 9,
  /** Any value, by its place among what is shared. */
  shared: 10,
  list: 11,
  /** Its names, by their place among what is shared, and a value for each. */
  object: 12,
  /** A list of two values that are alike. */
  pair: 13,
} as const;

const bytesMin = 12;
const guidLength = 36;
const int64Max = (1n << 63n) - 1n;

/** Values of JSON that are much alike, each to be read by itself: what they have in common is there once, ids and keys are bytes. Two hundred records of
 * extents are a sixth of what their JSON is. `undefined` members are left out, as in JSON. */
export interface PackedValues {
  /** JSON: to be read before any of them, by `readShared`. */
  readonly shared: Buffer;
  readonly values: readonly Buffer[];
}

export function packValues(values: readonly JsonObject[]): PackedValues {
  const counts = new Map<string, number>();
  for (const value of values) countParts(value, counts);
  const pack = new Packing(counts);
  const packed = values.map((value) => pack.packed(value));
  return { shared: Buffer.from(JSON.stringify(pack.shared)), values: packed };
}

export const readShared = (shared: Buffer): readonly Json[] => JSON.parse(shared.toString('utf8')) as Json[];

/** @param shared of the pack that it is of; what is read has parts of it: nobody changes them
 * @throws Error when it is no packed value */
export function unpackValue(bytes: Buffer, shared: readonly Json[]): JsonObject {
  const value = new Reading(bytes, shared).value();
  invariant(typeof value === 'object' && value !== null && !Array.isArray(value), 'what is packed is an object');
  return value as JsonObject;
}

/** Texts, lists and objects below a value, by their JSON. */
function countParts(value: Json, counts: Map<string, number>): void {
  if (typeof value !== 'object' || value === null) return;
  for (const part of Object.values(value) as (Json | undefined)[]) {
    if (part === undefined) continue;
    if (isShareable(part)) {
      const text = JSON.stringify(part);
      const before = counts.get(text) ?? 0;
      counts.set(text, before + 1);
      if (before > 0) continue; // its parts are shared with it
    }
    countParts(part, counts);
  }
}

const isShareable = (value: Json): boolean =>
  typeof value === 'string' ? value.length > 2 : typeof value === 'object' && value !== null;

class Packing {
  readonly shared: Json[] = [];
  readonly #places = new Map<string, number>();
  readonly #counts: ReadonlyMap<string, number>;
  #out: number[] = [];

  constructor(counts: ReadonlyMap<string, number>) {
    this.#counts = counts;
  }

  packed(value: JsonObject): Buffer {
    this.#out = [];
    this.#object(value);
    return Buffer.from(this.#out);
  }

  #value(value: Json): void {
    if (isShareable(value)) {
      const text = JSON.stringify(value);
      if ((this.#counts.get(text) ?? 0) > 1) {
        this.#out.push(tags.shared);
        this.#varint(this.#place(text, value));
        return;
      }
    }
    if (value === null) this.#out.push(tags.null);
    else if (typeof value === 'boolean') this.#out.push(value ? tags.true : tags.false);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'string') this.#text(value);
    else if (Array.isArray(value)) this.#list(value as readonly Json[]);
    else this.#object(value as JsonObject);
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value) && value >= 0) {
      this.#out.push(tags.count);
      this.#varint(value);
      return;
    }
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleBE(value);
    this.#out.push(tags.number, ...bytes);
  }

  #text(value: string): void {
    if (guidPattern.test(value)) this.#out.push(tags.guid, ...guidBytes(value));
    else if (guidPattern.test(value.slice(-guidLength))) {
      const before = value.slice(0, -guidLength);
      this.#out.push(tags.named);
      this.#varint(this.#place(JSON.stringify(before), before));
      this.#out.push(...guidBytes(value.slice(-guidLength)));
    } else if (isDigits(value)) {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64BE(BigInt(value));
      this.#out.push(tags.digits, ...bytes);
    } else if (isBytes(value)) this.#sized(tags.bytes, Buffer.from(value, 'base64url'));
    else if (/\p{Surrogate}/u.test(value)) {
      this.#out.push(tags.shared); // it survives as JSON only
      this.#varint(this.#place(JSON.stringify(value), value));
    } else this.#sized(tags.text, Buffer.from(value, 'utf8'));
  }

  #list(value: readonly Json[]): void {
    const [first, second] = value;
    if (value.length === 2 && first !== undefined && first === second) {
      this.#out.push(tags.pair);
      this.#value(first);
      return;
    }
    this.#out.push(tags.list);
    this.#varint(value.length);
    for (const item of value) this.#value(item);
  }

  #object(value: JsonObject): void {
    const names = Object.keys(value).filter((name) => value[name] !== undefined);
    this.#out.push(tags.object);
    this.#varint(this.#place(JSON.stringify(names), names));
    for (const name of names) this.#value(value[name] ?? null);
  }

  #sized(tag: number, bytes: Buffer): void {
    this.#out.push(tag);
    this.#varint(bytes.length);
    for (const byte of bytes) this.#out.push(byte);
  }

  #place(text: string, value: Json): number {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    this.#places.set(text, this.shared.length);
    return this.shared.push(value) - 1;
  }

  #varint(value: number): void {
    let left = value;
    for (; left > 127; left = Math.floor(left / 128)) this.#out.push((left % 128) + 128);
    this.#out.push(left);
  }
}

class Reading {
  readonly #bytes: Buffer;
  readonly #shared: readonly Json[];
  #at = 0;

  constructor(bytes: Buffer, shared: readonly Json[]) {
    this.#bytes = bytes;
    this.#shared = shared;
  }

  value(): Json {
    switch (this.#byte()) {
      case tags.null:
        return null;
      case tags.false:
        return false;
      case tags.true:
        return true;
      case tags.count:
        return this.#varint();
      case tags.number:
        return this.#taken(8).readDoubleBE();
      case tags.text:
        return this.#taken(this.#varint()).toString('utf8');
      case tags.guid:
        return guidText(this.#taken(16));
      case tags.bytes:
        return this.#taken(this.#varint()).toString('base64url');
      case tags.digits:
        return String(this.#taken(8).readBigInt64BE());
      case tags.named: {
        const before = this.#sharedOne();
        invariant(typeof before === 'string', 'a name begins with a text');
        return before + guidText(this.#taken(16));
      }
      case tags.shared:
        return this.#sharedOne();
      case tags.list:
        return Array.from({ length: this.#varint() }, () => this.value());
      case tags.object:
        return this.#object();
      case tags.pair: {
        const one = this.value();
        return [one, one];
      }
      default:
        throw new Error('That is no packed value.');
    }
  }

  #object(): JsonObject {
    const names = this.#sharedOne() as readonly string[];
    const object: Record<string, Json> = {};
    for (const name of names) object[name] = this.value();
    return object;
  }

  #sharedOne(): Json {
    const found = this.#shared[this.#varint()];
    invariant(found !== undefined, 'what is shared is there');
    return found;
  }

  #byte(): number {
    const byte = this.#bytes[this.#at];
    invariant(byte !== undefined, 'a packed value is whole');
    this.#at += 1;
    return byte;
  }

  #taken(length: number): Buffer {
    const taken = this.#bytes.subarray(this.#at, this.#at + length);
    invariant(taken.length === length, 'a packed value is whole');
    this.#at += length;
    return taken;
  }

  #varint(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#byte();
      value += (byte % 128) * factor;
      if (byte < 128) return value;
    }
  }
}

export const guidBytes = (guid: string): Buffer => Buffer.from(guid.replaceAll('-', ''), 'hex');

function guidText(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function isDigits(text: string): boolean {
  if (!/^-?[1-9]\d{0,18}$|^0$/.test(text)) return false;
  const value = BigInt(text);
  return value <= int64Max && value >= -int64Max;
}

const isBytes = (text: string): boolean =>
  text.length >= bytesMin && Buffer.from(text, 'base64url').toString('base64url') === text;
