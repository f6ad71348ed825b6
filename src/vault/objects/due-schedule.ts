import type { Clock, Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import { unlessDamaged } from '../../state/list-all.ts';

/** What is done when the clock says so. */
export interface DueSchedule {
  /** Does what is due now and waits for what is next. Call at start, and when nothing is held any more. */
  start(): Promise<void>;
  /** Something will be due then. */
  expectAt(when: Instant): void;
  stop(): void;
}

/** @param doWhatIsDue reads the records, which are the truth. @returns when the next thing is due
 * @param held while true nothing is due, whatever the clock says: it is doubtful */
export function createDueSchedule(
  clock: Clock,
  held: () => boolean,
  doWhatIsDue: () => Promise<Instant | undefined>,
): DueSchedule {
  let next: { readonly when: Instant; readonly cancel: () => void } | undefined;
  const expectAt = (when: Instant): void => {
    if (next !== undefined && next.when <= when) return;
    next?.cancel();
    next = { when, cancel: clock.at(when, run) };
  };
  const run = async (): Promise<void> => {
    next = undefined;
    if (held()) return;
    const following = await doWhatIsDue();
    if (following !== undefined) expectAt(following);
  };
  return {
    start: run,
    expectAt,
    stop: () => {
      next?.cancel();
      next = undefined;
    },
  };
}

const dayMs = 86_400_000;

export interface DueSweep {
  readonly clock: Clock;
  /** Told of what went wrong with one object. */
  readonly failed: (error: unknown) => void;
}

/** Looks at all objects, and does what is due of each. What goes wrong with one does not keep the others waiting, and is tried again a day
 * later; a damaged one, which the state has told of, is left alone.
 * @param advance does what is due of one. @returns when the next thing of it is
 * @returns when the next thing of any of them is */
export async function sweepDue<T>(
  objects: AsyncIterable<T>,
  { clock, failed }: DueSweep,
  advance: (object: T) => Promise<Instant | undefined>,
): Promise<Instant | undefined> {
  let next = Infinity;
  for await (const object of objects) {
    try {
      next = Math.min(next, (await unlessDamaged(() => advance(object))) ?? Infinity);
    } catch (error) {
      failed(error);
      next = Math.min(next, clock.now() + dayMs);
    }
  }
  return next === Infinity ? undefined : instant(Math.max(next, clock.now()));
}
