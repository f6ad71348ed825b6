import type { Json, JsonObject } from '../../base/json.ts';
import { guidBytes, guidText } from './packed-form.ts';
import { packValues } from './packed-values.ts';
import type { ExtentRecord } from './records.ts';
import { noteShared, readShared, unpackMember, unpackValue } from './unpacked-values.ts';

const idBytes = 16;
const offsetBytes = 4;

/** Number of extents (4 bytes), where each ends (4 bytes each, from the end of the ids), their ids in order; then the extents, and what they share.
 * @param sorted by their ids */
export function bodyOf(sorted: readonly ExtentRecord[]): Buffer {
  const { shared, values } = packValues(sorted.map(withoutId));
  return assembled(
    sorted.map(({ extentId }) => guidBytes(extentId)),
    values,
    shared,
  );
}

/** Without those at some places; the others stay as they are packed. Of what they share nothing is left that none of the others has: no value of
 * those that have gone stays behind. @param gone not all of them */
export function bodyWithout(body: Buffer, gone: ReadonlySet<number>): Buffer {
  const parts = new PageBody(body);
  const left = Array.from({ length: parts.count }, (_value, place) => place).filter((place) => !gone.has(place));
  const shared = readShared(parts.packedShared());
  const used = new Set<number>();
  for (const place of left) noteShared(parts.packed(place), shared, used);
  return assembled(
    left.map((place) => parts.idOf(place)),
    left.map((place) => parts.packed(place)),
    Buffer.from(JSON.stringify(shared.map((part, place) => (used.has(place) ? part : null)))),
  );
}

/** Whether what extents share is more than what is each one's own: most of those that shared it have gone. */
export function sharesInVain(body: Buffer): boolean {
  const parts = new PageBody(body);
  return parts.packedShared().length * 2 > body.length;
}

/** Ids are looked for by their first bytes.
 * @param extentId its 16 bytes @returns undefined when it is not there */
export function placeIn(body: Buffer, extentId: Buffer): number | undefined {
  const count = body.readUInt32BE(0);
  const from = idsFrom(count);
  const wanted = extentId.readUInt32BE(0);
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (body.readUInt32BE(from + middle * idBytes) < wanted) low = middle + 1;
    else high = middle;
  }
  for (; low < count && body.readUInt32BE(from + low * idBytes) === wanted; low += 1)
    if (extentId.equals(body.subarray(from + low * idBytes, from + (low + 1) * idBytes))) return low;
  return undefined;
}

/** The first four bytes of the id of each. */
export function* idStarts(body: Buffer): Generator<number> {
  const count = body.readUInt32BE(0);
  const from = idsFrom(count);
  for (let place = 0; place < count; place += 1) yield body.readUInt32BE(from + place * idBytes);
}

/** Extents as they lie in a page, each to be read by itself. */
export class PageBody {
  readonly count: number;
  readonly #body: Buffer;
  readonly #values: number;
  #shared: readonly Json[] | undefined;

  constructor(body: Buffer) {
    this.#body = body;
    this.count = body.readUInt32BE(0);
    this.#values = idsFrom(this.count) + this.count * idBytes;
  }

  extent(place: number): ExtentRecord {
    const extentId = guidText(this.idOf(place));
    return Object.assign(unpackValue(this.packed(place), this.#sharedParts()), { extentId }) as unknown as ExtentRecord;
  }

  /** One part of an extent. @param path names, one inside of the other */
  member(place: number, path: readonly string[]): Json | undefined {
    return unpackMember(this.packed(place), this.#sharedParts(), path);
  }

  idOf(place: number): Buffer {
    const at = idsFrom(this.count) + place * idBytes;
    return this.#body.subarray(at, at + idBytes);
  }

  packed(place: number): Buffer {
    return this.#body.subarray(this.#values + this.#end(place - 1), this.#values + this.#end(place));
  }

  packedShared(): Buffer {
    return this.#body.subarray(this.#values + this.#end(this.count - 1));
  }

  #sharedParts(): readonly Json[] {
    return (this.#shared ??= readShared(this.packedShared()));
  }

  #end(place: number): number {
    return place < 0 ? 0 : this.#body.readUInt32BE(offsetBytes * (1 + place));
  }
}

function assembled(ids: readonly Buffer[], values: readonly Buffer[], shared: Buffer): Buffer {
  const ends = Buffer.alloc(offsetBytes * (1 + values.length));
  let end = 0;
  ends.writeUInt32BE(values.length);
  for (const [index, value] of values.entries()) ends.writeUInt32BE((end += value.length), offsetBytes * (1 + index));
  return Buffer.concat([ends, ...ids, ...values, shared]);
}

const idsFrom = (count: number): number => offsetBytes * (1 + count);

/** Ids lie apart, to be looked for. */
const withoutId = (extent: ExtentRecord): JsonObject =>
  Object.fromEntries<Json | undefined>(
    Object.entries(extent as unknown as JsonObject).filter(([name]) => name !== 'extentId'),
  );
