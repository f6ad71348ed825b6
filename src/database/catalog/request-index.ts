import { createHash } from 'node:crypto';
import type { Guid } from '../../base/guid.ts';
import type { KnownRequest } from './records.ts';

const requestsMax = 200_000;

/** Requests that were ingested, by the hash of table, request id and content; the oldest are forgotten first. */
export class RequestIndex {
  readonly #known = new Map<string, KnownRequest>();

  get(key: string): KnownRequest | undefined {
    return this.#known.get(key);
  }

  add(request: KnownRequest): void {
    this.#known.delete(request.key);
    this.#known.set(request.key, request);
    if (this.#known.size <= requestsMax) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }

  remove(key: string): void {
    this.#known.delete(key);
  }
}

export function requestKey(tableId: Guid, requestId: string, content: readonly (Uint8Array | string)[]): string {
  const hash = createHash('sha256').update(`${tableId}\n${Buffer.byteLength(requestId)}\n${requestId}`);
  for (const part of content) hash.update(`\n${part.length}\n`).update(part);
  return hash.digest('base64url').slice(0, 32);
}
