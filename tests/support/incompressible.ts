import { createCipheriv } from 'node:crypto';

/** The same text each time, in base64: written in so many bytes more than gzip makes of it (to a thousandth). */
export function incompressibleText(compressedBytes: number): string {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  return cipher.update(Buffer.alloc(compressedBytes)).toString('base64');
}
