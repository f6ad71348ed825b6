import type { Brand } from './brand.ts';
import type { RandomBytes } from './random.ts';

/** A GUID in its usual text form, always lower case. */
export type Guid = Brand<string, 'Guid'>;

export const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function parseGuid(text: string): Guid | undefined {
  const lower = text.toLowerCase();
  return guidPattern.test(lower) ? (lower as Guid) : undefined;
}

/** A random GUID (RFC 9562 version 4). */
export function newGuid(randomBytes: RandomBytes): Guid {
  const bytes = Buffer.from(randomBytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-') as Guid;
}
