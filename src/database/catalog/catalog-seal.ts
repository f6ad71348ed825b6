import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import type { Brand } from '../../base/brand.ts';
import type { RandomBytes } from '../../base/random.ts';
import { drawMany } from '../../base/random.ts';
import type { SealedRecord } from './catalog-store.ts';
import type { DataKeys } from './data-keys.ts';

/** The catalog is not what this cluster wrote last: records were changed, moved, removed or put back. */
export class CatalogDamagedError extends Error {
  override readonly name = 'CatalogDamagedError';
  constructor(what: string) {
    super(`The catalog of the cluster does not open: ${what}.`);
  }
}

const format = 1;
const epochBytes = 16;
const nonceBytes = 12;
export const tagBytes = 16;
const headBytes = 1 + epochBytes + nonceBytes;
const cachedEpochsMax = 1000;
const setModulus = 1n << 256n;

/** Seals catalog records with AES-256-GCM: format byte 1, epoch (16 bytes), nonce (12), ciphertext, tag (16). Each process has an
 * epoch, and each epoch a key of its own, so random nonces stay far from their limit. AAD = cluster, record id, revision, generation.
 * What stands in the catalog as a whole is fixed by a sum over all records (`element`), kept in the head record: an old copy of one
 * record, or a record left out, changes the sum. */
export class CatalogSeal {
  readonly #keys: DataKeys;
  readonly #randomBytes: RandomBytes;
  readonly #epoch: Buffer;
  readonly #epochKeys = new Map<string, Buffer>();
  readonly #sumKey: Buffer;
  /** What AADs begin and end with: as JSON of the list of all parts. */
  readonly #aadEnds: readonly [string, string];

  constructor(clusterId: string, keys: DataKeys, randomBytes: RandomBytes) {
    this.#keys = keys;
    this.#randomBytes = randomBytes;
    this.#epoch = Buffer.from(randomBytes(epochBytes));
    this.#sumKey = derived(keys, Buffer.alloc(0), 'kustody/1/catalog/sum');
    this.#aadEnds = [`${JSON.stringify([format, clusterId]).slice(0, -1)},`, `,${keys.generation}]`];
  }

  get generation(): number {
    return this.#keys.generation;
  }

  /** For so many records that are sealed now. */
  nonces(count: number): readonly Uint8Array[] {
    return drawMany(this.#randomBytes, nonceBytes, count);
  }

  /** @param nonce used for no other record */
  seal(id: string, revision: number, plaintext: Uint8Array, nonce = this.#randomBytes(nonceBytes)): SealedRecord {
    const cipher = createCipheriv('aes-256-gcm', this.#key(this.#epoch), nonce, { authTagLength: tagBytes });
    cipher.setAAD(Buffer.from(this.#aad(id, revision)));
    const bytes = Buffer.concat([
      Buffer.from([format]),
      this.#epoch,
      nonce,
      cipher.update(plaintext),
      cipher.final(),
      cipher.getAuthTag(),
    ]);
    return { generation: this.#keys.generation, revision, bytes };
  }

  /** @throws CatalogDamagedError */
  open(id: string, sealed: SealedRecord): Buffer {
    const bytes = Buffer.from(sealed.bytes.buffer, sealed.bytes.byteOffset, sealed.bytes.byteLength);
    const end = bytes.length - tagBytes;
    if (sealed.generation !== this.#keys.generation || end < headBytes || bytes[0] !== format)
      throw new CatalogDamagedError('a record is not one of ours');
    const key = this.#key(bytes.subarray(1, 1 + epochBytes));
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1 + epochBytes, headBytes), {
      authTagLength: tagBytes,
    });
    decipher.setAAD(Buffer.from(this.#aad(id, sealed.revision)));
    decipher.setAuthTag(bytes.subarray(end));
    try {
      const opened = decipher.update(bytes.subarray(headBytes, end));
      decipher.final(); // looks at the tag; nothing is left to come
      return opened;
    } catch {
      throw new CatalogDamagedError('a record was changed');
    }
  }

  /** The share of one record in the sum; the sum is taken modulo 2^256. The tag stands for the content. */
  element(id: string, { revision, tag }: { readonly revision: number; readonly tag: TagText }): bigint {
    const mac = createHmac('sha256', this.#sumKey);
    mac.update(this.#aad(id, revision)).update(tag, 'latin1');
    return BigInt(`0x${mac.digest('hex')}`);
  }

  /** Overwrites the derived keys. */
  close(): void {
    this.#sumKey.fill(0);
    for (const key of this.#epochKeys.values()) key.fill(0);
    this.#epochKeys.clear();
  }

  /** `[format,"cluster","record id",revision,generation]` */
  #aad(id: string, revision: number): string {
    const [start, end] = this.#aadEnds;
    return `${start}${JSON.stringify(id)},${revision}${end}`;
  }

  #key(epoch: Buffer): Buffer {
    const name = epoch.toString('latin1');
    const known = this.#epochKeys.get(name);
    if (known !== undefined) return known;
    if (this.#epochKeys.size >= cachedEpochsMax) this.#epochKeys.clear();
    const key = derived(this.#keys, epoch, 'kustody/1/catalog/record');
    this.#epochKeys.set(name, key);
    return key;
  }
}

const derived = (keys: DataKeys, salt: Buffer, info: string): Buffer =>
  Buffer.from(hkdfSync('sha256', keys.catalog, salt, info, 32));

/** The 16 bytes of a tag, each a character (Latin-1): of 100,000 records a third of what as many buffers are. */
export type TagText = Brand<string, 'TagText'>;

/** @throws CatalogDamagedError when there is none */
export function tagText(sealed: Uint8Array): TagText {
  if (sealed.byteLength < tagBytes) throw new CatalogDamagedError('a record is too short');
  const { buffer, byteOffset, byteLength } = sealed;
  return Buffer.from(buffer, byteOffset + byteLength - tagBytes, tagBytes).toString('latin1') as TagText;
}

/** @throws CatalogDamagedError when there is none */
export function tagOf(sealed: Uint8Array): Buffer {
  if (sealed.byteLength < tagBytes) throw new CatalogDamagedError('a record is too short');
  return Buffer.from(sealed.subarray(sealed.byteLength - tagBytes));
}

export const addElement = (sum: bigint, element: bigint): bigint => (sum + element) % setModulus;
export const takeElement = (sum: bigint, element: bigint): bigint => (sum - element + setModulus) % setModulus;
