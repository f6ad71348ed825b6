import type { HostTime } from './host-time.ts';

/** The wall clock as long as it goes forward. When it is set back this neither follows nor stands still: it goes on as fast as
 * monotonic time does, ahead of the wall clock, until that has caught up. So whatever ends at a time ends. */
export class ForwardTime {
  readonly #host: HostTime;
  #told: number;
  #toldAt: number;

  constructor(host: HostTime) {
    this.#host = host;
    this.#told = host.now();
    this.#toldAt = host.monotonic();
  }

  /** Whole milliseconds since 1970. */
  now(): number {
    const monotonic = this.#host.monotonic();
    this.#told = Math.max(this.#host.now(), this.#told + monotonic - this.#toldAt);
    this.#toldAt = monotonic;
    return Math.floor(this.#told);
  }

  /** Milliseconds that it is ahead of the wall clock. */
  aheadMs(): number {
    return Math.max(0, this.now() - this.#host.now());
  }
}
