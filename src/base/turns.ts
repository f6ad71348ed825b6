/** Lets everybody else on this thread have a turn after so much work, counted in units that take about as long each. */
export class Turns {
  readonly #unitsEach: number;
  #units = 0;

  constructor(unitsEach: number) {
    this.#unitsEach = unitsEach;
  }

  /** Counts work that was done.
   * @returns what to wait for when a turn is due */
  after(units: number): Promise<void> | undefined {
    this.#units += units;
    if (this.#units < this.#unitsEach) return undefined;
    this.#units = 0;
    return new Promise((resolve) => setImmediate(resolve));
  }
}
