import type { CatalogRecord, ColumnRange, ExtentRecord } from './records.ts';

/** So many different parts are known; those beyond are each record's own. */
const partsMax = 10_000;
const noTags: readonly string[] = Object.freeze([]);

/** Records that were read have what they are alike in once: the extents of a table have the same table, the same columns, mostly no tags and no
 * nulls. Of 100,000 extents that is a third of the memory that they take. */
export class SharedParts {
  readonly #parts = new Map<string, unknown>();

  /** An id as a text of its own: one that was cut out of a longer one keeps that in memory. */
  text(id: string): string {
    return Buffer.from(id).toString();
  }

  /** @param record just read: nobody else has it */
  record(id: string, record: CatalogRecord): CatalogRecord {
    return record.kind === 'extent' ? this.#extent(id, record) : record;
  }

  #extent(id: string, record: ExtentRecord): ExtentRecord {
    const { extentId, tableId, columnIds, tags, nulls, ranges, sealed } = record;
    const shared: Partial<ExtentRecord> = {
      tableId: this.#one(tableId, tableId),
      columnIds: this.#one(`(${columnIds.join()})`, columnIds),
      tags: tags.length === 0 ? noTags : this.#one(JSON.stringify(tags), tags),
      ...(nulls && { nulls: this.#one(JSON.stringify(nulls), nulls) }),
    };
    // A part of the id takes half of what the same text takes by itself.
    if (id.endsWith(extentId)) Object.assign(shared, { extentId: id.slice(-extentId.length) });
    Object.assign(sealed, { algorithm: this.#one(sealed.algorithm, sealed.algorithm) });
    for (const [column, [min, max]] of Object.entries(ranges))
      if (min === max) (ranges as Record<string, ColumnRange>)[column] = this.#range(min);
    return Object.assign(record, shared);
  }

  /** Of one value: short ones are those of many extents. */
  #range(value: string): ColumnRange {
    return value.length > 4 ? [value, value] : this.#one(`= ${value}`, [value, value]);
  }

  #one<Part>(key: string, part: Part): Part {
    const known = this.#parts.get(key);
    if (known !== undefined) return known as Part;
    if (this.#parts.size < partsMax) this.#parts.set(key, part);
    return part;
  }
}
