/** Rows of a table that go together: those ingested after one moment, up to another, and never later ones, since the times of commits only
 * grow. So it is the same rows whenever it is sent, whatever was merged meanwhile. */
export interface Batch {
  /** Of its table, from 1 on: the tag of its extent, which keeps it from being taken twice. */
  readonly number: number;
  /** ISO 8601 with seven digits; '' for the beginning. */
  readonly after: string;
  readonly to: string;
  /** Of its extents, when they were made: retention and caching go by it. */
  readonly createdOn: string;
  readonly rows: number;
}

/** Rows whose ingestion lies in one hour, or is one commit, in one extent. */
export interface Bin {
  /** Where it begins. */
  readonly bin: string;
  /** When the last one of them was ingested. */
  readonly to: string;
  readonly createdOn: string;
  readonly rows: number;
}

interface Slot {
  readonly bin: string;
  to: string;
  createdOn: string;
  rows: number;
  readonly days: Set<string>;
}

const dayOf = (time: string): string => time.slice(0, 10);
const later = (left: string, right: string): string => (left > right ? left : right);

function slotsOf(bins: readonly Bin[]): readonly Slot[] {
  const slots = new Map<string, Slot>();
  for (const { bin, to, createdOn, rows } of bins) {
    const slot = slots.get(bin) ?? { bin, to, createdOn, rows: 0, days: new Set<string>() };
    slot.to = later(slot.to, to);
    slot.createdOn = later(slot.createdOn, createdOn);
    slot.rows += rows;
    slot.days.add(dayOf(createdOn));
    slots.set(bin, slot);
  }
  return [...slots.values()].toSorted((left, right) => (left.bin < right.bin ? -1 : 1));
}

/** The hours that have to be looked at commit by commit: too many rows for one batch, or extents of more than one day. */
export const hoursToDivide = (bins: readonly Bin[], rowsMax: number): readonly string[] =>
  slotsOf(bins)
    .filter(({ rows, days }) => rows > rowsMax || days.size > 1)
    .map(({ bin }) => bin);

/** Neighbours together, of one day and up to so many rows; one commit is never divided.
 * @param after where the batches before these end, '' without any
 * @param number of the first */
export function batchesOf(bins: readonly Bin[], rowsMax: number, after: string, number: number): readonly Batch[] {
  const batches: { after: string; to: string; createdOn: string; rows: number }[] = [];
  for (const slot of slotsOf(bins)) {
    const last = batches.at(-1);
    if (last !== undefined && last.rows + slot.rows <= rowsMax && dayOf(last.createdOn) === dayOf(slot.createdOn)) {
      last.to = later(last.to, slot.to);
      last.createdOn = later(last.createdOn, slot.createdOn);
      last.rows += slot.rows;
    } else batches.push({ after: last?.to ?? after, to: slot.to, createdOn: slot.createdOn, rows: slot.rows });
  }
  return batches.map((batch, index) => ({ number: number + index, ...batch }));
}

export const rowsOf = (batches: readonly Pick<Batch, 'rows'>[]): number =>
  batches.reduce((sum, { rows }) => sum + rows, 0);
