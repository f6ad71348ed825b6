import type { HostTime } from './host-time.ts';

/** Crystals of two machines drift apart by less than this part of the time that goes by. */
const driftMax = 200e-6;

/** The time of another clock that everybody who shares something goes by, as far as it can be known here: what it says lies between two
 * readings of monotonic time, so their distance is how wrong it may be. What several answers have in common is narrower than each.
 * In between it goes on with monotonic time. It never goes back, nor stands still: where it turns out to be ahead, it goes half as fast until
 * it is not. */
export class SharedTime {
  readonly #host: Pick<HostTime, 'monotonic'>;
  /** What the other clock is ahead of monotonic time, at least and at most, at `#seenAt`. */
  #least: number;
  #most: number;
  #seenAt: number;
  #told = -Infinity;
  #toldAt: number;

  /** As of `saw`. */
  constructor(host: Pick<HostTime, 'monotonic'>, other: number, asked: number, answered: number) {
    this.#host = host;
    [this.#least, this.#most, this.#seenAt, this.#toldAt] = [other - answered, other - asked, answered, answered];
  }

  /** @param other what it said, in milliseconds since 1970 @param asked monotonic time before it was asked @param answered and then */
  saw(other: number, asked: number, answered: number): void {
    const drift = this.#drift(answered);
    const least = Math.max(this.#least - drift, other - answered);
    const most = Math.min(this.#most + drift, other - asked);
    // Nothing in common: it was set, or another one answers now.
    [this.#least, this.#most] = least <= most ? [least, most] : [other - answered, other - asked];
    this.#seenAt = answered;
  }

  /** Whole milliseconds since 1970. */
  now(): number {
    const monotonic = this.#host.monotonic();
    const slow = this.#told + (monotonic - this.#toldAt) / 2;
    this.#told = Math.max(slow, monotonic + (this.#least + this.#most) / 2);
    this.#toldAt = monotonic;
    return Math.floor(this.#told);
  }

  /** Milliseconds that it is ahead of what the other clock is taken to say. */
  aheadMs(): number {
    this.now();
    return Math.max(0, this.#told - this.#toldAt - (this.#least + this.#most) / 2);
  }

  /** Milliseconds by which it may differ from the other clock, either way. */
  errorMs(): number {
    const ahead = this.aheadMs();
    return (this.#most - this.#least) / 2 + this.#drift(this.#toldAt) + ahead;
  }

  #drift(monotonic: number): number {
    return Math.max(0, monotonic - this.#seenAt) * driftMax;
  }
}
