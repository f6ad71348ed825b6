import type { Brand } from './brand.ts';

/** Base64url without padding (RFC 4648, section 5). */
export type Base64Url = Brand<string, 'Base64Url'>;

export const toBase64Url = (bytes: Uint8Array): Base64Url => Buffer.from(bytes).toString('base64url') as Base64Url;

/** Whether a text is exactly the unpadded base64url of some bytes. Of the last digit those bits are zero that belong to no byte: two of three
 * digits, four of two; one alone has too few. */
export function isBase64Url(text: string): boolean {
  // Of what is long, that it comes back as the same text is known sooner.
  if (text.length > 1_024) return Buffer.from(text, 'base64url').toString('base64url') === text;
  return text.length % 4 === 0
    ? digits.test(text)
    : text.length % 4 === 3
      ? endsInTwoZeros.test(text)
      : endsInFour.test(text);
}

const digits = /^[A-Za-z0-9_-]*$/;
const endsInTwoZeros = /^[A-Za-z0-9_-]*[AEIMQUYcgkosw048]$/;
const endsInFour = /^(?:[A-Za-z0-9_-]{4})*[A-Za-z0-9_-][AQgw]$/;

/** @returns undefined for any text that is not exactly the unpadded base64url of some bytes; padding is refused too */
export const fromBase64Url = (text: string): Buffer | undefined =>
  isBase64Url(text) ? Buffer.from(text, 'base64url') : undefined;
