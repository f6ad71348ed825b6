import type { RandomBytes } from '../../base/random.ts';
import { SecondLayer } from '../../encryption/infrastructure/infrastructure-key.ts';

/** @returns the infrastructure key, undefined for a cluster without double encryption */
export type AskInfrastructureKey = () => Promise<Uint8Array | undefined>;

/** The second layer of the cluster whose process this is. Whether there is one is settled when the cluster is made. */
export class OwnSecondLayer {
  readonly #ask: AskInfrastructureKey;
  readonly #randomBytes: RandomBytes;
  #known: Promise<SecondLayer | undefined> | undefined;

  constructor(ask: AskInfrastructureKey, randomBytes: RandomBytes) {
    this.#ask = ask;
    this.#randomBytes = randomBytes;
  }

  /** Of a cluster that is being made: nobody else can be asked yet. */
  made(key: Uint8Array | undefined): SecondLayer | undefined {
    const layer = key && new SecondLayer(key, this.#randomBytes);
    this.#known = Promise.resolve(layer);
    return layer;
  }

  /** Asked for once; a failure is not kept. */
  get(): Promise<SecondLayer | undefined> {
    const known = (this.#known ??= this.#load());
    known.catch(() => {
      if (this.#known === known) this.#known = undefined;
    });
    return known;
  }

  async #load(): Promise<SecondLayer | undefined> {
    const key = await this.#ask();
    return key && new SecondLayer(key, this.#randomBytes);
  }
}
