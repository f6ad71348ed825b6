import type { CancelTimer } from './clock.ts';
import type { Timer } from './timer-queue.ts';

/** A check of `Clock.every`. */
interface Check {
  readonly interval: number;
  readonly due: number;
  readonly run: () => void | Promise<void>;
}

/** Checks on a virtual clock. Of the ticks that a move passes, only the last counts. */
export class Ticks {
  readonly #checks = new Map<symbol, Check>();

  add(check: Check): CancelTimer {
    const key = Symbol('check');
    this.#checks.set(key, check);
    return () => {
      this.#checks.delete(key);
    };
  }

  /** The first of the last ticks of each check before `limit`. Counts as called. */
  lastBefore(limit: number): Timer | undefined {
    return this.#take((check) => {
      const behind = limit - 1 - check.due;
      return behind < 0 ? undefined : check.due + Math.floor(behind / check.interval) * check.interval;
    });
  }

  /** A check that is due at `now`, called then. Counts as called. */
  dueAt(now: number): Timer | undefined {
    return this.#take((check) => (check.due <= now ? now : undefined));
  }

  nextDue(): number | undefined {
    return this.#checks.size === 0 ? undefined : Math.min(...Array.from(this.#checks.values(), (check) => check.due));
  }

  /** The clock was put back: no check waits longer than its interval. */
  putBack(now: number): void {
    for (const [key, check] of this.#checks)
      this.#checks.set(key, { ...check, due: Math.min(check.due, now + check.interval) });
  }

  clear(): void {
    this.#checks.clear();
  }

  #take(whenOf: (check: Check) => number | undefined): Timer | undefined {
    let best: { key: symbol; check: Check; when: number } | undefined;
    for (const [key, check] of this.#checks) {
      const when = whenOf(check);
      if (when !== undefined && (best === undefined || when < best.when)) best = { key, check, when };
    }
    if (best === undefined) return undefined;
    this.#checks.set(best.key, { ...best.check, due: best.when + best.check.interval });
    return { when: best.when, run: best.check.run };
  }
}
