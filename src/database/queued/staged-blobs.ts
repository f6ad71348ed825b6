import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { CatalogReader } from '../catalog/image.ts';
import { ofKind } from '../catalog/image.ts';
import type { CatalogRecord } from '../catalog/records.ts';
import { recordId } from '../catalog/records.ts';
import type { StagedBlobRecord, StagedBlockRecord, StorageKeysRecord } from '../catalog/queued-records.ts';
import type { SealedExtent } from '../catalog/sealed-extent.ts';
import type { QueuedParts } from './queued-parts.ts';
import { keptMs } from './queued-parts.ts';
import { namedId, storageKeysOf } from './storage-keys.ts';
import { StorageRefusal } from './storage-refusal.ts';

export interface BlobAddress {
  readonly account: number;
  readonly container: string;
  readonly name: string;
}

export type BlobFacts = Pick<StagedBlobRecord, 'contentType' | 'contentEncoding'>;

const blobsMax = 10_000;
const blocksMax = 10_000;
/** Of one blob. */
const piecesMax = 2_000;
/** Of all blobs and blocks together. */
const bytesMax = 32 * 1024 ** 3;

export const lengthOf = ({ pieces }: { readonly pieces: readonly SealedExtent[] }): number =>
  pieces.reduce((sum, { length }) => sum + length, 0);

type Staged = StagedBlobRecord | StagedBlockRecord;

/** Blobs that wait to be ingested. Durable order: bytes into an unnamed file in memory → sealed as a blob of the store, synced → one commit
 * with the record that names it, and without the one that had its place → the blobs of that one go. A blob that no record names is garbage. */
export class StagedBlobs {
  readonly #parts: QueuedParts;

  constructor(parts: QueuedParts) {
    this.#parts = parts;
  }

  find(at: BlobAddress): StagedBlobRecord | undefined {
    const { catalog } = this.#parts;
    const keys = storageKeysOf(catalog);
    return keys && blobAt(catalog.image, keys, at);
  }

  /** Puts a whole blob there, in place of what there is. */
  async put(at: BlobAddress, bytes: AsyncIterable<Uint8Array>, facts: BlobFacts): Promise<void> {
    await this.#stage(at, bytes, (piece, base) => ({
      ...{ kind: 'stagedBlob', ...base, ...facts, pieces: [piece] },
      blobId: namedId(this.#keys(), 'blob', ...names(at)),
    }));
  }

  /** @param blockId base64, as the client chose it */
  async putBlock(at: BlobAddress, blockId: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#stage(at, bytes, (piece, base) => ({
      ...{ kind: 'stagedBlock', ...base, blockId, pieces: [piece] },
      recordId: namedId(this.#keys(), 'block', ...names(at), blockId),
    }));
  }

  /** Makes a blob of blocks that were put there, in this order. @throws StorageRefusal `InvalidBlockList` */
  async putBlockList(at: BlobAddress, blockIds: readonly string[], facts: BlobFacts): Promise<void> {
    const { catalog, now, writer } = this.#parts;
    const keys = this.#keys();
    const blobId = namedId(keys, 'blob', ...names(at));
    const left = await catalog.change((draft) => {
      const blocks = new Map(
        blockIds.map((blockId) => [blockId, draft.get(`c/${namedId(keys, 'block', ...names(at), blockId)}`)]),
      );
      const pieces = blockIds.flatMap((blockId) => {
        const found = blocks.get(blockId);
        if (found?.kind !== 'stagedBlock') throw new StorageRefusal('InvalidBlockList');
        return found.pieces;
      });
      // Each block is one blob of the store, which goes with the one that names it.
      if (pieces.length > piecesMax || new Set(pieces).size < pieces.length)
        throw new StorageRefusal('InvalidBlockList');
      for (const block of blocks.values()) if (block !== undefined) draft.delete(recordId(block));
      const before = blobAt(draft, keys, at);
      draft.put({ kind: 'stagedBlob', ...at, ...facts, blobId, pieces, createdOn: now() });
      return before?.pieces ?? [];
    });
    await writer.removeBlobs(left);
  }

  /** The bytes of a blob, opened piece by piece. */
  async *read({ pieces }: StagedBlobRecord): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) yield await this.#parts.writer.readStaged(piece);
  }

  /** @throws StorageRefusal `BlobNotFound` */
  async delete(at: BlobAddress): Promise<void> {
    const { catalog, writer } = this.#parts;
    const left = await catalog.change((draft) => {
      const found = blobAt(draft, this.#keys(), at);
      if (found === undefined) throw new StorageRefusal('BlobNotFound');
      draft.delete(recordId(found));
      return found.pieces;
    });
    await writer.removeBlobs(left);
  }

  /** Removes what nobody has ingested for so long, so many a commit. */
  async expire(): Promise<void> {
    const { catalog, writer, now } = this.#parts;
    const old = this.#all().filter(({ createdOn }) => createdOn + keptMs <= now());
    for (let at = 0; at < old.length; at += 500) {
      const some = old.slice(at, at + 500);
      await catalog.change((draft) => {
        for (const record of some) draft.delete(recordId(record));
      });
      await writer.removeBlobs(some.flatMap(({ pieces }) => pieces));
    }
  }

  async #stage(
    at: BlobAddress,
    bytes: AsyncIterable<Uint8Array>,
    make: (piece: SealedExtent, base: BlobAddress & { readonly createdOn: number }) => Staged,
  ): Promise<void> {
    const { catalog, writer, now } = this.#parts;
    await this.#makeRoom();
    const { sealed, generation } = await writer.stage(bytes, this.#sealedFor(at.name));
    try {
      const left = await catalog.change((draft) => {
        writer.requireGeneration(generation);
        const record = make(sealed, { ...at, createdOn: now() });
        const before: CatalogRecord | undefined = draft.get(recordId(record));
        draft.put(record);
        return before?.kind === record.kind && 'pieces' in before ? before.pieces : [];
      });
      writer.settledBlob(sealed);
      await writer.removeBlobs(left);
    } catch (error) {
      // Whether the commit was made may be unknown then: the blob is left to the next collection, which asks the catalog.
      writer.settledBlob(sealed);
      throw error;
    }
  }

  /** Ingested blobs that were to stay go first. @throws StorageRefusal `ServerBusy` */
  async #makeRoom(): Promise<void> {
    const all = this.#all();
    const blobs = all.filter(({ kind }) => kind === 'stagedBlob').length;
    const isFull =
      blobs >= blobsMax ||
      all.length - blobs >= blocksMax ||
      all.reduce((sum, one) => sum + lengthOf(one), 0) >= bytesMax;
    if (!isFull) return;
    const done = all.filter(
      (one): one is StagedBlobRecord => one.kind === 'stagedBlob' && one.ingestedOn !== undefined,
    );
    if (done.length === 0) throw new StorageRefusal('ServerBusy');
    const { catalog, writer } = this.#parts;
    const oldest = done.sort((left, right) => left.createdOn - right.createdOn).slice(0, 200);
    await catalog.change((draft) => {
      for (const record of oldest) draft.delete(recordId(record));
    });
    await writer.removeBlobs(oldest.flatMap(({ pieces }) => pieces));
  }

  #all(): Staged[] {
    const { image } = this.#parts.catalog;
    const of = <Kind extends Staged['kind']>(kind: Kind) =>
      [...image.group(kind)].flatMap((id) => ofKind(image.get(id), kind));
    return [...of('stagedBlob'), ...of('stagedBlock')];
  }

  #keys(): StorageKeysRecord {
    const keys = storageKeysOf(this.#parts.catalog);
    invariant(keys !== undefined, 'whoever has an address with a signature was given it under these keys');
    return keys;
  }

  /** Clients begin the names of blobs with the database. For another name, and for a database without a key of its own, it is the
   * cluster's key alone. */
  #sealedFor(name: string): Guid {
    const end = name.indexOf('__');
    const database = end < 0 ? undefined : this.#parts.databaseNamed(name.slice(0, end));
    return database ?? this.#parts.clusterId;
  }
}

const names = ({ account, container, name }: BlobAddress): [string, string, string] => [
  String(account),
  container,
  name,
];

export function blobAt(
  reader: Pick<CatalogReader, 'get'>,
  keys: StorageKeysRecord,
  at: BlobAddress,
): StagedBlobRecord | undefined {
  const found = reader.get(`b/${namedId(keys, 'blob', ...names(at))}`);
  return found?.kind === 'stagedBlob' ? found : undefined;
}
