/** The processor time of the process, told apart by requests: what is used while several run counts for each of them alike. */
export class ProcessorShares {
  readonly #usedMs: () => number;
  #running = 0;
  #lastMs: number;
  /** What a request would have that had run from the beginning. */
  #share = 0;

  /** @param usedMs milliseconds of processors that the process has used up to now */
  constructor(usedMs: () => number) {
    this.#usedMs = usedMs;
    this.#lastMs = usedMs();
  }

  /** @returns what ends the request, and says its milliseconds */
  begin(): () => number {
    this.#advance();
    this.#running += 1;
    const from = this.#share;
    return () => {
      this.#advance();
      this.#running -= 1;
      return this.#share - from;
    };
  }

  #advance(): void {
    const now = this.#usedMs();
    if (this.#running > 0) this.#share += (now - this.#lastMs) / this.#running;
    this.#lastMs = now;
  }
}
