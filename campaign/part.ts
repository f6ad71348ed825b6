/** One promise that is measured in the real server with real processes. */
export interface CampaignPart {
  readonly id: string;
  readonly promise: string;
  /** Prints what it does as it goes, by `say`. */
  readonly run: (say: (line: string) => void) => Promise<PartResult>;
}

export interface PartResult {
  /** What was seen, with units. */
  readonly figures: readonly string[];
  /** Floors that were missed and promises that were broken; none: the part holds. */
  readonly missed: readonly string[];
  /** Why nothing was measured on this machine. */
  readonly skipped?: string;
}

/** How often, from the environment: a few by default, many where there is time.
 * @throws Error for what is no count */
export function countOf(variable: string, otherwise: number): number {
  const text = process.env[variable];
  if (text === undefined || text === '') return otherwise;
  const count = Number(text);
  if (!Number.isSafeInteger(count) || count < 0) throw new Error(`${variable} is to be a count.`);
  return count;
}

/** Nearest rank. @param share 0 to 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}
