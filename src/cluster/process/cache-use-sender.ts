import type { StartTimer } from '../../http/timer.ts';
import type { CacheUse } from '../../storage/cache-use.ts';
import { addedUse, noCacheUse } from '../../storage/cache-use.ts';
import type { CacheUseCall } from '../messages/cache-use.ts';

/** Metrics are asked for every few seconds, if at all. */
const everyMs = 1_000;

/** Tells the main process, which counts for all clusters, what the cache of this one has done: once a second at most. What cannot be told goes
 * along with the next. */
export class CacheUseSender {
  readonly #send: (call: CacheUseCall) => Promise<unknown>;
  readonly #startTimer: StartTimer;
  #untold: CacheUse = noCacheUse;
  #isWaiting = false;

  constructor(send: (call: CacheUseCall) => Promise<unknown>, startTimer: StartTimer) {
    this.#send = send;
    this.#startTimer = startTimer;
  }

  add(use: Partial<CacheUse>): void {
    this.#untold = addedUse(this.#untold, use);
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#startTimer(everyMs, () => {
      this.#isWaiting = false;
      void this.flush();
    });
  }

  /** Resolves when all of it was told, or cannot be. */
  async flush(): Promise<void> {
    const use = this.#untold;
    this.#untold = noCacheUse;
    if (use === noCacheUse) return;
    await this.#send(use).catch(() => {
      this.#untold = addedUse(this.#untold, use);
    });
  }
}
