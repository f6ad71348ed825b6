import type { Guid } from '../base/guid.ts';
import type { StateWrite, Table } from '../state/state.ts';
import type { ClusterKeyRecord } from './cluster-key-state.ts';
import { parseClusterKeyRecord } from './cluster-key-state.ts';
import type { ClusterKeyStatus, CurrentKeyLost, CustomerKey, PreparedKeyChange } from './cluster-keys.ts';
import type { KeyFailure } from './key-wrapper.ts';

/** Keys that databases have of their own, besides their cluster's. What is said of the key of a cluster (lease, suspension, rotation)
 * holds of each of them; its `clusterId` is the id of the database. Record id: `{cluster id}/{database id}`. */
export const databaseKeyTable: Table<ClusterKeyRecord> = { name: 'database-keys', parse: parseClusterKeyRecord };

export const databaseKeyPrefix = (clusterId: Guid): string => `${clusterId}/`;
export const databaseKeyId = (clusterId: Guid, databaseId: Guid): string => `${clusterId}/${databaseId}`;

/** So many databases of a cluster may have keys of their own: each is asked for again and again. */
export const databaseKeysMax = 100;

/** The keys of single databases, as the resource provider sees them. */
export interface DatabaseKeys {
  /** Makes the key of a new database, which the process of its cluster holds from then on. Commit `write` with the database, then call
   * `committed`, else `abandoned`. */
  create(
    clusterId: Guid,
    databaseId: Guid,
    key: CustomerKey,
  ): Promise<PreparedKeyChange | { readonly outcome: 'failed'; readonly failure: KeyFailure }>;
  /** Of a database that is there, in a cluster that runs. The same KEK by another version, or by another identity: the key of the database
   * stays and is wrapped anew. Another KEK, the first one, or none (`to` undefined: it lies under its cluster's key alone): another key, and
   * every DEK of the database gets another wrap; no row is touched. What is recorded must unwrap in the same operation.
   * @returns with the status of the key that the database lies under afterwards */
  change(
    clusterId: Guid,
    databaseId: Guid,
    to: CustomerKey | undefined,
  ): Promise<PreparedKeyChange | CurrentKeyLost | { readonly outcome: 'failed'; readonly failure: KeyFailure }>;
  /** Lets each go to its vault as who its identity is now: the cluster's may have been taken away or made anew.
   * @param principalOf by the resource id of a user-assigned identity, undefined for the system-assigned one
   * @returns writes for the caller's commit; call `checkAll` after it */
  useIdentities(
    clusterId: Guid,
    principalOf: (userIdentity: string | undefined) => Guid,
  ): Promise<readonly StateWrite[]>;
  /** Checks all of a cluster now, out of turn. */
  checkAll(clusterId: Guid): Promise<void>;
  status(clusterId: Guid, databaseId: Guid): Promise<ClusterKeyStatus | undefined>;
  /** Those of a cluster that are suspended, by database, and why. */
  suspensions(clusterId: Guid): Promise<ReadonlyMap<Guid, NonNullable<ClusterKeyStatus['suspension']>>>;
  /** How many databases of a cluster have keys of their own. */
  count(clusterId: Guid): Promise<number>;
  /** Writes that remove the key of a database, if it has one. */
  remove(clusterId: Guid, databaseId: Guid): Promise<readonly StateWrite[]>;
}
