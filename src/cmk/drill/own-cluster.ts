import { ApplyStopped } from '../apply.ts';
import { isForbidden } from '../azure-error.ts';
import type { CmkClients } from '../clients.ts';
import type { ClusterKey, VaultFacts } from '../facts.ts';
import { isSettled } from '../facts.ts';
import { principalOf } from '../plan-permissions.ts';
import { sameText, sameVaultUri } from '../resource-id.ts';
import type { ResourceId } from '../resource-id.ts';
import { lookAtKey } from '../rotate.ts';

/** A cluster of one's own, as it is before a drill: what was so is what a drill goes back to. */
export interface OwnCluster {
  readonly cluster: ResourceId;
  readonly uri: string;
  /** Where it is asked. */
  readonly database: string;
  readonly key: ClusterKey;
  readonly vault: VaultFacts;
  /** Who the cluster is to the vault. */
  readonly principalId: string;
  /** What an access policy gives that principal on keys; empty where roles give it, or nothing. */
  readonly keyPermissions: readonly string[];
  /** In use; of a cluster that follows the newest: that one. */
  readonly version: string;
  /** Enabled versions of the key; undefined: the caller may not list them. */
  readonly enabledVersions: readonly string[] | undefined;
  /** Resource ids of clusters that fall with this one. */
  readonly followers: readonly string[];
}

/** Reads all of it; changes nothing. @throws ApplyStopped when such a cluster cannot be drilled */
export async function lookAtOwn(clients: CmkClients, cluster: ResourceId): Promise<OwnCluster> {
  const { target, facts } = await lookAtKey(clients, { cluster });
  const { cluster: found, vault } = facts;
  const key = found?.key;
  if (found === undefined || key === undefined) throw new ApplyStopped('The cluster has no customer-managed key.');
  if (vault === undefined || !sameVaultUri(vault.uri, key.keyVaultUri))
    throw new ApplyStopped(`We see no vault ${key.keyVaultUri} in subscription ${cluster.subscriptionId}.`);
  if (facts.key.outcome !== 'found')
    throw new ApplyStopped(`The vault shows no key '${key.keyName}' (${facts.key.outcome}).`);
  const { version, enabled } = facts.key.key;
  // To enable it in the end would not be what was before.
  if (!enabled) throw new ApplyStopped(`Version ${version} of the key is disabled already.`);
  const principalId = principalOf(target, facts);
  if (principalId === undefined) throw new ApplyStopped('The identity of the cluster is not there.');
  if (!isSettled(found)) throw new ApplyStopped('An operation on the cluster is under way: wait for its end.');
  if (!sameText(found.state, 'Running')) throw new ApplyStopped(`The cluster is ${found.state}. ${found.stateReason}`);
  const kusto = clients.kusto(cluster.subscriptionId);
  const { uri } = await kusto.clusters.get(cluster.resourceGroup, cluster.name);
  if (uri === undefined) throw new ApplyStopped('The cluster has no address.');
  return {
    ...{ cluster, uri, key, vault, principalId, version },
    database: await firstDatabase(clients, cluster),
    keyPermissions: vault.policies
      .filter((policy) => sameText(policy.objectId, principalId) && policy.applicationId === undefined)
      .flatMap((policy) => policy.keyPermissions),
    enabledVersions: await enabledVersions(clients, vault.uri, key.keyName),
    followers: await followersOf(clients, cluster),
  };
}

async function firstDatabase(
  clients: CmkClients,
  { subscriptionId, resourceGroup, name }: ResourceId,
): Promise<string> {
  for await (const database of clients.kusto(subscriptionId).databases.listByCluster(resourceGroup, name)) {
    const found = database.name?.split('/').at(-1);
    if (found !== undefined) return found;
  }
  throw new ApplyStopped('The cluster has no database: nothing can be asked of it.');
}

/** @returns undefined when they may not be listed */
export async function enabledVersions(
  clients: CmkClients,
  vaultUri: string,
  name: string,
): Promise<readonly string[] | undefined> {
  const found: string[] = [];
  try {
    for await (const { version, enabled } of clients.keys(vaultUri).listPropertiesOfKeyVersions(name))
      if (version !== undefined && enabled !== false) found.push(version);
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
  return found.toSorted();
}

async function followersOf(
  clients: CmkClients,
  { subscriptionId, resourceGroup, name }: ResourceId,
): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const { clusterResourceId } of clients
    .kusto(subscriptionId)
    .clusters.listFollowerDatabases(resourceGroup, name))
    found.push(clusterResourceId);
  return [...new Set(found)];
}
