import type { KeyObject } from 'node:crypto';
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Guid } from '../../base/guid.ts';
import { CatalogDamagedError, tagBytes } from '../catalog/catalog-seal.ts';

/** Where a record of the log of small writes stands. @property before tag of the record before it; empty for the first */
export interface LogPlace {
  readonly clusterId: string;
  readonly segmentId: Guid;
  readonly sequence: number;
  readonly before: Uint8Array;
}

/** AES-256-GCM under the key of the segment: nonce = sequence number, so a segment is given up when a commit of it fails.
 * @returns ciphertext and 16-byte tag */
export function sealLogRecord(key: KeyObject, place: LogPlace, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, nonceOf(place), { authTagLength: tagBytes });
  cipher.setAAD(aadOf(place));
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** @throws CatalogDamagedError */
export function openLogRecord(key: KeyObject, place: LogPlace, sealed: Uint8Array): Buffer {
  const end = sealed.byteLength - tagBytes;
  if (end < 0) throw new CatalogDamagedError('a log record is too short');
  const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(place), { authTagLength: tagBytes });
  decipher.setAAD(aadOf(place));
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, end)), decipher.final()]);
  } catch {
    throw new CatalogDamagedError('a log record was changed');
  }
}

function nonceOf({ sequence }: LogPlace): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeBigUInt64BE(BigInt(sequence), 4);
  return nonce;
}

const aadOf = ({ clusterId, segmentId, sequence, before }: LogPlace): Buffer =>
  Buffer.from(JSON.stringify([1, clusterId, segmentId, sequence, Buffer.from(before).toString('hex')]));
