import { hkdfSync } from 'node:crypto';
import { equalBytes, utf8, zeroBytes } from '../base/bytes.ts';
import type { Guid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import type { RandomBytes } from '../base/random.ts';

export const clusterKeyBytes = 32;
export const keyCheckBytes = 16;

/** What is derived from a cluster key. The cluster key itself encrypts nothing. */
const purposes = {
  dekWrapping: { info: 'kustody/1/dek-wrapping', bytes: 32 },
  catalog: { info: 'kustody/1/catalog', bytes: 32 },
  log: { info: 'kustody/1/log', bytes: 32 },
  /** Stored beside the wrapped key: tells a wrong key from the right one without revealing either. */
  check: { info: 'kustody/1/key-check', bytes: keyCheckBytes },
} as const satisfies Record<string, { readonly info: string; readonly bytes: number }>;

export type ClusterKeyPurpose = keyof typeof purposes;

/** The 256-bit key of one cluster. Lives in that cluster's own process and nowhere else; stored only wrapped by the KEK. */
export class ClusterKey {
  readonly #bytes: Buffer;
  readonly #clusterId: Guid;

  private constructor(clusterId: Guid, bytes: Buffer) {
    this.#clusterId = clusterId;
    this.#bytes = bytes;
  }

  static create(clusterId: Guid, randomBytes: RandomBytes): ClusterKey {
    return ClusterKey.from(clusterId, randomBytes(clusterKeyBytes));
  }

  /** Copies `bytes` and overwrites them. */
  static from(clusterId: Guid, bytes: Uint8Array): ClusterKey {
    invariant(bytes.byteLength === clusterKeyBytes, 'a cluster key is 256 bits');
    const own = Buffer.alloc(clusterKeyBytes);
    own.set(bytes);
    zeroBytes(bytes);
    return new ClusterKey(clusterId, own);
  }

  /** HKDF-SHA-256 (RFC 5869) with the cluster id as salt.
   * @returns a key for `purpose`; the caller overwrites it after use */
  derive(purpose: ClusterKeyPurpose): Buffer {
    const { info, bytes } = purposes[purpose];
    return Buffer.from(hkdfSync('sha256', this.#bytes, utf8(this.#clusterId), utf8(info), bytes));
  }

  /** Lends the bytes for wrapping; overwritten when `use` has ended. */
  async lend<T>(use: (bytes: Uint8Array) => Promise<T>): Promise<T> {
    const copy = Buffer.alloc(clusterKeyBytes);
    copy.set(this.#bytes);
    try {
      return await use(copy);
    } finally {
      zeroBytes(copy);
    }
  }

  isSame(bytes: Uint8Array): boolean {
    return equalBytes(this.#bytes, bytes);
  }

  equals(other: ClusterKey): boolean {
    return equalBytes(this.#bytes, other.#bytes);
  }

  wipe(): void {
    zeroBytes(this.#bytes);
  }
}
