import { zeroBytes } from '../base/bytes.ts';

const alphabet = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1');
const notInAlphabet = 0xff;
const sextets = new Uint8Array(256).fill(notInAlphabet);
alphabet.forEach((character, sextet) => (sextets[character] = sextet));
sextets[0x2b] = 62; // `+` and `/` of plain base64
sextets[0x2f] = 63;
const padding = 0x3d;

/** V8 keeps small arrays inside its heap, where moving them or handing them to OpenSSL leaves copies behind. */
const bytesOutsideHeapMin = 128;

/** A buffer that can really be overwritten: outside the heap of V8, and not from the pool that Node shares among small buffers. */
export const secretBuffer = (length: number): Buffer =>
  Buffer.allocUnsafeSlow(Math.max(length, bytesOutsideHeapMin)).subarray(0, length);

/** Base64url from bytes to bytes, for what must not become a string (which nobody can overwrite). As in Key Vault, padding may be there
 * if it is whole, `+` and `/` may stand for `-` and `_`, and bits left over at the end mean nothing: libmongocrypt and go-cloud send
 * padded base64url and plain base64 to it, and `some-secret` comes back as `some-secres`.
 * @see kms_azure_request.c of mongodb/libmongocrypt, secrets/azurekeyvault of google/go-cloud, Azure/azure-rest-api-specs issue 23829
 * @returns undefined for anything else; a partial result is overwritten */
export function decodeBase64(padded: Uint8Array): Buffer | undefined {
  const text = withoutPadding(padded);
  if (text === undefined || text.length % 4 === 1) return undefined;
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
  if (seen > 0x3f) {
    zeroBytes(bytes);
    return undefined;
  }
  return bytes;
}

/** @returns undefined when the padding is not what the length asks for */
function withoutPadding(text: Uint8Array): Uint8Array | undefined {
  let end = text.length;
  while (end > 0 && text.length - end < 2 && text[end - 1] === padding) end -= 1;
  return end < text.length && text.length % 4 !== 0 ? undefined : text.subarray(0, end);
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
