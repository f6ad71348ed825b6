import { createHash } from 'node:crypto';

/** What a derived key is for (RFC 7292, B.3). */
export const keyPurpose = { encryption: 1, iv: 2, mac: 3 } as const;

const blockBytes: Readonly<Record<string, number>> = { sha1: 64, sha256: 64, sha384: 128, sha512: 128 };

/** The hash functions that a key can be derived with. */
export const isPkcs12Hash = (hash: string): boolean => Object.hasOwn(blockBytes, hash);

/** Rounds of hashing that one file may still ask for. */
export interface Rounds {
  left: number;
}

/** @returns false when that many are not left; then the file asks for too much */
export function takeRounds(rounds: Rounds, wanted: number): boolean {
  if (wanted > rounds.left) return false;
  rounds.left -= wanted;
  return true;
}

/** The key derivation of PKCS #12 (RFC 7292, B.2).
 * @param password as its UTF-16, big-endian, with two zero bytes at its end; empty where there is none
 * @param iterations bounded by the caller
 * @param bytes how many are wanted */
export function derivePkcs12Key(
  hash: string,
  purpose: 1 | 2 | 3,
  password: Uint8Array,
  salt: Uint8Array,
  iterations: number,
  bytes: number,
): Buffer {
  const block = blockBytes[hash] ?? 64;
  const diversifier = Buffer.alloc(block, purpose);
  const input = Buffer.concat([filled(salt, block), filled(password, block)]);
  const parts: Buffer[] = [];
  for (let made = 0; made < bytes;) {
    let digest = createHash(hash).update(diversifier).update(input).digest();
    for (let round = 1; round < iterations; round++) digest = createHash(hash).update(digest).digest();
    parts.push(digest);
    made += digest.length;
    addToEach(input, block, filled(digest, block).subarray(0, block));
  }
  return Buffer.concat(parts).subarray(0, bytes);
}

/** The bytes again and again, up to a whole number of blocks. */
function filled(bytes: Uint8Array, block: number): Buffer {
  const length = block * Math.ceil(bytes.length / block);
  return length === 0 ? Buffer.alloc(0) : Buffer.alloc(length, Buffer.from(bytes));
}

/** Each block of `input` + `addend` + 1, modulo the size of a block. */
function addToEach(input: Buffer, block: number, addend: Uint8Array): void {
  for (let start = 0; start < input.length; start += block) {
    let carry = 1;
    for (let index = block - 1; index >= 0; index--) {
      const sum = (input[start + index] ?? 0) + (addend[index] ?? 0) + carry;
      input[start + index] = sum & 0xff;
      carry = sum >> 8;
    }
  }
}

/** As the derivation wants a password. Files without a password have either form: the empty text, or nothing at all. */
export const pkcs12Password = (password: string): Buffer => Buffer.from(`${password}\0`, 'utf16le').swap16();
