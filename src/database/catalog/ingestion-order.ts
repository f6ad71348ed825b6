import type { Instant } from '../../clock/clock.ts';
import { unixEpochTicks } from '../../kql/values/ticks.ts';

/** When the rows of a commit were ingested: whole microseconds since 1970 on the Kustody clock, later with each commit that has rows,
 * also after the clock was set back. What was read up to one such time is never added to. */
export type IngestedAt = number;

const ticksPerMicrosecond = 10n;

/** As `ingestion_time()` gives it, and cursors are written. */
export const ticksOfIngestion = (at: IngestedAt): bigint => unixEpochTicks + BigInt(at) * ticksPerMicrosecond;

/** Rows of the log carry it in milliseconds, whose fractions are microseconds. */
export const millisecondsOf = (at: IngestedAt): number => at / 1000;
export const ingestionOf = (milliseconds: number): IngestedAt => Math.round(milliseconds * 1000);

/** Gives out times of ingestion, each once. */
export class IngestionOrder {
  readonly #now: () => Instant;
  #given = 0;
  #committed = 0;

  constructor(now: () => Instant) {
    this.#now = now;
  }

  /** Of the newest rows that can be read; 0 when there never were any. */
  get committed(): IngestedAt {
    return this.#committed;
  }

  /** @param last what was given out last before; undefined in data that an earlier version wrote, and which tell of no order: then what comes is
   * later than all that is in them */
  load(
    last: IngestedAt | undefined,
    records: Iterable<{ readonly kind: string; readonly maxCreatedOn?: number }>,
  ): void {
    let latest = 0;
    if (last === undefined) for (const { maxCreatedOn = 0 } of records) latest = Math.max(latest, maxCreatedOn);
    this.#given = this.#committed = last ?? ingestionOf(latest);
  }

  next(): IngestedAt {
    this.#given = Math.max(this.#given + 1, ingestionOf(Math.trunc(this.#now())));
    return this.#given;
  }

  commit(at: IngestedAt): void {
    this.#committed = at;
  }
}
