import type { ClusterProcess } from './cluster-process.ts';

/** The process that goes to vaults for clusters that have none running: it unwraps, compares, overwrites and answers, one call at a
 * time for each cluster. It serves several clusters, so it never becomes the process of one, reads no data and no client; and since
 * copies may remain in its memory, it is killed as soon as nobody has anything to ask. */
export class KeyVisits {
  readonly #start: () => ClusterProcess;
  #process: ClusterProcess | undefined;
  #users = 0;

  constructor(start: () => ClusterProcess) {
    this.#start = start;
  }

  /** Keeps the process for all visits that `work` makes. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#users += 1;
    try {
      return await work();
    } finally {
      this.#users -= 1;
      if (this.#users === 0) await this.end();
    }
  }

  /** To be called within `during`. @throws ChannelClosedError while the server stops */
  obtain(): ClusterProcess {
    if (this.#process === undefined || this.#process.ended) this.#process = this.#start();
    return this.#process;
  }

  async end(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    await process?.end();
  }
}
