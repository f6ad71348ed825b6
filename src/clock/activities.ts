/** The calls that timers have started. A move waits until each has ended or sleeps on the clock that is being moved. */
export class Activities {
  readonly #awake = new Set<Activity>();
  readonly #running = new Set<Activity>();
  readonly #allEnded: () => void;
  #waiting: (() => void)[] = [];

  /** @param allEnded told each time that no call is left, not even one that sleeps */
  constructor(allEnded: () => void) {
    this.#allEnded = allEnded;
  }

  begin(): Activity {
    const activity = new Activity((isAwake) => {
      if (isAwake) this.#awake.add(activity);
      else this.#awake.delete(activity);
      if (this.#awake.size === 0) this.#wake();
      if (activity.hasEnded() && this.#running.delete(activity) && this.#running.size === 0) this.#allEnded();
    });
    this.#awake.add(activity);
    this.#running.add(activity);
    return activity;
  }

  /** Resolves when no call is under way. */
  async quiet(): Promise<void> {
    while (this.#awake.size > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

export class Activity {
  readonly #report: (isAwake: boolean) => void;
  #sleeps = 0;
  #ended = false;

  constructor(report: (isAwake: boolean) => void) {
    this.#report = report;
  }

  /** Marks the call as asleep until `sleep` has settled. */
  async whileAsleep(sleep: Promise<void>): Promise<void> {
    this.#sleeps += 1;
    this.#report(this.#isAwake());
    try {
      await sleep;
    } finally {
      this.#sleeps -= 1;
      this.#report(this.#isAwake());
    }
  }

  end(): void {
    this.#ended = true;
    this.#report(false);
  }

  hasEnded(): boolean {
    return this.#ended;
  }

  #isAwake(): boolean {
    return !this.#ended && this.#sleeps === 0;
  }
}
