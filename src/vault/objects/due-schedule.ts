import type { Clock, Instant } from '../../clock/clock.ts';

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
