/** A message of Protocol Buffers, its fields by number, unread. @see https://protobuf.dev/programming-guides/encoding/ */
export class ProtoMessage {
  readonly #fields = new Map<number, (number | Uint8Array)[]>();

  /** @throws RangeError for what is no message, or has more fields than `fieldsMax` */
  constructor(bytes: Uint8Array, fieldsMax = 1_000_000) {
    let at = 0;
    const varint = (): number => {
      let value = 0;
      for (let shift = 0; shift < 70; shift += 7) {
        const byte = bytes[at];
        if (byte === undefined) throw new RangeError('the message ends in a number');
        at += 1;
        value += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) return value;
      }
      throw new RangeError('a number is too long');
    };
    for (let count = 0; at < bytes.length; count += 1) {
      if (count > fieldsMax) throw new RangeError('the message has too many fields');
      const tag = varint();
      const number = Math.floor(tag / 8);
      let value: number | Uint8Array;
      switch (tag % 8) {
        case 0:
          value = varint();
          break;
        case 1:
          value = bytes.subarray(at, (at += 8));
          break;
        case 2: {
          const length = varint();
          if (length > bytes.length - at) throw new RangeError('a field is longer than the message');
          value = bytes.subarray(at, (at += length));
          break;
        }
        case 5:
          value = bytes.subarray(at, (at += 4));
          break;
        default:
          throw new RangeError('a field has no type that is known');
      }
      const held = this.#fields.get(number);
      if (held === undefined) this.#fields.set(number, [value]);
      else held.push(value);
    }
  }

  /** The last one, as it counts. */
  number(field: number): number | undefined {
    const value = this.#fields.get(field)?.at(-1);
    return typeof value === 'number' ? value : undefined;
  }

  bytes(field: number): Uint8Array | undefined {
    const value = this.#fields.get(field)?.at(-1);
    return typeof value === 'number' ? undefined : value;
  }

  text(field: number): string {
    return Buffer.from(this.bytes(field) ?? []).toString('utf8');
  }

  all(field: number): readonly Uint8Array[] {
    return (this.#fields.get(field) ?? []).filter((value): value is Uint8Array => typeof value !== 'number');
  }

  /** Packed or not. */
  numbers(field: number): readonly number[] {
    return (this.#fields.get(field) ?? []).flatMap((value) => (typeof value === 'number' ? [value] : unpacked(value)));
  }
}

function unpacked(bytes: Uint8Array): readonly number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const byte of bytes) {
    value += (byte & 0x7f) * 2 ** shift;
    shift += 7;
    if (byte >= 0x80) continue;
    numbers.push(value);
    value = 0;
    shift = 0;
  }
  return numbers;
}
