import type { Guid } from '../../base/guid.ts';
import type { MonotonicClock } from '../../clock/monotonic-clock.ts';

/** Changes that are prepared and wait for their caller's commit. For this short time a check that only renews a lease does
 * not write, so that it does not make that commit fail. A hint, no lock: a refusal is written all the same, and the commit
 * then fails as it must. */
export class OutstandingChanges {
  readonly #monotonic: MonotonicClock;
  readonly #since = new Map<Guid, number>();

  constructor(monotonic: MonotonicClock) {
    this.#monotonic = monotonic;
  }

  add(clusterId: Guid): void {
    this.#since.set(clusterId, this.#monotonic.now());
  }

  delete(clusterId: Guid): void {
    this.#since.delete(clusterId);
  }

  has(clusterId: Guid): boolean {
    const since = this.#since.get(clusterId);
    return since !== undefined && this.#monotonic.now() - since < hintMsMax;
  }
}

const hintMsMax = 10_000;
