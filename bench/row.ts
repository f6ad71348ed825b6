/** One comparison, measured side by side on the same machine in the same minute. */
export interface BenchRow {
  readonly id: string;
  /** What is divided by what. */
  readonly ratio: string;
  /** `atMost`: the ratio must not be above the floor; `atLeast`: not below it. */
  readonly rule: 'atMost' | 'atLeast';
  readonly floor: number;
  readonly aim: number;
  /** In a process of its own: what ran there before costs the server a tenth and more of each request, which no server of a user has had. */
  readonly apart?: true;
  readonly run: () => Promise<Measured>;
}

export interface Measured {
  readonly ratio: number;
  /** The absolute figures behind it, with units. */
  readonly detail: string;
}

/** Both sides in turns, so that a slow moment hits both; the better of each counts. @returns milliseconds */
export async function sideBySide(
  ours: () => Promise<void> | void,
  reference: () => Promise<void> | void,
  rounds = 5,
): Promise<{ readonly ours: number; readonly reference: number }> {
  const best = { ours: Infinity, reference: Infinity };
  await ours();
  await reference();
  for (let round = 0; round < rounds; round += 1) {
    best.ours = Math.min(best.ours, await timed(ours));
    best.reference = Math.min(best.reference, await timed(reference));
  }
  return best;
}

export async function timed(work: () => Promise<void> | void): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** What the process has computed meanwhile, in milliseconds: what others do on the machine is not in it, nor any wait. */
export async function computed(work: () => Promise<void> | void): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
