import { scrypt } from 'node:crypto';
import { toBase64Url } from '../../base/base64url.ts';
import { equalBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { Json } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import { recordFields } from '../record-fields.ts';

/** What is kept of a user's password. People choose passwords, so the hash is slow: scrypt, 16 MiB, in a thread of its own. */
export interface StoredPassword {
  /** Base64url, both. */
  readonly salt: string;
  readonly hash: string;
}

const cost = { N: 16_384, r: 8, p: 1 } as const;
const hashBytes = 32;
export const passwordCharsMax = 256;

export async function storePassword(text: string, randomBytes: RandomBytes): Promise<StoredPassword> {
  const salt = randomBytes(16);
  return { salt: toBase64Url(salt), hash: toBase64Url(await hashed(text, salt)) };
}

/** In a time that does not depend on how much of the password is right. */
export async function isPassword(text: string, stored: StoredPassword): Promise<boolean> {
  if (text.length > passwordCharsMax) return false;
  return equalBytes(await hashed(text, Buffer.from(stored.salt, 'base64url')), Buffer.from(stored.hash, 'base64url'));
}

/** 8 to 256 characters, of three of: small letters, capitals, digits, others. @see Microsoft Entra "password policies" */
export function isStrongPassword(text: string): boolean {
  const kinds = [/[a-z]/, /[A-Z]/, /[0-9]/, /[^a-zA-Z0-9]/].filter((kind) => kind.test(text));
  return text.length >= 8 && text.length <= passwordCharsMax && kinds.length >= 3;
}

/** 192 random bits, in a form that is strong for Entra ID and needs no quoting in a shell. */
export const newPassword = (randomBytes: RandomBytes): string => `Kx7-${toBase64Url(randomBytes(24))}`;

export function parseStoredPassword(value: Json, table: string): StoredPassword {
  const fields = recordFields(value, `${table} (password)`);
  invariant(fields.bytes('hash').byteLength === hashBytes, 'the hash of a password is 256 bits');
  return { salt: fields.text('salt'), hash: fields.text('hash') };
}

function hashed(text: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(text.normalize('NFC'), salt, hashBytes, cost, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
