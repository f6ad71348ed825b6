import type { Guid } from '../../../base/guid.ts';
import type { HostName } from '../../../base/names.ts';
import { storageHosts } from '../../../database/queued/storage-accounts.ts';
import type { ServedCluster, ServedClusters } from '../served-clusters.ts';

/** Whose a storage account is: its name follows from the id of the cluster, so those of all clusters are computed once each. */
export class StorageOwners {
  readonly #clusters: ServedClusters;
  readonly #owners = new Map<HostName, Guid>();

  constructor(clusters: ServedClusters) {
    this.#clusters = clusters;
  }

  async find(host: HostName): Promise<ServedCluster | undefined> {
    const known = this.#owners.get(host);
    const owner = known === undefined ? undefined : await this.#clusters.byId(known);
    if (owner !== undefined) return owner;
    this.#owners.clear(); // it grows with clusters that there are, not with those that there were
    let found: ServedCluster | undefined;
    for (const cluster of await this.#clusters.list()) {
      for (const one of storageHosts(cluster.clusterId)) this.#owners.set(one, cluster.clusterId);
      if (this.#owners.get(host) === cluster.clusterId) found ??= cluster;
    }
    return found;
  }
}
