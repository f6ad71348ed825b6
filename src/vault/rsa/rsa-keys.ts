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
  readonly bits: RsaBits;
  /** Modulus, big-endian, without leading zeros. */
  readonly n: Base64Url;
  readonly e: Base64Url;
  /** PKCS #8 DER. */
  readonly privateKey: Base64Url;
}

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
  return { bits, n: n as Base64Url, e: e as Base64Url, privateKey };
}

export interface RsaKeyPool {
  /** A ready key if there is one, else a new one. */
  take(bits: RsaBits): Promise<RsaKeyPair>;
  /** Makes keys until the pool is full, one after the other. Call it when there is nothing better to do; `take` does too. */
  fill(): Promise<void>;
  close(): void;
}

/** Keeps RSA 2048 keys ready. They are in memory only and belong to nobody until a commit stores one.
 * @param size of the pool; 0 keeps none */
export function createRsaKeyPool(
  size: number,
  make: (bits: RsaBits) => Promise<RsaKeyPair> = generateRsaKey,
): RsaKeyPool {
  const ready: RsaKeyPair[] = [];
  let filling: Promise<void> | undefined;
  let closed = false;

  const fillUp = async (): Promise<void> => {
    try {
      while (!closed && ready.length < size) ready.push(await make(2048));
    } finally {
      filling = undefined;
    }
  };
  const fill = (): Promise<void> => (filling ??= fillUp());

  return {
    take: async (bits) => {
      const kept = bits === 2048 ? ready.pop() : undefined;
      const pair = kept ?? (await make(bits));
      if (bits === 2048) fill().catch(() => undefined); // the next `take` makes its own and says why it cannot
      return pair;
    },
    fill,
    close: () => {
      closed = true;
      ready.length = 0;
    },
  };
}
