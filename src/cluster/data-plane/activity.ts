/** Whether anybody has something to do with a data plane, and since when nobody has: connections, and work that goes on after its
 * answer. */
export class Activity {
  readonly #monotonicMs: () => number;
  #underWay = 0;
  #endedAt: number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
    this.#endedAt = monotonicMs();
  }

  /** @returns to be called once, at the end */
  begin(): () => void {
    this.#underWay += 1;
    return () => {
      this.#underWay -= 1;
      this.#endedAt = this.#monotonicMs();
    };
  }

  /** Milliseconds for which there was nothing; undefined: there is something. */
  idleMs(): number | undefined {
    return this.#underWay > 0 ? undefined : this.#monotonicMs() - this.#endedAt;
  }
}
