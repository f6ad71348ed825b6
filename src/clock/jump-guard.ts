import type { Moment } from './monotonic-clock.ts';

/** What a data directory remembers of the machine's clock (table `wall-clock`). Times in milliseconds since 1970. */
export interface WallRecord {
  /** The wall time when the record was last written. */
  readonly lastSeen: number;
  /** The same moment on monotonic time. Absent: written by an earlier version. */
  readonly seenAt?: Moment;
  /** Milliseconds that the wall clock has gone further than real time (negative: less) since it was last accepted. Time in which
   * nobody measured counts as a step: the machine was off, or somebody set its clock. */
  readonly unaccounted: number;
  /** The first time that `unaccounted` was too much, and nobody has accepted it yet. While it is there, nothing is destroyed. */
  readonly held?: ClockJump;
}

export interface ClockJump {
  /** What the wall clock would have shown. */
  readonly from: number;
  readonly to: number;
}

/** The machine's two times, read together. */
export interface WallReading {
  readonly wall: number;
  readonly moment: Moment;
}

/** A wrong clock must not destroy what cannot be brought back. Steps add up: many of 23 h are one of many days. */
export const jumpMsMax = 24 * 3600 * 1000;

/** @param record undefined for a new data directory
 * @param elapsedMs real time since the record was written; undefined: nobody knows */
export function recordOf(
  record: WallRecord | undefined,
  { wall, moment }: WallReading,
  elapsedMs: number | undefined,
): WallRecord {
  if (record === undefined) return acceptJump({ wall, moment });
  const unaccounted = record.unaccounted + wall - record.lastSeen - (elapsedMs ?? 0);
  const isTooMuch = Math.abs(unaccounted) > jumpMsMax;
  const held = record.held ?? (isTooMuch ? { from: wall - unaccounted, to: wall } : undefined);
  return { lastSeen: wall, seenAt: moment, unaccounted, ...(held === undefined ? {} : { held }) };
}

/** The user says that the clock is right. */
export const acceptJump = ({ wall, moment }: WallReading): WallRecord => ({
  lastSeen: wall,
  seenAt: moment,
  unaccounted: 0,
});
