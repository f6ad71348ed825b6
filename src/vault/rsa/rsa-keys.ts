import { generateKeyPair } from 'node:crypto';
import { promisify } from 'node:util';
import type { Base64Url } from '../../base/base64url.ts';
import { toBase64Url, fromBase64Url } from '../../base/base64url.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';

const rsaBits = [2048, 3072, 4096] as const;
export type RsaBits = (typeof rsaBits)[number];

export const isRsaBits = (value: unknown): value is RsaBits => rsaBits.some((bits) => bits === value);

/** A new key, in the forms that are stored. */
export interface RsaKeyPair {
  readonly kty: 'RSA';
  readonly bits: RsaBits;
  /** Modulus, big-endian, without leading zeros. */
  readonly n: Base64Url;
  readonly e: Base64Url;
  /** PKCS #8 DER. */
  readonly privateKey: Base64Url;
}

export type MakeRsaKey = (bits: RsaBits) => Promise<RsaKeyPair>;

const generate = promisify(generateKeyPair);

/** Off the main thread; takes 80 ms and more. */
export async function generateRsaKey(bits: RsaBits): Promise<RsaKeyPair> {
  const pair = await generate('rsa', { modulusLength: bits, publicExponent: 0x10001 });
  const { n, e } = pair.publicKey.export({ format: 'jwk' });
  invariant(typeof n === 'string' && typeof e === 'string', 'an RSA public key has a modulus and an exponent');
  invariant(fromBase64Url(n)?.length === bits / 8, 'a generated modulus has the length that was asked for');
  const der = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
  const privateKey = toBase64Url(der);
  zeroBytes(der);
  return { kty: 'RSA', bits, n: n as Base64Url, e: e as Base64Url, privateKey };
}

export interface RsaKeyPool {
  /** A ready key, or the one that is being made, or a new one. */
  take(bits: RsaBits): Promise<RsaKeyPair>;
  /** Makes as many keys as are missing to `count`, one after the other. @param count as many as the pool holds by default */
  fill(count?: number): Promise<void>;
  close(): void;
}

export interface RsaKeyPoolOptions {
  /** 0 keeps none. */
  readonly size: number;
  /** Called when a key was taken: the time to plan the next `fill`, not to begin it. Whoever took the key has more to do. */
  readonly onTaken?: () => void;
  readonly make?: MakeRsaKey;
}

/** Keeps RSA 2048 keys ready. They are in memory only and belong to nobody until a commit stores one. */
export function createRsaKeyPool({ size, onTaken, make = generateRsaKey }: RsaKeyPoolOptions): RsaKeyPool {
  /** A key that could not be made is missing: whoever asks for one makes it and hears why it cannot. */
  const ready: Promise<RsaKeyPair | undefined>[] = [];
  let filling: Promise<void> | undefined;
  let closed = false;

  const fillUp = async (count: number): Promise<void> => {
    try {
      for (let missing = count - ready.length; missing > 0 && !closed; missing -= 1) {
        const made = make(2048);
        ready.push(made.catch(() => undefined));
        await made;
      }
    } finally {
      filling = undefined;
    }
  };

  return {
    take: async (bits) => {
      const kept = bits === 2048 ? await ready.shift() : undefined;
      const pair = kept ?? (await make(bits));
      if (bits === 2048) onTaken?.();
      return pair;
    },
    fill: (count = size) => (filling ??= fillUp(Math.min(count, size))),
    close: () => {
      closed = true;
      ready.length = 0;
    },
  };
}
