/** Lets so much work be under way at a time, and the rest wait in the order of its coming. Whoever brings it bounds how much waits. */
export class FewAtOnce {
  readonly #atOnceMax: number;
  readonly #waiting: (() => void)[] = [];
  #whenOneEnds: (() => void)[] = [];
  #underWay = 0;

  /** @param atOnceMax at least 1 */
  constructor(atOnceMax: number) {
    this.#atOnceMax = atOnceMax;
  }

  /** Those that wait for their turn included. */
  get count(): number {
    return this.#underWay + this.#waiting.length;
  }

  /** Resolves when one of them has ended, however. */
  oneEnded(): Promise<void> {
    return new Promise((resolve) => this.#whenOneEnds.push(resolve));
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay < this.#atOnceMax) this.#underWay += 1;
    else await new Promise<void>((begin) => this.#waiting.push(begin));
    try {
      return await work();
    } finally {
      // Its place goes to the next one: nobody who comes meanwhile gets in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#underWay -= 1;
      else next();
      for (const told of this.#whenOneEnds.splice(0)) told();
    }
  }
}
