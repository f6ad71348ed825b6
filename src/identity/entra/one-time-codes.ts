import { createHash } from 'node:crypto';
import { toBase64Url } from '../../base/base64url.ts';
import type { RandomBytes } from '../../base/random.ts';

export interface OneTimeCodesOptions {
  readonly randomBytes: RandomBytes;
  /** Real time, which no clock that somebody sets makes longer. */
  readonly monotonicMs: () => number;
  readonly lifetimeMs: number;
  /** The oldest goes when another one comes. */
  readonly countMax: number;
}

interface Entry<T> {
  readonly issuedMs: number;
  readonly value: T;
  redeemed: boolean;
}

/** Codes of 256 random bits that count once and not for long, kept in memory by their hash. */
export class OneTimeCodes<T> {
  readonly #options: OneTimeCodesOptions;
  readonly #entries = new Map<string, Entry<T>>();

  constructor(options: OneTimeCodesOptions) {
    this.#options = options;
  }

  issue(value: T): string {
    const { randomBytes, monotonicMs, countMax } = this.#options;
    const code = toBase64Url(randomBytes(32));
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size < countMax) break;
      this.#entries.delete(oldest);
    }
    this.#entries.set(keyOf(code), { issuedMs: monotonicMs(), value, redeemed: false });
    return code;
  }

  /** What a code stands for, while it counts. */
  look(code: string): T | undefined {
    const entry = this.#entries.get(keyOf(code));
    return entry === undefined || entry.redeemed || this.#isOver(entry) ? undefined : entry.value;
  }

  /** The first time only. */
  redeem(code: string): { readonly value: T } | 'redeemed' | 'expired' | 'unknown' {
    const entry = this.#entries.get(keyOf(code));
    if (entry === undefined) return 'unknown';
    if (entry.redeemed) return 'redeemed';
    if (this.#isOver(entry)) return 'expired';
    entry.redeemed = true;
    return { value: entry.value };
  }

  /** The first that counts and of which `test` holds. */
  find(test: (value: T) => boolean): T | undefined {
    for (const entry of this.#entries.values())
      if (!entry.redeemed && !this.#isOver(entry) && test(entry.value)) return entry.value;
    return undefined;
  }

  #isOver(entry: Entry<T>): boolean {
    return this.#options.monotonicMs() - entry.issuedMs >= this.#options.lifetimeMs;
  }
}

const keyOf = (code: string): string => createHash('sha256').update(code).digest('base64');
