/** Lets everybody else on this thread have a turn after so much work, counted in units that take about as long each. */
export class Turns {
  readonly #unitsEach: number;
  readonly #signal: AbortSignal | undefined;
  #units = 0;

  /** @param signal looked at with each turn */
  constructor(unitsEach: number, signal?: AbortSignal) {
    this.#unitsEach = unitsEach;
    this.#signal = signal;
  }

  /** Counts work that was done.
   * @returns what to wait for when a turn is due
   * @throws what the signal says, then */
  after(units: number): Promise<void> | undefined {
    this.#units += units;
    if (this.#units < this.#unitsEach) return undefined;
    this.#units = 0;
    this.#signal?.throwIfAborted();
    return new Promise((resolve) => setImmediate(resolve));
  }
}
