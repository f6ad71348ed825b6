import type { Guid } from '../../base/guid.ts';
import type { StatementConnection } from '../../kql/duckdb/engine-database.ts';
import type { BoundValue } from '../../kql/sql/context.ts';
import type { ExtentRecord } from '../catalog/records.ts';
import type { HeldExtents } from './held-extents.ts';

/** Which records of extents are meant: a bit for each. */
export class RowMarks {
  readonly #marks = new Map<Guid, { readonly extent: ExtentRecord; readonly bits: Uint8Array; count: number }>();
  readonly #extents: Pick<HeldExtents, 'find'>;

  private constructor(extents: Pick<HeldExtents, 'find'>) {
    this.#extents = extents;
  }

  /** @param select gives the id of an extent and a place in it, from 0. What is in none of `extents` is left out */
  static async read(
    connection: StatementConnection,
    { sql, bound }: { readonly sql: string; readonly bound: readonly BoundValue[] },
    extents: Pick<HeldExtents, 'find'>,
    signal: AbortSignal | undefined,
  ): Promise<RowMarks> {
    const marks = new RowMarks(extents);
    const text = `SELECT CAST(extent AS VARCHAR), place FROM (${sql}) AS marked(extent, place)`;
    for await (const [ids = [], places = []] of connection.stream(text, bound)) {
      signal?.throwIfAborted();
      for (let row = 0; row < ids.length; row += 1) marks.#add(String(ids[row]), Number(places[row] ?? -1));
    }
    return marks;
  }

  #add(extentId: string, place: number): void {
    let mark = this.#marks.get(extentId as Guid);
    const extent = mark?.extent ?? this.#extents.find(extentId);
    if (extent === undefined || !(place >= 0 && place < extent.rowCount)) return;
    if (mark === undefined) {
      mark = { extent, bits: new Uint8Array(Math.ceil(extent.rowCount / 8)), count: 0 };
      this.#marks.set(extent.extentId, mark);
    }
    const [at, bit] = [place >> 3, 1 << (place & 7)];
    const byte = mark.bits[at] ?? 0;
    if ((byte & bit) !== 0) return;
    mark.bits[at] = byte | bit;
    mark.count += 1;
  }

  /** Those with marks. */
  get extents(): readonly ExtentRecord[] {
    return [...this.#marks.values()].map(({ extent }) => extent);
  }

  get count(): number {
    return [...this.#marks.values()].reduce((sum, { count }) => sum + count, 0);
  }

  countOf(extentId: Guid): number {
    return this.#marks.get(extentId)?.count ?? 0;
  }

  /** Marked places of an extent, in their order, so many at a time. */
  *placesOf(extentId: Guid, atATime: number): Generator<bigint[]> {
    const bits = this.#marks.get(extentId)?.bits ?? new Uint8Array();
    let places: bigint[] = [];
    for (const [at, byte] of bits.entries())
      for (let bit = 0; byte >> bit > 0; bit += 1) {
        if (((byte >> bit) & 1) === 0) continue;
        places.push(BigInt(at * 8 + bit));
        if (places.length < atATime) continue;
        yield places;
        places = [];
      }
    if (places.length > 0) yield places;
  }
}
