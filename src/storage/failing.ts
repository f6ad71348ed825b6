import { invariant } from '../base/invariant.ts';
import type { BlobName, BlobStore, BlobSummary } from './blob-store.ts';

export class InjectedBlobFailure extends Error {
  override readonly name = 'InjectedBlobFailure';
}

export interface BlobFailurePlan {
  /** Which write fails, counted from 1. */
  readonly onWrite: number;
  /** `before` the first piece, `during` the transfer (nothing is stored), or `after` it is durable, with nobody told. */
  readonly when: 'before' | 'during' | 'after';
}

/** A store whose nth write fails; from then on everything fails, until the store below is opened anew. */
export class FailingBlobStore implements BlobStore {
  readonly #below: BlobStore;
  readonly #plan: BlobFailurePlan;
  #writes = 0;
  #failed = false;

  constructor(below: BlobStore, plan: BlobFailurePlan) {
    invariant(plan.onWrite >= 1, 'writes are counted from 1');
    this.#below = below;
    this.#plan = plan;
  }

  async write(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    this.#check();
    this.#writes += 1;
    if (this.#writes !== this.#plan.onWrite) return this.#below.write(name, pieces);
    this.#failed = true;
    const failure = new InjectedBlobFailure(`Write ${this.#writes} fails ${this.#plan.when} it is durable.`);
    if (this.#plan.when === 'during') await this.#below.write(name, cutShort(pieces, failure));
    if (this.#plan.when === 'after') await this.#below.write(name, pieces);
    throw failure;
  }

  async *read(name: BlobName, range?: { readonly offset: number; readonly length: number }): AsyncIterable<Uint8Array> {
    this.#check();
    yield* this.#below.read(name, range);
  }

  async readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    this.#check();
    return this.#below.readInto(name, offset, target);
  }

  async *list(prefix: string): AsyncIterable<BlobSummary> {
    this.#check();
    yield* this.#below.list(prefix);
  }

  async delete(name: BlobName): Promise<void> {
    this.#check();
    return this.#below.delete(name);
  }

  #check(): void {
    if (this.#failed) throw new InjectedBlobFailure('This store has failed before.');
  }
}

async function* cutShort(pieces: AsyncIterable<Uint8Array>, failure: Error): AsyncIterable<Uint8Array> {
  for await (const piece of pieces) {
    yield piece.subarray(0, Math.ceil(piece.byteLength / 2));
    break;
  }
  throw failure;
}
