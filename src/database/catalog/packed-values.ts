import { guidPattern } from '../../base/guid.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { guidBytes, tags } from './packed-form.ts';

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
  const parts = new Parts();
  const members = values.map((value) => parts.membersOf(value));
  for (const { parts: own } of members) for (const part of own) part.uses += 1;
  const pack = new Packing(parts);
  const packed = members.map((one) => pack.packed(one));
  return { shared: Buffer.from(JSON.stringify(pack.shared)), values: packed };
}

/** A value below those that are packed: one for all that are written alike, so that none is written out to be compared. */
interface Part {
  readonly value: Json;
  /** The same for values that are written alike, and for no others. */
  readonly key: string;
  /** Of a list, or of an object in the order of its names. */
  readonly parts: readonly Part[];
  /** Of an object. */
  readonly names?: Part;
  /** How often it stands in different ones. */
  uses: number;
  /** Among what is shared, once it is there. */
  place?: number;
}

type Members = Required<Pick<Part, 'names' | 'parts'>>;
const noParts: readonly Part[] = [];

class Parts {
  readonly #texts = new Map<string, Part>();
  readonly #others = new Map<string, Part>();

  text(value: string): Part {
    const known = this.#texts.get(value);
    if (known !== undefined) return known;
    const part: Part = { value, key: `"${this.#texts.size}`, parts: noParts, uses: 0 };
    this.#texts.set(value, part);
    return part;
  }

  membersOf(value: JsonObject): Members {
    const names = Object.keys(value).filter((name) => value[name] !== undefined);
    return { names: this.#list(names), parts: names.map((name) => this.#of(value[name] ?? null)) };
  }

  #of(value: Json): Part {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return { value, key: String(value), parts: noParts, uses: 0 };
    if (Array.isArray(value)) return this.#list(value as readonly Json[]);
    const { names, parts } = this.membersOf(value as JsonObject);
    return this.#one(`{${names.key},${keyOf(parts)}`, value, parts, names);
  }

  #list(value: readonly Json[]): Part {
    const parts = value.map((item) => this.#of(item));
    return this.#one(`[${keyOf(parts)}`, value, parts);
  }

  /** What a new one has stands in it; what is the same as one before is shared with it. */
  #one(written: string, value: Json, parts: readonly Part[], names?: Part): Part {
    const known = this.#others.get(written);
    if (known !== undefined) return known;
    const part: Part = { value, key: `#${this.#others.size}`, parts, uses: 0, ...(names && { names }) };
    this.#others.set(written, part);
    for (const own of isPair(parts) ? parts.slice(1) : parts) own.uses += 1;
    return part;
  }
}

const keyOf = (parts: readonly Part[]): string => parts.map(({ key }) => key).join();

const isPair = ([first, second, ...more]: readonly Part[]): boolean =>
  first !== undefined && first.key === second?.key && more.length === 0;

const isShareable = (value: Json): boolean =>
  typeof value === 'string' ? value.length > 2 : typeof value === 'object' && value !== null;

class Packing {
  readonly shared: Json[] = [];
  readonly #parts: Parts;
  #out: number[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  packed(members: Members): Buffer {
    this.#out = [];
    this.#object(members);
    return Buffer.from(this.#out);
  }

  #value(part: Part): void {
    const { value, parts, names } = part;
    if (part.uses > 1 && isShareable(value)) {
      this.#out.push(tags.shared);
      this.#varint(this.#place(part));
    } else if (value === null) this.#out.push(tags.null);
    else if (typeof value === 'boolean') this.#out.push(value ? tags.true : tags.false);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'string') this.#text(part, value);
    else if (names === undefined) this.#list(parts);
    else this.#object({ names, parts });
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

  #text(part: Part, value: string): void {
    const end = value.length < guidLength ? '' : value.slice(-guidLength);
    if (end !== '' && guidPattern.test(end)) {
      if (value === end) this.#out.push(tags.guid);
      else {
        this.#out.push(tags.named);
        this.#varint(this.#place(this.#parts.text(value.slice(0, -guidLength))));
      }
      for (const byte of guidBytes(end)) this.#out.push(byte);
      return;
    }
    const digits = digitsOf(value);
    const bytes = digits ?? bytesOf(value);
    if (digits !== undefined) this.#out.push(tags.digits, ...digits);
    else if (bytes !== undefined) this.#sized(tags.bytes, bytes);
    else if (/\p{Surrogate}/u.test(value)) {
      this.#out.push(tags.shared); // it survives as JSON only
      this.#varint(this.#place(part));
    } else this.#sized(tags.text, Buffer.from(value, 'utf8'));
  }

  #list(parts: readonly Part[]): void {
    const [first] = parts;
    if (first !== undefined && isPair(parts)) {
      this.#out.push(tags.pair);
      this.#value(first);
      return;
    }
    this.#out.push(tags.list);
    this.#varint(parts.length);
    for (const part of parts) this.#value(part);
  }

  #object({ names, parts }: Members): void {
    this.#out.push(tags.object);
    this.#varint(this.#place(names));
    for (const part of parts) this.#value(part);
  }

  #sized(tag: number, bytes: Buffer): void {
    this.#out.push(tag);
    this.#varint(bytes.length);
    for (const byte of bytes) this.#out.push(byte);
  }

  #place(part: Part): number {
    part.place ??= this.shared.push(part.value) - 1;
    return part.place;
  }

  #varint(value: number): void {
    let left = value;
    for (; left > 127; left = Math.floor(left / 128)) this.#out.push((left % 128) + 128);
    this.#out.push(left);
  }
}

function digitsOf(text: string): Buffer | undefined {
  if (!/^-?[1-9]\d{0,18}$|^0$/.test(text)) return undefined;
  const value = BigInt(text);
  if (value > int64Max || value < -int64Max) return undefined;
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

function bytesOf(text: string): Buffer | undefined {
  if (text.length < bytesMin) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
