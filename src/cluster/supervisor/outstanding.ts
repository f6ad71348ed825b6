import type { Guid } from '../../base/guid.ts';
import type { Clock } from '../../clock/clock.ts';

/** Changes that are prepared and wait for their caller's commit. For this short time a check that only renews a lease does
 * not write, so that it does not make that commit fail. A hint, no lock: a refusal is written all the same, and the commit
 * then fails as it must. */
export class OutstandingChanges {
  readonly #wallClock: Clock;
  readonly #since = new Map<Guid, number>();

  constructor(wallClock: Clock) {
    this.#wallClock = wallClock;
  }

  add(clusterId: Guid): void {
    this.#since.set(clusterId, this.#wallClock.now());
  }

  delete(clusterId: Guid): void {
    this.#since.delete(clusterId);
  }

  has(clusterId: Guid): boolean {
    const since = this.#since.get(clusterId);
    return since !== undefined && this.#wallClock.now() - since < hintMsMax;
  }
}

const hintMsMax = 10_000;
