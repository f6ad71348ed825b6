import { invariant } from '../../base/invariant.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { guidText, tags } from './packed-form.ts';

/** @param shared of `PackedValues` */
export const readShared = (shared: Buffer): readonly Json[] => JSON.parse(shared.toString('utf8')) as Json[];

/** @param shared of the pack that it is of; what is read has parts of it: nobody changes them
 * @throws Error when it is no packed value */
export function unpackValue(bytes: Buffer, shared: readonly Json[]): JsonObject {
  const value = new Reading(bytes, shared).value();
  invariant(typeof value === 'object' && value !== null && !Array.isArray(value), 'what is packed is an object');
  return value as JsonObject;
}

/** One part of a packed value, without reading the others. @param path names, one inside of the other
 * @returns undefined when there is no such part */
export const unpackMember = (bytes: Buffer, shared: readonly Json[], path: readonly string[]): Json | undefined =>
  new Reading(bytes, shared).member(path);

/** Notes which shared parts a packed value has, by their places. */
export function noteShared(bytes: Buffer, shared: readonly Json[], used: Set<number>): void {
  new Reading(bytes, shared, used).skip();
}

const memberOf = (value: Json | undefined, path: readonly string[]): Json | undefined =>
  path.reduce<Json | undefined>((found, name) => (isJsonObject(found) ? found[name] : undefined), value);

class Reading {
  readonly #bytes: Buffer;
  readonly #shared: readonly Json[];
  readonly #used: Set<number> | undefined;
  #at = 0;

  /** @param used where it is noted which shared parts were come across */
  constructor(bytes: Buffer, shared: readonly Json[], used?: Set<number>) {
    this.#bytes = bytes;
    this.#shared = shared;
    this.#used = used;
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

  /** @returns what stands under these names, one inside of the other; undefined: nothing */
  member([name, ...more]: readonly string[]): Json | undefined {
    if (name === undefined) return this.value();
    const tag = this.#byte();
    if (tag === tags.shared) return memberOf(this.#sharedOne(), [name, ...more]);
    if (tag !== tags.object) return undefined;
    for (const one of this.#sharedOne() as readonly string[]) {
      if (one === name) return this.member(more);
      this.skip();
    }
    return undefined;
  }

  /** Past a value, without reading it. */
  skip(): void {
    switch (this.#byte()) {
      case tags.null:
      case tags.false:
      case tags.true:
        return;
      case tags.count:
        this.#varint();
        return;
      case tags.shared:
        this.#sharedOne();
        return;
      case tags.number:
      case tags.digits:
        this.#at += 8;
        return;
      case tags.text:
      case tags.bytes: {
        const length = this.#varint();
        this.#at += length;
        return;
      }
      case tags.named:
        this.#sharedOne();
        this.#at += 16;
        return;
      case tags.guid:
        this.#at += 16;
        return;
      case tags.list:
        for (let left = this.#varint(); left > 0; left -= 1) this.skip();
        return;
      case tags.object:
        for (let left = (this.#sharedOne() as readonly string[]).length; left > 0; left -= 1) this.skip();
        return;
      case tags.pair:
        this.skip();
        return;
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
    const place = this.#varint();
    this.#used?.add(place);
    const found = this.#shared[place];
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
