import type { ContainerClient } from '@azure/storage-blob';
import { RestError } from '@azure/storage-blob';
import type { RandomBytes } from '../../base/random.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { BlobName, BlobStore, BlobSummary } from '../blob-store.ts';
import { BlobExistsError, BlobNotFoundError, parseBlobName } from '../blob-store.ts';

/** 50,000 blocks of this size are 400 GB. */
const blockBytes = 8 * 1024 * 1024;

/** Blobs in one container of Azure Blob Storage (or what speaks like it), or in a folder of it. The container exists. */
export class AzureBlobStore implements BlobStore {
  readonly #container: ContainerClient;
  readonly #folder: string;
  readonly #randomBytes: RandomBytes;

  /** @param folder `` or a name that ends in `/` */
  constructor(container: ContainerClient, folder = '', randomBytes: RandomBytes = systemRandomBytes) {
    this.#container = container;
    this.#folder = folder;
    this.#randomBytes = randomBytes;
  }

  /** Blocks are not visible until they are committed as a whole, on the condition that the name is free. Until then all writers of
   * a name share one list of blocks: ids that another one could use, too, would let it put its bytes in place of ours. */
  async write(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    const blob = this.#container.getBlockBlobClient(this.#folder + name);
    const writer = Buffer.from(this.#randomBytes(12)).toString('hex');
    const blocks: string[] = [];
    let length = 0;
    for await (const block of inBlocks(pieces)) {
      const id = Buffer.from(`${writer}${String(blocks.length).padStart(8, '0')}`).toString('base64');
      await blob.stageBlock(id, block, block.length);
      blocks.push(id);
      length += block.length;
    }
    try {
      await blob.commitBlockList(blocks, { conditions: { ifNoneMatch: '*' } });
    } catch (error) {
      const status = statusOf(error);
      // 400: another writer's commit has thrown our blocks away.
      const taken = status === 409 || status === 412 || (status === 400 && (await blob.exists()));
      throw taken ? new BlobExistsError(name) : error;
    }
    return { length };
  }

  async *read(name: BlobName, range?: { readonly offset: number; readonly length: number }): AsyncIterable<Uint8Array> {
    if (range?.length === 0 && (await this.#container.getBlobClient(this.#folder + name).exists())) return;
    try {
      const { readableStreamBody } = await this.#container
        .getBlobClient(this.#folder + name)
        .download(range?.offset ?? 0, range?.length);
      for await (const piece of readableStreamBody ?? []) yield Buffer.from(piece);
    } catch (error) {
      if (statusOf(error) === 404) throw new BlobNotFoundError(name);
      if (statusOf(error) !== 416) throw error; // 416: beyond the end
    }
  }

  async readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    let done = 0;
    for await (const piece of this.read(name, { offset, length: target.byteLength })) {
      target.set(piece, done);
      done += piece.byteLength;
    }
    return done;
  }

  async *list(prefix: string): AsyncIterable<BlobSummary> {
    for await (const { name: text, properties } of this.#container.listBlobsFlat({ prefix: this.#folder + prefix })) {
      const name = parseBlobName(text.slice(this.#folder.length));
      if (name !== undefined) yield { name, length: properties.contentLength ?? 0 };
    }
  }

  async delete(name: BlobName): Promise<void> {
    await this.#container.getBlobClient(this.#folder + name).deleteIfExists();
  }
}

/** Copies pieces into blocks: the caller uses its buffers again. */
async function* inBlocks(pieces: AsyncIterable<Uint8Array>): AsyncIterable<Buffer> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const piece of pieces) {
    held.push(Buffer.from(piece));
    heldBytes += piece.byteLength;
    if (heldBytes >= blockBytes) {
      yield Buffer.concat(held);
      held = [];
      heldBytes = 0;
    }
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

const statusOf = (error: unknown): number | undefined => (error instanceof RestError ? error.statusCode : undefined);
