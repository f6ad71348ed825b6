import { createHmac } from 'node:crypto';
import { toBase64Url } from '../../base/base64url.ts';
import { equalBytes, utf8 } from '../../base/bytes.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';

/** What is kept of a client secret: enough to recognise it, not to know it. */
export interface StoredSecret {
  readonly keyId: Guid;
  /** The first three characters, as Entra ID shows them to tell secrets apart. They carry nothing of the secret's 256 bits. */
  readonly hint: string;
  readonly salt: Uint8Array;
  readonly hash: Uint8Array;
  /** Missing on secrets that Kustody made for itself: valid from the start. */
  readonly startDateTime?: Instant;
  readonly endDateTime: Instant;
  readonly displayName?: string;
}

/** What its creator says of a secret. */
export interface SecretOptions {
  readonly displayName?: string;
  readonly startDateTime?: Instant;
}

const hintAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A new random secret. `text` is shown to its creator once and kept nowhere; it starts with a letter or digit, so that
 * command lines do not take it for an option, and needs no encoding in forms. */
export function newClientSecret(
  randomBytes: RandomBytes,
  endDateTime: Instant,
  options: SecretOptions = {},
): { readonly text: string; readonly stored: StoredSecret } {
  const hint = Array.from(randomBytes(3), (byte) => hintAlphabet[byte % hintAlphabet.length] ?? 'A').join('');
  const text = `${hint}~${toBase64Url(randomBytes(32))}`;
  const salt = randomBytes(16);
  const stored = { keyId: newGuid(randomBytes), hint, salt, hash: hashSecret(text, salt), endDateTime, ...options };
  return { text, stored };
}

/** In a time that does not depend on how much of the secret is right. */
export function isSecret(text: string, stored: StoredSecret): boolean {
  return equalBytes(hashSecret(text, stored.salt), stored.hash);
}

/** One HMAC is enough: a slow hash protects secrets that people choose; nobody can try 2^256 random ones at any speed. */
function hashSecret(text: string, salt: Uint8Array): Buffer {
  return createHmac('sha256', salt).update(utf8(text)).digest();
}
