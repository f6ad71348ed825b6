import { invariant } from '../../base/invariant.ts';

/** Azure Storage client-side encryption, version 2.0: regions of 12-byte nonce (big-endian counter from 0), ciphertext and
 * 16-byte tag (AES-256-GCM, no AAD). An empty blob has no region. In this folder the key is called CEK where the format says so.
 * @see https://learn.microsoft.com/azure/storage/blobs/client-side-encryption */
export const protocolVersion = '2.0';
export const encryptionAlgorithm = 'AES_GCM_256';
export const nonceBytes = 12;
export const tagBytes = 16;
export const regionOverheadBytes = nonceBytes + tagBytes;
export const dekBytes = 32;

/** Plaintext of every region but the last. Other people's readers take the number from `encryptiondata`; 4 MiB is the usual one. */
export const defaultRegionBytes = 4 * 1024 * 1024;

/** What a reader must know beforehand, from a place it trusts: the bytes themselves do not say where they end. */
export interface SealedShape {
  /** Plaintext bytes of each region but the last. */
  readonly regionBytes: number;
  /** Plaintext bytes in all. */
  readonly length: number;
}

export const regionCount = ({ regionBytes, length }: SealedShape): number => Math.ceil(length / regionBytes);

/** @returns where region `index` begins and how many bytes it has, sealed and opened */
export function regionAt(shape: SealedShape, index: number): { sealedOffset: number; offset: number; length: number } {
  invariant(index >= 0 && index < regionCount(shape), 'the region is one of the blob');
  const offset = index * shape.regionBytes;
  return {
    sealedOffset: index * (shape.regionBytes + regionOverheadBytes),
    offset,
    length: Math.min(shape.regionBytes, shape.length - offset),
  };
}

export const sealedBytes = (shape: SealedShape): number => shape.length + regionCount(shape) * regionOverheadBytes;

/** The inverse of `sealedBytes`; undefined when no plaintext has such a sealed length. */
export function openedBytes(sealed: number, regionBytes: number): number | undefined {
  const sealedRegionBytes = regionBytes + regionOverheadBytes;
  const rest = sealed % sealedRegionBytes;
  if (rest !== 0 && rest <= regionOverheadBytes) return undefined;
  return sealed - Math.ceil(sealed / sealedRegionBytes) * regionOverheadBytes;
}
