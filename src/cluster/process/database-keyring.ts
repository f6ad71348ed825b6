import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import type { Guid } from '../../base/guid.ts';
import type { ClusterKey } from '../../encryption/cluster-key.ts';
import { dataError } from '../../database/catalog/data-error.ts';

export type DatabaseKeyPurpose = 'dekWrapping' | 'log';

/** What is derived of the own key of a database. */
export type OwnKeys = { readonly [Purpose in DatabaseKeyPurpose]: KeyObject };

/** The own keys of a database before and after a change of them; undefined: it has none. */
export interface OwnKeyChange {
  readonly databaseId: Guid;
  readonly from: OwnKeys | undefined;
  readonly to: OwnKeys | undefined;
}

/** Changes that wait for their commit at the same time. */
const asideMax = 4;

/** @param key borrowed */
export const ownKeysOf = (key: ClusterKey): OwnKeys => ({
  dekWrapping: secret(key.derive('dekWrapping')),
  log: secret(key.derive('log')),
});

/** The keys of databases that have one of their own, in the process of their cluster. A key that has come stays until the process
 * ends, or until a change of it is committed. */
export class DatabaseKeyring {
  readonly #keys = new Map<Guid, OwnKeys | 'locked'>();
  /** Whose key was changed or taken away here: what was read of a record before that opens nothing any more. */
  readonly #replaced = new Set<Guid>();
  /** By check value, in hex, of the cluster's key that comes with the change. */
  readonly #aside = new Map<string, OwnKeyChange>();

  /** The key of a database is here. It is overwritten; what is derived of it stays. One that is here already stays, too: the newcomer is
   * the same, or of a record that was changed while it was being opened. */
  open(databaseId: Guid, key: ClusterKey): void {
    if (!this.#replaced.has(databaseId) && !this.#has(databaseId)) this.#keys.set(databaseId, ownKeysOf(key));
    key.wipe();
  }

  /** The database has a key of its own, which is not here. One that is here already stays. */
  lock(databaseId: Guid): void {
    if (!this.#keys.has(databaseId) && !this.#replaced.has(databaseId)) this.#keys.set(databaseId, 'locked');
  }

  /** It was given up before anything was sealed under it. */
  forget(databaseId: Guid): void {
    this.#keys.delete(databaseId);
  }

  /** A change waits for its commit. @param check of the cluster's key that comes with it */
  setAside(check: Uint8Array, change: OwnKeyChange): void {
    const [oldest] = this.#aside.keys();
    if (oldest !== undefined && this.#aside.size >= asideMax) this.#aside.delete(oldest);
    this.#aside.set(hexOf(check), change);
  }

  forgetAside(check: Uint8Array): void {
    this.#aside.delete(hexOf(check));
  }

  /** A key of the cluster was committed. @returns whether the key of a database has changed with it */
  adopt(check: Uint8Array): boolean {
    const change = this.#aside.get(hexOf(check));
    if (change === undefined) return false;
    this.forgetAside(check);
    const { databaseId, to } = change;
    this.#replaced.add(databaseId);
    if (to === undefined) this.#keys.delete(databaseId);
    else this.#keys.set(databaseId, to);
    return true;
  }

  #has(databaseId: Guid): boolean {
    const held = this.#keys.get(databaseId);
    return held !== undefined && held !== 'locked';
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
    return lendOf(keys, purpose, use);
  }

  /** As `lend`, of a database that must have a key. @throws DataError `DatabaseLocked` */
  lendOwn<T>(databaseId: Guid, purpose: DatabaseKeyPurpose, use: (key: Uint8Array) => T): T {
    return this.lend(databaseId, purpose, (key) => {
      if (key === undefined) throw dataError('DatabaseLocked', 'The key of the database is not here now. Try again.');
      return use(key);
    });
  }
}

const hexOf = (check: Uint8Array): string => Buffer.from(check).toString('hex');

/** Lends one of the keys; overwritten when `use` has ended. */
export function lendOf<T>(keys: OwnKeys, purpose: DatabaseKeyPurpose, use: (key: Uint8Array) => T): T {
  const bytes = keys[purpose].export();
  try {
    return use(bytes);
  } finally {
    zeroBytes(bytes);
  }
}

function secret(bytes: Buffer): KeyObject {
  try {
    return createSecretKey(bytes);
  } finally {
    zeroBytes(bytes);
  }
}
