import type { Catalog } from '../catalog/catalog.ts';
import { extentsIn } from '../catalog/extent-page.ts';
import type { RowRecord } from '../catalog/record-groups.ts';
import type { ExtentWriter } from './extent-writer.ts';

/** So many records go in one commit: it takes some ten milliseconds. */
export const recordsPerChunk = 1_000;

/** Removes the rows that are not seen any more. Dropping or emptying a table of any size goes in this order, each step repeatable:
 * one commit that removes the table's record or raises its epoch, after which nobody sees its rows → their records, chunk by chunk →
 * the blobs of each chunk after its commit (those that a crash leaves are found by collection). */
export class Sweeper {
  readonly #catalog: Catalog;
  readonly #writer: Pick<ExtentWriter, 'remove'>;
  #turn: Promise<void> = Promise.resolve();

  constructor(catalog: Catalog, writer: Pick<ExtentWriter, 'remove'>) {
    this.#catalog = catalog;
    this.#writer = writer;
  }

  /** One chunk, for who has just dropped something: small things are gone when the answer comes. The rest goes with the next upkeep,
   * and so does what fails. */
  async sweepSome(): Promise<void> {
    await this.#sweep(1).catch(() => undefined);
  }

  async sweep(): Promise<void> {
    await this.#sweep(Infinity);
  }

  #sweep(chunksMax: number): Promise<void> {
    const swept = this.#turn.then(async () => {
      for (let chunks = 0; chunks < chunksMax && (await this.#sweepChunk()); chunks += 1);
    });
    this.#turn = swept.catch(() => undefined);
    return swept;
  }

  /** @returns false when there was nothing */
  async #sweepChunk(): Promise<boolean> {
    const chunk = firstOf(this.#catalog.image.unseen());
    if (chunk.length === 0) return false;
    await this.#catalog.change((draft) => {
      for (const record of chunk) draft.sweep(record);
    });
    await this.#writer.remove(chunk.flatMap((record) => (record.kind === 'segment' ? [] : extentsIn(record))));
    return true;
  }
}

/** A segment counts with its log records, a page with its extents. */
function firstOf(records: Iterable<RowRecord>): RowRecord[] {
  const chunk: RowRecord[] = [];
  let weight = 0;
  for (const record of records) {
    if (weight >= recordsPerChunk) break;
    chunk.push(record);
    weight += weightOf(record);
  }
  return chunk;
}

function weightOf(record: RowRecord): number {
  if (record.kind === 'segment') return 1 + record.count;
  return record.kind === 'extentPage' ? record.facts.count : 1;
}

/** @returns the items in lists of at most so many */
export function chunksOf<T>(items: readonly T[], each = recordsPerChunk): T[][] {
  const chunks: T[][] = [];
  for (let at = 0; at < items.length; at += each) chunks.push(items.slice(at, at + each));
  return chunks;
}
