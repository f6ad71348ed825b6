import { PemConverter } from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import type { RandomBytes } from '../base/random.ts';

/** For roots and leaves. Handshakes are many, since JavaScript clients open a tunnel for each request: a P-256 signature costs a
 * twentieth of an RSA one; and a P-256 key is made at once. */
export const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;
export const signatureAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;

/** @returns 16 random bytes in hex: positive and without leading zeros in DER */
export function newSerialNumber(randomBytes: RandomBytes): string {
  const bytes = Buffer.from(randomBytes(16));
  bytes[0] = 0x40 | ((bytes[0] ?? 0) & 0x3f);
  return bytes.toString('hex');
}

/** @returns PEM of PKCS #8 */
export async function exportPrivateKey(key: webcrypto.CryptoKey): Promise<string> {
  const rawData = await webcrypto.subtle.exportKey('pkcs8', key);
  return `${PemConverter.encode([{ type: PemConverter.PrivateKeyTag, rawData }])}\n`;
}
