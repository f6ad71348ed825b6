import { zeroBytes } from '../base/bytes.ts';

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1');
const notInAlphabet = 0xff;
const sextets = new Uint8Array(256).fill(notInAlphabet);
alphabet.forEach((character, sextet) => (sextets[character] = sextet));

/** V8 keeps small arrays inside its heap, where moving them or handing them to OpenSSL leaves copies behind. */
const bytesOutsideHeapMin = 128;

/** A buffer that can really be overwritten: outside the heap of V8, and not from the pool that Node shares among small buffers. */
export const secretBuffer = (length: number): Buffer =>
  Buffer.allocUnsafeSlow(Math.max(length, bytesOutsideHeapMin)).subarray(0, length);

/** Base64url from bytes to bytes, for what must not become a string (which nobody can overwrite).
 * @returns undefined for anything but unpadded, canonical base64url; a partial result is overwritten */
export function decodeBase64Url(text: Uint8Array): Buffer | undefined {
  const spare = text.length % 4;
  if (spare === 1) return undefined;
  const bytes = secretBuffer(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let at = 0;
  let seen = 0;
  for (const character of text) {
    const sextet = sextets[character] ?? notInAlphabet;
    seen |= sextet;
    held = ((held << 6) | (sextet & 0x3f)) & 0xffff;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 0xff;
    }
  }
  const leftOver = held & ((1 << bits) - 1);
  if (seen > 0x3f || leftOver !== 0) {
    zeroBytes(bytes);
    return undefined;
  }
  return bytes;
}

/** @returns how many characters `writeBase64Url` writes for that many bytes */
export const base64UrlLength = (bytes: number): number => Math.ceil((bytes * 4) / 3);

/** Writes the unpadded base64url of `bytes` into `target`. @returns the place after it */
export function writeBase64Url(bytes: Uint8Array, target: Buffer, start: number): number {
  let at = start;
  let bits = 0;
  let held = 0;
  const put = (sextet: number): void => {
    target[at++] = alphabet[sextet & 0x3f] ?? 0;
  };
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 6) {
      bits -= 6;
      put(held >> bits);
    }
  }
  if (bits > 0) put(held << (6 - bits));
  return at;
}
