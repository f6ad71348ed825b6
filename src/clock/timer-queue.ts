/** A timer of `Clock.at`. */
export interface Timer {
  readonly when: number;
  readonly run: () => void | Promise<void>;
}

/** Timers by time, and by order of entry among equals. */
export class TimerQueue {
  readonly #timers: Timer[] = [];

  add(timer: Timer): void {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#timers[middle]?.when ?? Infinity) <= timer.when) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
  }

  remove(timer: Timer): void {
    const index = this.#timers.indexOf(timer);
    if (index >= 0) this.#timers.splice(index, 1);
  }

  first(): Timer | undefined {
    return this.#timers[0];
  }

  /** Removes and returns the first timer if its time is `now` or earlier. */
  takeDue(now: number): Timer | undefined {
    const first = this.#timers[0];
    return first !== undefined && first.when <= now ? this.#timers.shift() : undefined;
  }

  clear(): void {
    this.#timers.length = 0;
  }
}
