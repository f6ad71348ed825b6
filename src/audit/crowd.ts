/** How many of those who ask again and again are waited for before a commit is made, and how many are left to be answered meanwhile: as many
 * as keep the answering thread busy so long. When it had nothing to do for a while, more are left next time, up to half; when it had not,
 * fewer. So a slow disk halves the crowd, and with a fast one nearly all are in one commit, which costs the thread the same for all as
 * for half of them. */
export class Crowd {
  readonly #min: number;
  /** So many ask, as far as was seen. */
  #count = 0;
  /** How many of them are left out; undefined: half. */
  #left: number | undefined;
  #isFewer = false;

  /** @param min fewer are not divided */
  constructor(min: number) {
    this.#min = min;
  }

  /** So many together are a commit. */
  get enough(): number {
    return this.#count < this.#min ? Infinity : this.#count - this.#leftNow;
  }

  /** Nobody more came, and there were not enough: the crowd is smaller than it was. */
  waitedInVain(): void {
    this.#isFewer = true;
  }

  /** @param together were in a commit that has just been made
   * @param came wait for the next one
   * @param wasIdle the thread had nothing to do for a while before that commit was durable */
  were(together: number, came: number, wasIdle: boolean): void {
    const now = together + came;
    const left = this.#leftNow;
    // A busy thread has not seen all of them yet.
    this.#count = wasIdle || this.#isFewer ? now : Math.max(this.#count, now);
    this.#isFewer = false;
    this.#left = wasIdle ? left + 1 + (left >> 2) : Math.max(0, left - 1);
  }

  get #leftNow(): number {
    const half = this.#count >> 1;
    return Math.min(this.#left ?? half, half);
  }
}
