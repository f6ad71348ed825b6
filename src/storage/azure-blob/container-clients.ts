import { ContainerClient } from '@azure/storage-blob';
import type { AskAccess } from '../placed-blobs.ts';

interface Kept {
  readonly client: Promise<ContainerClient>;
  until: number;
}

/** A client with access that is good now: kept while it is, and asked for again then. */
export class ContainerClients {
  readonly #container: string;
  readonly #ask: AskAccess;
  readonly #now: () => number;
  #client: Kept | undefined;

  /** @param container URL without a secret
   * @param now monotonic, in milliseconds */
  constructor(container: string, ask: AskAccess, now: () => number) {
    this.#container = container;
    this.#ask = ask;
    this.#now = now;
  }

  /** @throws BlobsUnavailableError */
  async client(): Promise<ContainerClient> {
    const known = this.#client;
    if (known !== undefined && this.#now() < known.until) return known.client;
    const begun = this.#now();
    // Whoever comes while it is asked for waits for the same.
    const made: Kept = { client: this.#made(begun, () => made), until: Infinity };
    this.#client = made;
    return made.client;
  }

  async #made(begun: number, kept: () => Kept): Promise<ContainerClient> {
    try {
      const { kind, value, goodForMs } = await this.#ask();
      kept().until = begun + goodForMs;
      if (kind === 'signature') return new ContainerClient(`${this.#container}?${value}`, undefined, oneAttempt);
      const token = { token: value, expiresOnTimestamp: Number.MAX_SAFE_INTEGER };
      return new ContainerClient(this.#container, { getToken: () => Promise.resolve(token) }, oneAttempt);
    } catch (error) {
      if (this.#client === kept()) this.#client = undefined;
      throw error;
    }
  }

  /** The container refused it: the next one asks again. */
  refused(): void {
    this.#client = undefined;
  }
}

/** Attempts are ours to count, since they have to know of each other. */
const oneAttempt = { retryOptions: { maxTries: 1 } };
