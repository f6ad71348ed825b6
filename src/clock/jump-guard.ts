/** What a data directory remembers of the wall clock (table `clock`), in milliseconds since 1970. */
export interface WallRecord {
  /** The wall time when the record was last written. */
  readonly lastSeen: number;
  /** The jump that nobody has accepted yet. While it is there, nothing is purged. */
  readonly held?: ClockJump;
}

export interface ClockJump {
  readonly from: number;
  readonly to: number;
}

/** A wrong clock must not purge what cannot be brought back. A machine that was off for days looks the same. */
export const jumpMsMax = 24 * 3600 * 1000;

/** At start: holds purges if the wall clock is more than a day away, either way, from where it was last seen.
 * @param record undefined for a new data directory */
export function recordStart(record: WallRecord | undefined, wallNow: number): WallRecord {
  const jumped = record !== undefined && Math.abs(wallNow - record.lastSeen) > jumpMsMax;
  const from = record?.held?.from ?? record?.lastSeen ?? wallNow;
  const held = jumped ? { from, to: wallNow } : record?.held;
  return held === undefined ? { lastSeen: wallNow } : { lastSeen: wallNow, held };
}

/** From time to time, and at the end. Keeps a jump held. */
export function recordSeen(record: WallRecord, wallNow: number): WallRecord {
  return { ...record, lastSeen: wallNow };
}

/** The user says that the clock is right. */
export function acceptJump(wallNow: number): WallRecord {
  return { lastSeen: wallNow };
}

export const purgesAreHeld = (record: WallRecord): boolean => record.held !== undefined;
