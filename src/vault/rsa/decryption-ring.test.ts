import { describe, expect, it } from 'vitest';
import { DecryptionRing } from './decryption-ring.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const ask = (ring: DecryptionRing, ...texts: readonly string[]): void => {
  for (const text of texts) ring.ask({ keyId: 7, hash: 'sha256', ciphertext: bytes(text) });
};
const taken = (ring: DecryptionRing): string | undefined =>
  ring.take((plaintext) => Buffer.from(plaintext))?.plaintext?.toString();
/** Two threads' sides of it, which do not wait as long as something is there. */
const threadsOf = ({ memory }: DecryptionRing) => [new DecryptionRing(memory), new DecryptionRing(memory)] as const;
const noKeys = (): void => undefined;

describe('a ring of decryptions', () => {
  it('gives each to one thread, and what has ended back in the order of asking', () => {
    const ring = new DecryptionRing();
    const [one, other] = threadsOf(ring);
    ask(ring, 'a', 'b', 'c');
    const [a, b, c] = [one.claim(noKeys), other.claim(noKeys), other.claim(noKeys)];
    expect([a, b, c].map(({ ciphertext }) => Buffer.from(ciphertext).toString())).toEqual(['a', 'b', 'c']);
    expect(other.end(b.number, bytes('B'))).toBe(true);
    expect(other.end(c.number, undefined)).toBe(false); // it is told already
    ring.heard();
    expect(taken(ring)).toBeUndefined();
    expect(one.end(a.number, bytes('A'))).toBe(true); // and again, after it was heard
    ring.heard();
    expect([taken(ring), taken(ring)]).toEqual(['A', 'B']);
    expect(ring.take((one) => Buffer.from(one))).toEqual({ plaintext: undefined });
    expect(ring.take((one) => Buffer.from(one))).toBeUndefined();
  });

  it('overwrites a plaintext when it has been taken, and where it came from', () => {
    const ring = new DecryptionRing();
    const [thread] = threadsOf(ring);
    ask(ring, 'x');
    const plaintext = bytes('canary-4714');
    thread.end(thread.claim(noKeys).number, plaintext);
    const memory = Buffer.from(ring.memory);
    expect(plaintext.every((byte) => byte === 0)).toBe(true);
    expect(memory.includes('canary-4714')).toBe(true);
    expect(taken(ring)).toBe('canary-4714');
    expect(memory.includes('canary-4714')).toBe(false);
  });

  it('tells with each how many keys had been sent: later ones may replace the one that it needs', () => {
    const ring = new DecryptionRing();
    const [thread] = threadsOf(ring);
    ring.keySent();
    ask(ring, 'first');
    ring.keySent();
    ask(ring, 'second');
    expect([thread.claim(noKeys).keysSent, thread.claim(noKeys).keysSent]).toEqual([1, 2]);
  });

  it('is full when as many are under way as it has places, and takes more when the first is taken', () => {
    const ring = new DecryptionRing();
    const [thread] = threadsOf(ring);
    let asked = 0;
    for (; !ring.isFull; asked += 1) ask(ring, `at ${asked}`);
    expect(asked).toBe(128);
    expect(() => ask(ring, 'one too many')).toThrow('what is asked has room');
    for (let round = 0; round < 300; round += 1) {
      const { number, ciphertext } = thread.claim(noKeys);
      thread.end(number, Buffer.from(ciphertext));
      expect(taken(ring)).toBe(`at ${round}`);
      ask(ring, `at ${asked + round}`);
      expect(ring.isFull).toBe(true);
    }
  });
});
