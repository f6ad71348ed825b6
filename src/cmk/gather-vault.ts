import type { Vault } from '@azure/arm-keyvault';
import { isForbidden, isNotFound } from './azure-error.ts';
import type { CmkClients } from './clients.ts';
import type { VaultFacts } from './facts.ts';
import { parseResourceId, sameText, sameVaultUri } from './resource-id.ts';
import type { ResourceId } from './resource-id.ts';
import type { CmkTarget } from './target.ts';

const vaultType = 'Microsoft.KeyVault/vaults';

/** By its resource id, or by its name in the subscription of the cluster. Names of vaults are unique in the world. */
export async function findVault(clients: CmkClients, { vault, cluster }: CmkTarget): Promise<VaultFacts | undefined> {
  const id = vault.by === 'id' ? vault.id : await lookUp(clients, cluster.subscriptionId, vault.name);
  if (id === undefined) return undefined;
  try {
    const found = vaultFacts(await clients.vaults(id.subscriptionId).vaults.get(id.resourceGroup, id.name), id);
    return vault.by === 'uri' && !sameVaultUri(vault.uri, found.uri) ? undefined : found;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function lookUp(clients: CmkClients, subscriptionId: string, name: string): Promise<ResourceId | undefined> {
  const filter = `resourceType eq '${vaultType}' and name eq '${name}'`;
  for await (const { id } of clients.resources(subscriptionId).resources.list({ filter })) {
    const parsed = parseResourceId(id ?? '', vaultType);
    if (parsed !== undefined && sameText(parsed.name, name)) return parsed;
  }
  return undefined;
}

function vaultFacts({ location, properties }: Vault, id: ResourceId): VaultFacts {
  const { networkAcls, softDeleteRetentionInDays: retentionDays } = properties;
  return {
    id: id.id,
    name: id.name,
    uri: properties.vaultUri ?? '',
    location: location ?? '',
    tenantId: properties.tenantId,
    softDelete: properties.enableSoftDelete === true,
    purgeProtection: properties.enablePurgeProtection === true,
    ...(retentionDays === undefined ? {} : { retentionDays }),
    publicAccess: !sameText(properties.publicNetworkAccess ?? 'Enabled', 'Disabled'),
    firewallDenies: sameText(networkAcls?.defaultAction ?? 'Allow', 'Deny'),
    trustedServices: sameText(networkAcls?.bypass ?? 'AzureServices', 'AzureServices'),
    model: properties.enableRbacAuthorization === true ? 'roles' : 'policies',
    policies: (properties.accessPolicies ?? []).map(({ objectId, applicationId, permissions }) => ({
      objectId,
      ...(applicationId === undefined ? {} : { applicationId }),
      keyPermissions: permissions.keys ?? [],
    })),
  };
}

/** Only a hint: whoever may not read deleted vaults is not told of one. */
export async function isVaultDeleted(
  clients: CmkClients,
  { vault, cluster }: CmkTarget,
  location: string | undefined,
): Promise<boolean> {
  if (location === undefined) return false;
  const subscriptionId = vault.by === 'id' ? vault.id.subscriptionId : cluster.subscriptionId;
  try {
    await clients.vaults(subscriptionId).vaults.getDeleted(vault.name, location.replaceAll(' ', '').toLowerCase());
    return true;
  } catch (error) {
    if (isNotFound(error) || isForbidden(error)) return false;
    throw error;
  }
}
