import { createHash } from 'node:crypto';
import type { Guid } from './guid.ts';

/** The same for the same name. Version 8 (RFC 9562): of our own making. Never for what nobody may guess. */
export function guidOfName(name: string): Guid {
  const hex = createHash('sha256').update(name).digest('hex');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`];
  return [...parts, hex.slice(20, 32)].join('-') as Guid;
}
