import { invariant } from '../../base/invariant.ts';
import { inCalendar, ticksPerDay, ticksPerSecond, unixEpochTicks } from '../../kql/values/ticks.ts';
import { malformedData } from '../catalog/data-error.ts';
import type { JsonNode } from './json-reader.ts';
import { JsonBytes, JsonNumber, JsonTime } from './json-reader.ts';
import type { AvroLogical, AvroType } from './avro-schema.ts';

/** Values of one record. */
const valuesMax = 1_000_000;
const depthMax = 200;
/** Of a decimal. */
const decimalBytesMax = 64;
/** What a value takes beside its bytes, of which nulls have none. */
const unitsPerValue = 8;

/** Reads values of a block, one after the other. @throws DataError `MalformedData` where it ends too early, or goes too deep */
export class AvroValues {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #text = new TextDecoder('utf-8', { ignoreBOM: true });
  #at = 0;
  /** Of the record that is read, and of those before it. */
  #values = 0;
  #valuesBefore = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** What was made so far: bytes, and what values take beside them. */
  get units(): number {
    return this.#at + unitsPerValue * (this.#valuesBefore + this.#values);
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  record(type: AvroType): JsonNode {
    this.#valuesBefore += this.#values;
    this.#values = 0;
    return this.#value(type, 0);
  }

  #value(type: AvroType, depth: number): JsonNode {
    if ((this.#values += 1) > valuesMax || depth > depthMax) throw wrong('has a record that is too large or too deep');
    switch (type.kind) {
      case 'primitive':
        return this.#primitive(type);
      case 'fixed':
        return bytesOf(this.#take(type.size), type.logical);
      case 'enum': {
        const symbol = type.symbols[this.#index(type.symbols.length)];
        invariant(symbol !== undefined, 'the index of a symbol is checked');
        return symbol;
      }
      case 'union': {
        const member = type.members[this.#index(type.members.length)];
        invariant(member !== undefined, 'the index of a member is checked');
        return this.#value(member, depth + 1);
      }
      case 'array': {
        const items: JsonNode[] = [];
        this.#blocks(() => void items.push(this.#value(type.item, depth + 1)));
        return items;
      }
      case 'map': {
        const bag = new Map<string, JsonNode>();
        this.#blocks(() => {
          const name = this.#string();
          bag.set(name, this.#value(type.item, depth + 1));
        });
        return bag;
      }
      case 'record': {
        const bag = new Map<string, JsonNode>();
        for (const field of type.fields) bag.set(field.name, this.#value(field.type, depth + 1));
        return bag;
      }
    }
  }

  #primitive({ name, logical }: Extract<AvroType, { readonly kind: 'primitive' }>): JsonNode {
    switch (name) {
      case 'null':
        return null;
      case 'boolean': {
        const [byte] = this.#take(1);
        return byte !== 0;
      }
      case 'int':
      case 'long':
        return numberOf(this.#long(), logical);
      case 'float':
        return realNode(this.#view.getFloat32(this.#skip(4), true));
      case 'double':
        return realNode(this.#view.getFloat64(this.#skip(8), true));
      case 'bytes':
        return bytesOf(this.#take(this.#length()), logical);
      case 'string':
        return this.#string();
    }
  }

  /** Zigzag. */
  #long(): bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.#byte();
      low += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return BigInt(low % 2 === 0 ? low / 2 : -(low + 1) / 2);
    }
    let value = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asIntN(64, (value >> 1n) ^ -(value & 1n));
    }
    throw wrong('has a number that is too long');
  }

  #index(count: number): number {
    const index = Number(this.#long());
    if (index < 0 || index >= count) throw wrong('chooses what its schema does not have');
    return index;
  }

  #length(): number {
    const length = Number(this.#long());
    if (length < 0) throw wrong('has a negative length');
    return length;
  }

  #string(): string {
    return this.#text.decode(this.#take(this.#length()));
  }

  /** Items of an array or map come in blocks; a negative count is followed by the size in bytes. */
  #blocks(read: () => void): void {
    for (;;) {
      let count = this.#long();
      if (count === 0n) return;
      if (count < 0n) {
        this.#long();
        count = -count;
      }
      if (count > BigInt(valuesMax)) throw wrong('has a record that is too large or too deep');
      for (let left = Number(count); left > 0; left -= 1) read();
    }
  }

  #byte(): number {
    const byte = this.#bytes[this.#skip(1)];
    invariant(byte !== undefined, 'a byte that was skipped is there');
    return byte;
  }

  #take(count: number): Uint8Array {
    const from = this.#skip(count);
    return this.#bytes.subarray(from, from + count);
  }

  #skip(count: number): number {
    const from = this.#at;
    if (count > this.#bytes.length - from) throw wrong('ends in the middle of a record');
    this.#at += count;
    return from;
  }
}

const wrong = (what: string): Error => malformedData('BadRequest_InvalidBlob', `The Avro file ${what}`);

/** JSON has no numbers for what is not finite. */
export const realNode = (value: number): JsonNode =>
  Number.isFinite(value)
    ? new JsonNumber(String(value))
    : Number.isNaN(value)
      ? 'NaN'
      : value > 0
        ? 'Infinity'
        : '-Infinity';

function numberOf(value: bigint, logical: AvroLogical | undefined): JsonNode {
  const text = String(value);
  switch (logical?.name) {
    case 'date':
      return timeOf(text, 'datetime', inCalendar(value * ticksPerDay + unixEpochTicks));
    case 'timestamp':
      return timeOf(
        text,
        'datetime',
        inCalendar(floored(value * ticksPerSecond, logical.unitsPerSecond) + unixEpochTicks),
      );
    case 'time-millis':
      return new JsonTime(text, 'timespan', value * 10_000n);
    case 'time-micros':
      return new JsonTime(text, 'timespan', BigInt.asIntN(64, value * 10n));
    default:
      return new JsonNumber(text);
  }
}

const timeOf = (text: string, type: 'datetime' | 'timespan', ticks: bigint | null): JsonNode =>
  ticks === null ? null : new JsonTime(text, type, ticks);

const floored = (value: bigint, by: bigint): bigint => (value < 0n && value % by !== 0n ? value / by - 1n : value / by);

function bytesOf(bytes: Uint8Array, logical: AvroLogical | undefined): JsonNode {
  if (logical?.name !== 'decimal' || bytes.length > decimalBytesMax) return new JsonBytes(bytes.slice());
  if (bytes.length === 0) return null;
  const unscaled = BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
  return new JsonNumber(decimalText(unscaled, logical.scale));
}

/** @param scale digits behind the point */
export function decimalText(unscaled: bigint, scale: number): string {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const point = digits.length - scale;
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, point)}${scale > 0 ? `.${digits.slice(point)}` : ''}`;
}
