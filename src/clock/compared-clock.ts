/** A difference beyond this makes a clock doubtful. */
export const differenceMsMax = 5_000;

/** The machine's clock held against another one that everybody who shares something goes by. */
export class ComparedClock {
  #differenceMs = 0;
  readonly #onChange: (differenceMs: number) => void;

  /** @param onChange hears when it begins to differ by more than five seconds, and when it no longer does */
  constructor(onChange: (differenceMs: number) => void) {
    this.#onChange = onChange;
  }

  /** Milliseconds since 1970. What the other clock said lies somewhere between the two times of the machine's: only what is beyond them is a difference,
   * so an answer that takes long makes none.
   * @param other what the other clock said @param asked the machine's time before it was asked @param answered the machine's time then */
  saw(other: number, asked: number, answered: number): void {
    const did = this.differs;
    const [from, to] = asked <= answered ? [asked, answered] : [answered, asked]; // it may have been set meanwhile
    this.#differenceMs = other < from ? other - from : Math.max(0, other - to);
    if (this.differs !== did) this.#onChange(this.#differenceMs);
  }

  /** By the last comparison; without one it does not. */
  get differs(): boolean {
    return Math.abs(this.#differenceMs) > differenceMsMax;
  }
}
