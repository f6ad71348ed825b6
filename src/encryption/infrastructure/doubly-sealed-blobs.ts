import type { BlobName, BlobReader, BlobStore, BlobSummary } from '../../storage/blob-store.ts';
import type { SecondLayer } from './infrastructure-key.ts';

type Range = Parameters<BlobReader['read']>[1];

/** Larger outputs of a cipher come from fresh pages of memory, which costs more than the cipher. */
const pieceBytes = 256 * 1024;

/** Blobs that lie under the second layer; lengths and offsets are the same with and without. */
export class DoublySealedReader implements BlobReader {
  readonly #below: BlobReader;
  protected readonly layer: SecondLayer;

  constructor(below: BlobReader, layer: SecondLayer) {
    this.#below = below;
    this.layer = layer;
  }

  async *read(name: BlobName, range?: Range): AsyncIterable<Uint8Array> {
    yield* through(this.#below.read(name, range), this.layer.blobStream(name, range?.offset ?? 0));
  }

  async readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    const length = await this.#below.readInto(name, offset, target);
    const stream = this.layer.blobStream(name, offset);
    for (let done = 0; done < length; done += pieceBytes)
      target.set(stream(target.subarray(done, Math.min(done + pieceBytes, length))), done);
    return length;
  }

  list(prefix: string): AsyncIterable<BlobSummary> {
    return this.#below.list(prefix);
  }
}

export class DoublySealedBlobs extends DoublySealedReader implements BlobStore {
  readonly #store: BlobStore;

  constructor(below: BlobStore, layer: SecondLayer) {
    super(below, layer);
    this.#store = below;
  }

  write(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    return this.#store.write(name, through(pieces, this.layer.blobStream(name, 0)));
  }

  delete(name: BlobName): Promise<void> {
    return this.#store.delete(name);
  }
}

async function* through(
  pieces: AsyncIterable<Uint8Array>,
  stream: (bytes: Uint8Array) => Buffer,
): AsyncIterable<Uint8Array> {
  for await (const piece of pieces)
    for (let done = 0; done < piece.byteLength; done += pieceBytes)
      yield stream(piece.subarray(done, done + pieceBytes));
}
