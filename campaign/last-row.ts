import { quantile } from './part.ts';
import type { Reader } from './readers.ts';
import { now } from './readers.ts';

/** Whatever comes out later than that is not waited for. */
const patienceMs = 90_000;
/** After everybody was refused, so long no row may come. */
const quietMs = 500;

export interface Measured {
  /** Milliseconds from an acknowledged change to the last row of anybody. */
  readonly latencyMs?: number;
  readonly problems: readonly string[];
}

/** @param changed when the change was acknowledged
 * @returns what the last row's latency was, once everybody was refused */
export async function lastRowAfter(changed: number, readers: readonly Reader[], floorMs: number): Promise<Measured> {
  const problems = await everybody(readers, (reader) => reader.lastRefusal() > changed, 'is refused');
  await pause(quietMs);
  const late = readers.map((reader) => Math.max(0, reader.lastRow() - changed));
  const slow = readers.flatMap(({ name }, index) => {
    const latency = late[index] ?? 0;
    return latency > floorMs ? [`${name}: the last row after ${latency.toFixed(0)} ms`] : [];
  });
  return { latencyMs: Math.max(...late), problems: [...problems, ...slow] };
}

export const getsRows = (readers: readonly Reader[], when: string): Promise<readonly string[]> =>
  everybody(readers, (reader, since) => reader.lastRow() > since, `gets rows ${when}`);

/** Waits until each has come so far. @returns who has not, in time */
export async function everybody(
  readers: readonly Reader[],
  has: (reader: Reader, since: number) => boolean,
  what: string,
): Promise<readonly string[]> {
  const since = now();
  for (;;) {
    const waiting = readers.filter((reader) => !has(reader, since));
    if (waiting.length === 0) return [];
    if (now() - since > patienceMs) return waiting.map(({ name }) => `nobody saw that the ${name} ${what}`);
    await pause(10);
  }
}

/** @param latencies in milliseconds */
export const told = (latencies: readonly number[]): string => {
  const [p50, p99, max] = [quantile(latencies, 0.5), quantile(latencies, 0.99), quantile(latencies, 1)];
  return `p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, max ${max.toFixed(0)} ms of ${latencies.length}`;
};

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));
