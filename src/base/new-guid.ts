import type { Guid } from './guid.ts';
import type { RandomBytes } from './random.ts';

const guidBytes = 16;
const guidChars = 36;

/** A random GUID (RFC 9562 version 4). */
export const newGuid = (randomBytes: RandomBytes): Guid => guidsOf(randomBytes(guidBytes)) as Guid;

/** Random GUIDs that only tell things apart: so many are drawn at a time. Never for what nobody may guess, since a copy of this machine
 * that goes on from here has the same ones. */
export function createGuidSource(randomBytes: RandomBytes, count: number): () => Guid {
  let drawn = '';
  let at = 0;
  return () => {
    if (at >= drawn.length) {
      drawn = guidsOf(randomBytes(guidBytes * count));
      at = 0;
    }
    at += guidChars;
    return drawn.slice(at - guidChars, at) as Guid;
  };
}

const hyphensBefore = new Set([4, 6, 8, 10]);
const hexDigits = Buffer.from('0123456789abcdef');

/** One GUID after the other, as one text. */
function guidsOf(bytes: Uint8Array): string {
  const text = Buffer.alloc((bytes.length / guidBytes) * guidChars, '-');
  let end = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const place = at % guidBytes;
    let byte = bytes[at] ?? 0;
    if (place === 6) byte = (byte & 0x0f) | 0x40;
    if (place === 8) byte = (byte & 0x3f) | 0x80;
    if (hyphensBefore.has(place)) end += 1;
    text[end] = hexDigits[byte >> 4] ?? 0;
    text[end + 1] = hexDigits[byte & 0x0f] ?? 0;
    end += 2;
  }
  return text.toString('latin1');
}
