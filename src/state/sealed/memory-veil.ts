import type { Cipher } from 'node:crypto';
import { createCipheriv } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import type { RandomBytes } from '../../base/random.ts';

/** Bytes that are in the clear only for whoever has the veil. */
export interface Veiled {
  /** Of this veil, and of no other bytes. */
  readonly number: number;
  readonly words: Uint32Array;
  /** In bytes, of what is veiled. */
  readonly length: number;
}

const keyBytes = 32;
const blockBytes = 16;
const blockWords = blockBytes / 4;
/** Of the longest that is kept. */
const placesMax = 1024;

/** Hides what stays in memory, under a key that nobody else has and that goes with the process: AES-256 in counter mode, each block of
 * which is made of the number of the bytes and its own. One cipher does all: to make one costs more than what it computes for a
 * record. There is no tag: what was veiled has been checked, and only whoever can write into our memory could change it. */
export class MemoryVeil {
  readonly #blocks: Cipher;
  /** The blocks that are made into a stream: their numbers alone, which are no secret. Used again, since each piece of memory outside the heap of
   * V8 costs more, when it is made and when it is collected, than what is computed here. */
  readonly #numbers = new Uint32Array(placesMax * blockWords);
  #last = 0;

  constructor(randomBytes: RandomBytes) {
    const key = Buffer.from(randomBytes(keyBytes));
    this.#blocks = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
    zeroBytes(key);
  }

  veil(plain: Uint8Array): Veiled {
    const number = (this.#last += 1);
    const mixed = this.#stream(number, plain.length);
    const words = new Uint32Array(mixed.length);
    new Uint8Array(words.buffer).set(plain);
    mix(words, mixed);
    return { number, words, length: plain.length };
  }

  /** @returns bytes of the caller's own */
  unveil({ number, words, length }: Veiled): Buffer {
    const mixed = this.#stream(number, length);
    mix(mixed, words);
    return Buffer.from(mixed.buffer, mixed.byteOffset, length);
  }

  #stream(number: number, length: number): Uint32Array {
    const wordCount = Math.ceil(length / blockBytes) * blockWords;
    const blocks =
      wordCount <= this.#numbers.length ? this.#numbers.subarray(0, wordCount) : new Uint32Array(wordCount);
    const [low, high] = [number >>> 0, Math.floor(number / 2 ** 32)];
    for (let at = 0; at < wordCount; at += blockWords) {
      blocks[at] = low;
      blocks[at + 1] = high;
      blocks[at + 2] = at;
    }
    const stream = this.#blocks.update(blocks);
    return new Uint32Array(stream.buffer, stream.byteOffset, wordCount);
  }
}

function mix(target: Uint32Array, other: Uint32Array): void {
  for (let at = 0; at < target.length; at += 1) target[at] = (target[at] ?? 0) ^ (other[at] ?? 0);
}
