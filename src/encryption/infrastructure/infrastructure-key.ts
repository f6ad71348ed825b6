import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { fromBase64Url, toBase64Url } from '../../base/base64url.ts';
import type { Base64Url } from '../../base/base64url.ts';
import { utf8 } from '../../base/bytes.ts';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { BlobName } from '../../storage/blob-store.ts';
import type { State, StateWrite, Table } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';

/** The key of the second layer of a cluster with double encryption (`enableDoubleEncryption`): of the platform, as in Azure, so no customer's
 * key opens it, and none is needed to. Made with the cluster, kept as long, never changed. Record id: the cluster id.
 * @see https://learn.microsoft.com/azure/data-explorer/cluster-encryption-double */
export const infrastructureKeyTable: Table<InfrastructureKeyRecord> = {
  name: 'infrastructure-keys',
  parse: parseInfrastructureKey,
};

export interface InfrastructureKeyRecord {
  readonly format: 1;
  /** 256 bits. */
  readonly key: Base64Url;
}

export const infrastructureKeyBytes = 32;

/** Of a cluster that is being made.
 * @returns the key, and the write of its record for the commit of the cluster */
export function makeInfrastructureKey(
  clusterId: Guid,
  randomBytes: RandomBytes,
): { readonly key: Uint8Array; readonly write: readonly StateWrite[] } {
  const key = randomBytes(infrastructureKeyBytes);
  const record: InfrastructureKeyRecord = { format: 1, key: toBase64Url(key) };
  return { key, write: [writeRecord(infrastructureKeyTable, clusterId, null, record)] };
}

/** @returns undefined for a cluster without double encryption */
export async function infrastructureKeyOf(state: Pick<State, 'get'>, clusterId: Guid): Promise<Buffer | undefined> {
  const found = await state.get(infrastructureKeyTable, clusterId);
  return found && Buffer.from(found.value.key, 'base64url');
}

/** Something lies where the second layer must be, and is none: damaged, of another cluster, or without the layer. */
export class SecondLayerError extends Error {
  override readonly name = 'SecondLayerError';
  constructor() {
    super('What is stored does not open with the infrastructure key of the cluster.');
  }
}

const nonceBytes = 12;
const tagBytes = 16;
const recordAlgorithm = 'chacha20-poly1305';
const blobAlgorithm = 'chacha20';
/** Bytes of one block of the key stream. */
const blockBytes = 64;
/** The counter of blocks has 32 bits. */
const blobBytesMax = blockBytes * 2 ** 32;

/** Encrypts a second time, with another algorithm and another key, what the first layer (AES-256-GCM under the keys of the cluster) has sealed. */
export class SecondLayer {
  readonly #key: Buffer;
  readonly #randomBytes: RandomBytes;

  /** @param key 32 bytes; copied */
  constructor(key: Uint8Array, randomBytes: RandomBytes) {
    invariant(key.byteLength === infrastructureKeyBytes, 'an infrastructure key is 256 bits');
    this.#key = Buffer.from(key);
    this.#randomBytes = randomBytes;
  }

  /** ChaCha20-Poly1305 (RFC 8439) under a key for records, with a random nonce.
   * @param id of the record: at another place it does not open
   * @returns nonce, ciphertext and tag */
  sealRecord(id: string, sealed: Uint8Array): Buffer {
    const nonce = this.#randomBytes(nonceBytes);
    const cipher = createCipheriv(recordAlgorithm, this.#derive('records'), nonce, { authTagLength: tagBytes });
    cipher.setAAD(utf8(id), { plaintextLength: sealed.byteLength });
    return Buffer.concat([nonce, cipher.update(sealed), cipher.final(), cipher.getAuthTag()]);
  }

  /** @throws SecondLayerError */
  openRecord(id: string, bytes: Uint8Array): Buffer {
    const end = bytes.byteLength - tagBytes;
    if (end < nonceBytes) throw new SecondLayerError();
    const nonce = bytes.subarray(0, nonceBytes);
    const decipher = createDecipheriv(recordAlgorithm, this.#derive('records'), nonce, { authTagLength: tagBytes });
    decipher.setAAD(utf8(id), { plaintextLength: end - nonceBytes });
    decipher.setAuthTag(bytes.subarray(end));
    try {
      return Buffer.concat([decipher.update(bytes.subarray(nonceBytes, end)), decipher.final()]);
    } catch {
      throw new SecondLayerError();
    }
  }

  /** Encrypts, or decrypts, the bytes of a blob from `offset` on, in order: ChaCha20 (RFC 8439) under a key of the blob's own, since a blob is
   * written once. As long as what goes in; that nothing was changed the first layer tells. */
  blobStream(name: BlobName, offset: number): (bytes: Uint8Array) => Buffer {
    invariant(offset >= 0 && offset < blobBytesMax, 'a blob has at most 256 GiB');
    const skipped = offset % blockBytes;
    const counterAndNonce = Buffer.alloc(16);
    counterAndNonce.writeUInt32LE((offset - skipped) / blockBytes);
    const cipher = createCipheriv(blobAlgorithm, this.#derive(`blob ${name}`), counterAndNonce);
    cipher.update(Buffer.alloc(skipped));
    let at = offset;
    return (bytes) => {
      at += bytes.byteLength;
      invariant(at <= blobBytesMax, 'a blob has at most 256 GiB');
      return cipher.update(bytes);
    };
  }

  /** HKDF-SHA-256 (RFC 5869). */
  #derive(purpose: string): Buffer {
    const info = utf8(`kustody/1/infrastructure/${purpose}`);
    return Buffer.from(hkdfSync('sha256', this.#key, Buffer.alloc(0), info, infrastructureKeyBytes));
  }
}

function parseInfrastructureKey(value: Json): InfrastructureKeyRecord {
  const { format, key } = isJsonObject(value) ? value : {};
  if (format !== 1) throw new Error('The infrastructure key of a cluster was written by a newer Kustody.');
  if (typeof key !== 'string' || fromBase64Url(key)?.byteLength !== infrastructureKeyBytes)
    throw new Error('The record of an infrastructure key is damaged.');
  return { format, key: key as Base64Url };
}
