import type { Brand } from './brand.ts';

/** Base64url without padding (RFC 4648, section 5). */
export type Base64Url = Brand<string, 'Base64Url'>;

export const toBase64Url = (bytes: Uint8Array): Base64Url => Buffer.from(bytes).toString('base64url') as Base64Url;

/** @returns undefined for any text that is not exactly the unpadded base64url of some bytes; padding is refused too */
export function fromBase64Url(text: string): Buffer | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
