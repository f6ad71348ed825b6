import { beginningOf } from '../../../base/beginning-of.ts';
import type { Instant } from '../../../clock/clock.ts';
import type { StreamedBucket, Summed } from '../../../database/commands/command-context.ts';

/** A request that has put rows into a table, or has not. */
export interface Streamed extends Pick<StreamedBucket, 'database' | 'table' | 'principal' | 'failure'> {
  readonly on: Instant;
  readonly milliseconds: number;
  /** Of the data, not compressed. */
  readonly bytes: number;
  readonly rows: number;
  /** Absent: the client has not said. */
  readonly format: string | undefined;
  readonly mappingName: string | undefined;
}

/** Requests that are alike within so long are one bucket. */
const bucketMs = 60_000;
/** As in the service. @see Kusto ".show streamingingestion statistics" */
const keptMs = 14 * 86_400_000;
export const bucketsMax = 2_000;
/** UTF-16 units of one text that a client makes long. */
const textUnitsMax = 1_024;

/** What streaming ingestion has done in the life of this process, in buckets; it goes with the process. */
export class StreamingHistory {
  /** In the order of their making. */
  readonly #buckets = new Map<string, StreamedBucket>();

  add(one: Streamed): void {
    const { database, table, principal } = one;
    const failure = one.failure && { ...one.failure, details: short(one.failure.details) };
    const properties = JSON.stringify({
      format: one.format && short(one.format),
      ingestionMappingReference: one.mappingName && short(one.mappingName),
    });
    const number = Math.floor(one.on / bucketMs);
    const key = JSON.stringify([number, database, table, principal, properties, failure?.kind, failure?.code]);
    const known = this.#buckets.get(key);
    this.#buckets.set(key, {
      ...(known ?? { database, table, principal, properties, ...(failure && { failure }), firstOn: one.on }),
      ...{ lastOn: one.on, count: (known?.count ?? 0) + 1 },
      durations: added(known?.durations, one.milliseconds),
      sizes: added(known?.sizes, one.bytes),
      rows: added(known?.rows, one.rows),
    });
    for (const oldest of this.#buckets.keys()) {
      if (this.#buckets.size <= bucketsMax) break;
      this.#buckets.delete(oldest);
    }
  }

  /** Newest first. */
  list(now: Instant): readonly StreamedBucket[] {
    for (const [key, { lastOn }] of this.#buckets) if (lastOn + keptMs <= now) this.#buckets.delete(key);
    return [...this.#buckets.values()].reverse();
  }
}

const added = (known: Summed | undefined, value: number): Summed => ({
  sum: (known?.sum ?? 0) + value,
  least: Math.min(known?.least ?? value, value),
  most: Math.max(known?.most ?? value, value),
});

const short = (text: string): string => beginningOf(text, textUnitsMax);
