import { createHash } from 'node:crypto';
import type { BlockBlobUploadOptions, ContainerClient } from '@azure/storage-blob';
import { RestError } from '@azure/storage-blob';
import type { RandomBytes } from '../../base/random.ts';
import type { BlobName, BlobSummary, ReplaceableBlobs } from '../blob-store.ts';
import { BlobExistsError, BlobNotFoundError, BlobsUnavailableError, parseBlobName } from '../blob-store.ts';
import type { AttemptPorts } from './attempts.ts';
import { attempted, codeOf, unavailable } from './attempts.ts';
import type { ContainerClients } from './container-clients.ts';

/** 50,000 blocks of this size are 200 GB. One is sent, or read, within the time of one attempt. */
const blockBytes = 4 * 1024 * 1024;
const writerHeader = 'writer';

export interface AzureBlobOptions extends AttemptPorts {
  readonly clients: Pick<ContainerClients, 'client' | 'refused'>;
  /** `` or a name that ends in `/`. */
  readonly folder: string;
  readonly randomBytes: RandomBytes;
  /** Of a list, in one answer; default 1,000. */
  readonly pageBlobs?: number;
}

/** Blobs in one container of Azure Blob Storage (or what speaks like it), or in a folder of it. The container exists. Whatever comes in the way of a
 * request for good is a BlobsUnavailableError: a container that is gone is not known to be without a blob. */
export class AzureBlobStore implements ReplaceableBlobs {
  readonly #options: AzureBlobOptions;

  constructor(options: AzureBlobOptions) {
    this.#options = options;
  }

  /** What fits into one block is one request. Blocks are not visible until they are committed as a whole, on the condition that the name is
   * free. Until then all writers of a name share one list of blocks: ids that another one could use, too, would let it put its bytes in place
   * of ours. The service compares each block with its MD5 before it takes it; of a blob that is one request it tells the MD5 of what it took. */
  async write(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    const writer = Buffer.from(this.#options.randomBytes(12)).toString('hex');
    const blocks: string[] = [];
    let length = 0;
    let only: Buffer | undefined;
    const stage = async (block: Buffer): Promise<void> => {
      blocks.push(await this.#stage(name, writer, blocks.length, block));
    };
    for await (const block of inBlocks(pieces)) {
      if (only !== undefined) await stage(only);
      only = undefined;
      if (length === 0) only = block;
      else await stage(block);
      length += block.length;
    }
    const whole = only ?? (blocks.length === 0 ? Buffer.alloc(0) : undefined);
    await this.#claim(name, writer, async (container, abortSignal) => {
      const options = { conditions: { ifNoneMatch: '*' }, metadata: { [writerHeader]: writer }, abortSignal };
      if (whole === undefined) await this.#blob(container, name).commitBlockList(blocks, options);
      else await this.#upload(container, name, whole, options);
    });
    return { length };
  }

  /** As blocks, however few, which are committed as a whole in the place of what has the name. */
  async replace(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    const writer = Buffer.from(this.#options.randomBytes(12)).toString('hex');
    const blocks: string[] = [];
    let length = 0;
    for await (const block of inBlocks(pieces)) {
      blocks.push(await this.#stage(name, writer, blocks.length, block));
      length += block.length;
    }
    const metadata = { [writerHeader]: writer };
    await this.#send((container, abortSignal) =>
      this.#blob(container, name).commitBlockList(blocks, { metadata, abortSignal }),
    );
    return { length };
  }

  /** @returns its id */
  async #stage(name: BlobName, writer: string, index: number, block: Buffer): Promise<string> {
    const id = Buffer.from(`${writer}${String(index).padStart(8, '0')}`).toString('base64');
    const checked = { transactionalContentMD5: md5(block) };
    await this.#send((container, abortSignal) =>
      this.#blob(container, name).stageBlock(id, block, block.length, { ...checked, abortSignal }),
    );
    return id;
  }

  async #upload(
    container: ContainerClient,
    name: BlobName,
    whole: Buffer,
    options: BlockBlobUploadOptions,
  ): Promise<void> {
    const { contentMD5 } = await this.#blob(container, name).upload(whole, whole.length, options);
    if (contentMD5 !== undefined && md5(whole).equals(contentMD5)) return;
    await this.delete(name);
    throw new BlobsUnavailableError(`${this.#options.container} took other bytes than were sent.`);
  }

  /** @throws BlobExistsError, but not for what an earlier attempt of ours did whose answer was lost */
  async #claim(
    name: BlobName,
    writer: string,
    put: (container: ContainerClient, signal: AbortSignal) => Promise<unknown>,
  ): Promise<void> {
    const isThere = async (): Promise<string | undefined> => {
      const { metadata } = await this.#send((container, abortSignal) =>
        this.#blob(container, name).getProperties({ abortSignal }),
      );
      return metadata?.[writerHeader];
    };
    try {
      await this.#send((container, signal) => put(container, signal));
    } catch (error) {
      const status = statusOf(error);
      if (status !== 400 && status !== 409 && status !== 412) throw error;
      // 400: another writer's commit has thrown our blocks away.
      const owner = await isThere().catch((problem: unknown) => {
        throw status === 400 && statusOf(problem) === 404 ? error : problem;
      });
      if (owner !== writer) throw new BlobExistsError(name);
    }
  }

  /** Piece by piece, each a request of its own: whoever reads slowly holds no connection. */
  async *read(name: BlobName, range?: { readonly offset: number; readonly length: number }): AsyncIterable<Uint8Array> {
    const { offset, length } = range ?? { offset: 0, length: Infinity };
    if (length === 0) await this.#piece(name, offset, new Uint8Array(1));
    for (let done = 0; done < length;) {
      const piece = new Uint8Array(Math.min(blockBytes, length - done));
      const read = await this.#piece(name, offset + done, piece);
      if (read > 0) yield piece.subarray(0, read);
      if (read < piece.byteLength) return;
      done += read;
    }
  }

  async readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    if (target.byteLength === 0) return 0;
    for (let done = 0; done < target.byteLength;) {
      const piece = target.subarray(done, done + blockBytes);
      const read = await this.#piece(name, offset + done, piece);
      done += read;
      if (read < piece.byteLength) return done;
    }
    return target.byteLength;
  }

  async *list(prefix: string): AsyncIterable<BlobSummary> {
    const { folder, pageBlobs = 1_000 } = this.#options;
    for (let continuationToken: string | undefined = undefined, isFirst = true; isFirst || continuationToken;) {
      const from: string | undefined = continuationToken;
      const page = await this.#send(async (container, abortSignal) => {
        const pages = container
          .listBlobsFlat({ prefix: folder + prefix, abortSignal })
          .byPage({ maxPageSize: pageBlobs, ...(from === undefined ? {} : { continuationToken: from }) });
        for await (const found of pages) return found;
        return undefined;
      });
      for (const { name: text, properties } of page?.segment.blobItems ?? []) {
        const name = parseBlobName(text.slice(folder.length));
        if (name !== undefined) yield { name, length: properties.contentLength ?? 0 };
      }
      continuationToken = page?.continuationToken;
      isFirst = false;
    }
  }

  async delete(name: BlobName): Promise<void> {
    await this.#send((container, abortSignal) => this.#blob(container, name).deleteIfExists({ abortSignal }));
  }

  /** One request; a piece that breaks off is read again from its beginning. @throws BlobNotFoundError */
  async #piece(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    try {
      return await this.#send(async (container, abortSignal) => {
        const options = { abortSignal, maxRetryRequests: 0 };
        return fill(target, await this.#blob(container, name).download(offset, target.byteLength, options));
      });
    } catch (error) {
      if (error instanceof RestError && codeOf(error) === 'BlobNotFound') throw new BlobNotFoundError(name);
      if (statusOf(error) === 416) return 0; // beyond the end
      throw error;
    }
  }

  #blob(container: ContainerClient, name: BlobName): ReturnType<ContainerClient['getBlockBlobClient']> {
    return container.getBlockBlobClient(this.#options.folder + name);
  }

  /** @throws RestError only of what the service says of a blob */
  async #send<T>(send: (container: ContainerClient, signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clients, container } = this.#options;
    try {
      return await attempted(this.#options, async (signal) => send(await clients.client(), signal));
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (error.statusCode === 401 || error.statusCode === 403) clients.refused();
      const isOfBlob = ofBlobs.has(error.statusCode) && codeOf(error) !== 'ContainerNotFound';
      throw isOfBlob ? error : unavailable(container, error);
    }
  }
}

const ofBlobs: ReadonlySet<number | undefined> = new Set([400, 404, 409, 412, 416]);

const md5 = (bytes: Uint8Array): Buffer => createHash('md5').update(bytes).digest();

/** @throws RestError without a status for a body that breaks off, or is not as long as was said */
async function fill(
  target: Uint8Array,
  {
    readableStreamBody,
    contentLength,
  }: { readonly readableStreamBody?: NodeJS.ReadableStream; readonly contentLength?: number },
): Promise<number> {
  let done = 0;
  try {
    for await (const piece of (readableStreamBody ?? []) as AsyncIterable<Uint8Array>) {
      target.set(piece, done);
      done += piece.byteLength;
    }
  } catch {
    throw new RestError('The answer broke off.', { code: RestError.REQUEST_SEND_ERROR });
  }
  if (done !== contentLength) throw new RestError('The answer is cut.', { code: RestError.REQUEST_SEND_ERROR });
  return done;
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
