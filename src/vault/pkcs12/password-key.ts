import { hash as hashOnce } from 'node:crypto';
import { FewAtOnce } from '../../base/few-at-once.ts';

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

/** What a key is derived from. */
interface Derivation {
  readonly hash: string;
  readonly purpose: 1 | 2 | 3;
  /** As its UTF-16, big-endian, with two zero bytes at its end; empty where there is none. */
  readonly password: Uint8Array;
  readonly salt: Uint8Array;
  /** Bounded by the caller. */
  readonly iterations: number;
  /** How many are wanted. */
  readonly bytes: number;
}

/** A millisecond or two of hashing. */
const roundsEach = 1000;

/** The key derivation of PKCS #12 (RFC 7292, B.2), which OpenSSL does for nobody: at each `yield` so many rounds are done. */
function* derivation({ hash, purpose, password, salt, iterations, bytes }: Derivation): Generator<void, Buffer> {
  const block = blockBytes[hash] ?? 64;
  const diversifier = Buffer.alloc(block, purpose);
  const input = Buffer.concat([filled(salt, block), filled(password, block)]);
  const parts: Buffer[] = [];
  for (let made = 0; made < bytes;) {
    let digest: Buffer = hashOnce(hash, Buffer.concat([diversifier, input]), 'buffer');
    for (let round = 1; round < iterations; round++) {
      if (round % roundsEach === 0) yield;
      digest = hashOnce(hash, digest, 'buffer');
    }
    parts.push(digest);
    made += digest.length;
    addToEach(input, block, filled(digest, block).subarray(0, block));
  }
  return Buffer.concat(parts).subarray(0, bytes);
}

/** One at a time, whoever asks: many files at once take no more of the thread than one. */
const derivations = new FewAtOnce(1);

/** For what others sent: everybody else on the thread has a turn after each thousand rounds. */
export function derivePkcs12Key(asked: Derivation): Promise<Buffer> {
  return derivations.run(async () => {
    const steps = derivation(asked);
    let step = steps.next();
    for (; step.done !== true; step = steps.next()) await new Promise((resolve) => setImmediate(resolve));
    return step.value;
  });
}

/** For what is written here, with few rounds. */
export function derivePkcs12KeyAtOnce(asked: Derivation): Buffer {
  const steps = derivation(asked);
  let step = steps.next();
  while (step.done !== true) step = steps.next();
  return step.value;
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
