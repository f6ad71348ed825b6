import type { Cluster } from '@azure/arm-kusto';
import type { KeyVaultKey } from '@azure/keyvault-keys';
import { azureErrorLine, isForbidden, isNotFound, readAzureError } from './azure-error.ts';
import type { CmkClients } from './clients.ts';
import { gatherAssignments, gatherSubscriptionTenant } from './gather-arm.ts';
import { findVault, isVaultDeleted } from './gather-vault.ts';
import type { ClusterFacts, ClusterKey, Facts, KeyFacts, KeyReading } from './facts.ts';
import { keyScope, principalOf } from './plan-permissions.ts';
import { parseResourceId } from './resource-id.ts';
import type { ResourceId } from './resource-id.ts';
import type { CmkTarget, IdentityName } from './target.ts';

/** Reads everything that a plan is made of; changes nothing. @throws what an SDK throws, unless it means "not there" or "not readable" */
export async function gather(clients: CmkClients, target: CmkTarget): Promise<Facts> {
  const known = await gatherClusterSide(clients, target);
  const vault = await findVault(clients, target);
  if (vault === undefined) {
    return { ...known, vaultIsDeleted: await isVaultDeleted(clients, target, known.cluster?.location) };
  }
  const principalId = principalOf(target, known);
  const asksRoles = vault.model === 'roles' && principalId !== undefined;
  return {
    ...known,
    vault,
    key: await gatherKey(clients, vault.uri, target.keyName, target.keyVersion),
    ...(asksRoles ? { access: await gatherAssignments(clients, keyScope(vault.id, target.keyName), principalId) } : {}),
  };
}

/** What can be read while nobody has named a vault and a key. */
export async function gatherClusterSide(
  clients: CmkClients,
  target: Pick<CmkTarget, 'cluster' | 'identity'>,
): Promise<Facts> {
  const cluster = await gatherCluster(clients, target.cluster);
  const userIdentity = await gatherIdentity(clients, target.identity);
  const subscriptionTenantId = await gatherSubscriptionTenant(clients, target.cluster.subscriptionId);
  return {
    ...(cluster === undefined ? {} : { cluster }),
    ...(userIdentity === undefined ? {} : { userIdentity }),
    ...(subscriptionTenantId === undefined ? {} : { subscriptionTenantId }),
    vaultIsDeleted: false,
    key: { outcome: 'notAsked' },
    access: { outcome: 'notAsked' },
  };
}

export async function gatherCluster(clients: CmkClients, id: ResourceId): Promise<ClusterFacts | undefined> {
  const cluster = await orUndefined(clients.kusto(id.subscriptionId).clusters.get(id.resourceGroup, id.name));
  return cluster === undefined ? undefined : clusterFacts(cluster, id);
}

export function clusterFacts(cluster: Cluster, id: ResourceId): ClusterFacts {
  const { identity } = cluster;
  const key = clusterKey(cluster);
  return {
    id: cluster.id ?? id.id,
    name: cluster.name ?? id.name,
    location: cluster.location,
    state: cluster.state ?? 'unknown',
    stateReason: cluster.stateReason ?? '',
    provisioningState: cluster.provisioningState ?? 'unknown',
    etag: cluster.etag ?? '',
    ...(identity?.principalId === undefined
      ? {}
      : {
          systemIdentity: {
            principalId: identity.principalId,
            ...(identity.tenantId === undefined ? {} : { tenantId: identity.tenantId }),
          },
        }),
    userIdentities: Object.entries(identity?.userAssignedIdentities ?? {}).map(([userId, { principalId }]) => ({
      id: userId,
      ...(principalId === undefined ? {} : { principalId }),
    })),
    ...(key === undefined ? {} : { key }),
  };
}

/** Of a cluster or a database. Empty members mean the same as absent ones. */
export function clusterKey({ keyVaultProperties }: Pick<Cluster, 'keyVaultProperties'>): ClusterKey | undefined {
  const { keyName, keyVaultUri, keyVersion, userIdentity } = keyVaultProperties ?? {};
  if (!isText(keyName) || !isText(keyVaultUri)) return undefined;
  return {
    keyName,
    keyVaultUri,
    ...(isText(keyVersion) ? { keyVersion } : {}),
    ...(isText(userIdentity) ? { userIdentity } : {}),
  };
}

/** The service sends null for what its SDK calls absent. */
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

async function gatherIdentity(clients: CmkClients, identity: IdentityName): Promise<Facts['userIdentity']> {
  if (identity.kind === 'system') return undefined;
  const { id, subscriptionId } = identity.id;
  const found = await orUndefined(clients.resources(subscriptionId).resources.getById(id, '2023-01-31'));
  const properties: unknown = found?.properties;
  if (typeof properties !== 'object' || properties === null || !('principalId' in properties)) return undefined;
  const { principalId } = properties;
  const tenantId = 'tenantId' in properties ? properties.tenantId : undefined;
  if (typeof principalId !== 'string') return undefined;
  return { principalId, ...(typeof tenantId === 'string' ? { tenantId } : {}) };
}

/** @param version absent: the newest */
export async function gatherKey(
  clients: CmkClients,
  vaultUri: string,
  name: string,
  version: string | undefined,
): Promise<KeyReading> {
  const client = clients.keys(vaultUri);
  try {
    return { outcome: 'found', key: keyFacts(await client.getKey(name, version === undefined ? {} : { version })) };
  } catch (error) {
    if (isForbidden(error)) return { outcome: 'refused', message: azureErrorLine(error) };
    if (!isNotFound(error)) throw error;
  }
  try {
    await client.getDeletedKey(name);
    return { outcome: 'missing', deleted: true };
  } catch (error) {
    // Only a hint: who may not see deleted keys, and vaults without soft delete, tell of none.
    if ((readAzureError(error).status ?? 500) >= 500) throw error;
    return { outcome: 'missing', deleted: false };
  }
}

export function keyFacts({ name, keyType, key, keyOperations, properties }: KeyVaultKey): KeyFacts {
  const { version, enabled, notBefore, expiresOn, tags } = properties;
  return {
    name,
    version: version ?? '',
    keyType: keyType ?? 'unknown',
    ...(key?.n === undefined ? {} : { sizeBits: modulusBits(key.n) }),
    enabled: enabled !== false,
    ...(notBefore === undefined ? {} : { notBefore }),
    ...(expiresOn === undefined ? {} : { expiresOn }),
    operations: keyOperations ?? [],
    ...(tags === undefined ? {} : { tags }),
  };
}

function modulusBits(modulus: Uint8Array): number {
  const first = modulus.findIndex((byte) => byte !== 0);
  return first < 0 ? 0 : (modulus.length - first) * 8 - Math.clz32(modulus[first] ?? 0) + 24;
}

async function orUndefined<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    if (isNotFound(error) && readAzureError(error).code !== 'SubscriptionNotFound') return undefined;
    throw error;
  }
}

/** How a cluster names the identity it goes to the vault with. */
export function identityOf(key: ClusterKey): IdentityName | undefined {
  if (key.userIdentity === undefined) return { kind: 'system' };
  const id = parseResourceId(key.userIdentity, 'Microsoft.ManagedIdentity/userAssignedIdentities');
  return id === undefined ? undefined : { kind: 'user', id };
}
