import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import type { Guid } from '../../base/guid.ts';
import type { ClusterKey } from '../../encryption/cluster-key.ts';
import { dataError } from '../../database/catalog/data-error.ts';

export type DatabaseKeyPurpose = 'dekWrapping' | 'log';

/** The keys of databases that have one of their own, in the process of their cluster. A key that has come stays until the process
 * ends: that is how it is taken away. */
export class DatabaseKeyring {
  readonly #keys = new Map<Guid, { readonly [Purpose in DatabaseKeyPurpose]: KeyObject } | 'locked'>();

  /** The key of a database is here. It is overwritten; what is derived of it stays. */
  open(databaseId: Guid, key: ClusterKey): void {
    this.#keys.set(databaseId, { dekWrapping: secret(key.derive('dekWrapping')), log: secret(key.derive('log')) });
    key.wipe();
  }

  /** The database has a key of its own, which is not here. One that is here already stays. */
  lock(databaseId: Guid): void {
    if (!this.#keys.has(databaseId)) this.#keys.set(databaseId, 'locked');
  }

  /** It was given up before anything was sealed under it. */
  forget(databaseId: Guid): void {
    this.#keys.delete(databaseId);
  }

  isLocked(databaseId: Guid): boolean {
    return this.#keys.get(databaseId) === 'locked';
  }

  /** Lends the key of a purpose, undefined for a database that has none of its own; overwritten when `use` has ended.
   * @throws DataError `DatabaseLocked` */
  lend<T>(databaseId: Guid, purpose: DatabaseKeyPurpose, use: (key: Uint8Array | undefined) => T): T {
    const keys = this.#keys.get(databaseId);
    if (keys === undefined) return use(undefined);
    if (keys === 'locked') throw dataError('DatabaseLocked', 'The key of the database is not here now. Try again.');
    const bytes = keys[purpose].export();
    try {
      return use(bytes);
    } finally {
      zeroBytes(bytes);
    }
  }

  /** As `lend`, of a database that must have a key. @throws DataError `DatabaseLocked` */
  lendOwn<T>(databaseId: Guid, purpose: DatabaseKeyPurpose, use: (key: Uint8Array) => T): T {
    return this.lend(databaseId, purpose, (key) => {
      if (key === undefined) throw dataError('DatabaseLocked', 'The key of the database is not here now. Try again.');
      return use(key);
    });
  }
}

function secret(bytes: Buffer): KeyObject {
  try {
    return createSecretKey(bytes);
  } finally {
    zeroBytes(bytes);
  }
}
