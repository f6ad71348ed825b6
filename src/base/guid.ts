import type { Brand } from './brand.ts';
import type { RandomBytes } from './random.ts';

/** A GUID in its usual text form, always lower case. */
export type Guid = Brand<string, 'Guid'>;

export const guidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function parseGuid(text: string): Guid | undefined {
  const lower = text.toLowerCase();
  return guidPattern.test(lower) ? (lower as Guid) : undefined;
}

/** What stands for none. */
export const zeroGuid = '00000000-0000-0000-0000-000000000000';

const guidBytes = 16;

/** A random GUID (RFC 9562 version 4). */
export const newGuid = (randomBytes: RandomBytes): Guid => guidAt(Buffer.from(randomBytes(guidBytes)), 0);

/** Random GUIDs that only tell things apart: so many are drawn at a time. Never for what nobody may guess, since a copy of this machine
 * that goes on from here has the same ones. */
export function createGuidSource(randomBytes: RandomBytes, count: number): () => Guid {
  let drawn = Buffer.alloc(0);
  let at = 0;
  return () => {
    if (at >= drawn.length) {
      drawn = Buffer.from(randomBytes(guidBytes * count));
      at = 0;
    }
    at += guidBytes;
    return guidAt(drawn, at - guidBytes);
  };
}

function guidAt(bytes: Buffer, at: number): Guid {
  bytes[at + 6] = ((bytes[at + 6] ?? 0) & 0x0f) | 0x40;
  bytes[at + 8] = ((bytes[at + 8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex', at, at + guidBytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as Guid;
}
