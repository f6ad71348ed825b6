import { createHash } from 'node:crypto';
import { readAzureError } from './azure-error.ts';
import type { CmkClients } from './clients.ts';
import { encryptionRole } from './commands.ts';
import type { ClusterKey } from './facts.ts';
import { isSettled } from './facts.ts';
import { authorizationApiVersion } from './gather-arm.ts';
import { gatherCluster } from './gather.ts';
import { keyPermissions } from './plan-permissions.ts';
import type { Change } from './plan-step.ts';
import { parseResourceId } from './resource-id.ts';
import type { ResourceId } from './resource-id.ts';

/** Time, from whoever has it. */
export interface Pace {
  readonly now: () => Date;
  /** @throws when the time for the whole command is over */
  readonly sleep: (milliseconds: number) => Promise<void>;
}

const clusterPollMs = 5_000;

/** Carries out one change and waits for its end. Each can be repeated: what is there already is no error. */
export async function perform(clients: CmkClients, cluster: ResourceId, change: Change, pace: Pace): Promise<void> {
  switch (change.kind) {
    case 'waitForCluster':
      return waitForCluster(clients, cluster, pace);
    case 'assignIdentity':
      await clients.kusto(cluster.subscriptionId).clusters.beginUpdateAndWait(cluster.resourceGroup, cluster.name, {
        identity: {
          type: change.type,
          ...(change.userIdentities.length === 0
            ? {}
            : { userAssignedIdentities: Object.fromEntries(change.userIdentities.map((id) => [id, {}])) }),
        },
      });
      return;
    case 'protectVault': {
      const vault = vaultIdOf(change.vaultId);
      await clients.vaults(vault.subscriptionId).vaults.update(vault.resourceGroup, vault.name, {
        properties: { enableSoftDelete: true, enablePurgeProtection: true },
      });
      return;
    }
    case 'createKey':
      await clients.keys(change.vaultUri).createRsaKey(change.keyName, { keySize: change.sizeBits });
      return;
    case 'grantPolicy': {
      const { tenantId, principalId } = change;
      const vault = vaultIdOf(change.vaultId);
      // `add` leaves all others' permissions, and those that the principal has already, as they are.
      await clients.vaults(vault.subscriptionId).vaults.updateAccessPolicy(vault.resourceGroup, vault.name, 'add', {
        properties: {
          accessPolicies: [{ tenantId, objectId: principalId, permissions: { keys: [...keyPermissions] } }],
        },
      });
      return;
    }
    case 'grantRole':
      return grantRole(clients, change.scope, change.principalId);
    case 'setKey':
      return setClusterKey(clients, cluster, change.key);
  }
}

async function waitForCluster(clients: CmkClients, cluster: ResourceId, pace: Pace): Promise<void> {
  for (;;) {
    const found = await gatherCluster(clients, cluster);
    if (found === undefined || isSettled(found)) return;
    await pace.sleep(clusterPollMs);
  }
}

function vaultIdOf(id: string): ResourceId {
  const parsed = parseResourceId(id, 'Microsoft.KeyVault/vaults');
  if (parsed === undefined) throw new Error(`'${id}' is no resource id of a vault.`);
  return parsed;
}

/** The name follows from what is assigned, so that repeating it makes no second assignment. */
async function grantRole(clients: CmkClients, scope: string, principalId: string): Promise<void> {
  const name = guidFrom(`${scope.toLowerCase()} ${principalId.toLowerCase()} ${encryptionRole.id}`);
  const subscription = /^\/subscriptions\/[^/]+/i.exec(scope)?.[0] ?? '';
  try {
    await clients.arm({
      method: 'PUT',
      path: `${scope}/providers/Microsoft.Authorization/roleAssignments/${name}`,
      query: { 'api-version': authorizationApiVersion },
      body: {
        properties: {
          roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${encryptionRole.id}`,
          principalId,
          // Said, so that a principal which is new and not known everywhere yet is taken at its word.
          principalType: 'ServicePrincipal',
        },
      },
    });
  } catch (error) {
    if (readAzureError(error).code !== 'RoleAssignmentExists') throw error;
  }
}

function guidFrom(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  // Version 8 of RFC 9562: bits of one's own making.
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export async function setClusterKey(clients: CmkClients, cluster: ResourceId, key: ClusterKey): Promise<void> {
  const { keyName, keyVaultUri, keyVersion, userIdentity } = key;
  await clients.kusto(cluster.subscriptionId).clusters.beginUpdateAndWait(cluster.resourceGroup, cluster.name, {
    keyVaultProperties: {
      keyName,
      keyVaultUri,
      // Empty, not absent: an update that says nothing of them could leave what was there.
      keyVersion: keyVersion ?? '',
      userIdentity: userIdentity ?? '',
    },
  });
}
