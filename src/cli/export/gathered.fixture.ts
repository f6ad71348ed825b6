import type { JsonObject } from '../../base/json.ts';
import type { Gathered } from './gather.ts';

const group = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/contoso';
const tenantId = '22222222-2222-2222-2222-222222222222';

/** Who exports, and one who is in the directory. */
export const exporter = {
  tenantId,
  objectId: '33333333-3333-3333-3333-333333333333',
  names: new Map([['44444444-4444-4444-4444-444444444444', 'ada']]),
};

const ownPrincipal = '55555555-5555-5555-5555-555555555555';
const vault = `${group}/providers/Microsoft.KeyVault/vaults/contoso-keys`;
const cluster = `${group}/providers/Microsoft.Kusto/Clusters/telemetry`;

/** The article's setup: a cluster whose own identity opens its key. */
export const gathered: Gathered = {
  id: group,
  identities: [],
  vaults: [
    {
      resource: {
        ...{ id: vault, name: 'contoso-keys', type: 'Microsoft.KeyVault/vaults', location: 'westeurope' },
        tags: { "it's": '${odd}', '[name]': '[value]' },
        properties: {
          tenantId,
          sku: { family: 'A', name: 'standard' },
          enablePurgeProtection: true,
          softDeleteRetentionInDays: 90,
          vaultUri: 'https://contoso-keys.vault.azure.net/',
          provisioningState: 'Succeeded',
          accessPolicies: [
            { tenantId, objectId: exporter.objectId, permissions: { keys: ['all'] } },
            { tenantId, objectId: ownPrincipal, permissions: { keys: ['get', 'wrapKey', 'unwrapKey'] } },
          ],
        },
      },
      children: [
        {
          resource: {
            ...{ id: `${vault}/keys/telemetry-key`, name: 'telemetry-key', type: 'Microsoft.KeyVault/vaults/keys' },
            properties: {
              ...{ kty: 'RSA', keySize: 3072, keyOps: ['wrapKey', 'unwrapKey'], attributes: { enabled: true } },
              keyUri: 'https://contoso-keys.vault.azure.net/keys/telemetry-key',
            },
          },
          ...{ children: [], assignments: [] },
        },
      ],
      assignments: [],
    },
  ],
  clusters: [
    {
      resource: {
        ...{ id: cluster, name: 'telemetry', type: 'Microsoft.Kusto/Clusters', location: 'West Europe' },
        sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 },
        identity: { type: 'SystemAssigned', principalId: ownPrincipal, tenantId },
        properties: {
          ...{ state: 'Running', enableStreamingIngest: true, trustedExternalTenants: [{ value: '*' }] },
          keyVaultProperties: {
            ...{ keyName: 'telemetry-key', keyVersion: '', userIdentity: null },
            keyVaultUri: 'https://contoso-keys.vault.azure.net/',
          },
        },
      },
      assignments: [],
      children: [
        {
          resource: {
            ...{ id: `${cluster}/Databases/Telemetry`, name: 'telemetry/Telemetry', location: 'West Europe' },
            ...{ kind: 'ReadWrite', properties: { softDeletePeriod: 'P365D', isFollowed: false } },
          },
          children: [],
          assignments: [
            {
              name: 'telemetry/Telemetry/readers',
              properties: {
                ...{
                  principalId: '44444444-4444-4444-4444-444444444444',
                  principalType: 'User',
                  role: 'Viewer',
                  tenantId,
                },
                aadObjectId: '44444444-4444-4444-4444-444444444444',
              },
            },
          ],
        },
      ],
    },
  ],
  roleAssignments: [],
  others: [{ type: 'Microsoft.Storage/storageAccounts', name: 'logs' }],
};

/** Texts that look like expressions and are none. */
export const oddTags = { '[name]': '[value]', twice: '[[x]', call: "[concat('a', 'b')]" };

/** The same for a directory that is there: without others than who deploys, with odd texts, and a database under a key of its own. */
export function withOwnKeys(tenantId: string, objectId: string): Gathered {
  const vaults = gathered.vaults.map((found) => {
    const properties = found.resource['properties'] as JsonObject;
    const accessPolicies = (properties['accessPolicies'] as readonly JsonObject[]).map((policy) => ({
      ...policy,
      tenantId,
      ...(policy['objectId'] === exporter.objectId ? { objectId } : {}),
    }));
    return { ...found, resource: { ...found.resource, properties: { ...properties, tenantId, accessPolicies } } };
  });
  const clusters = gathered.clusters.map((found) => {
    const { keyVaultProperties } = found.resource['properties'] as JsonObject;
    const children = found.children.map((child) => {
      const own = { ...(child.resource['properties'] as JsonObject), keyVaultProperties: keyVaultProperties ?? null };
      return { ...child, resource: { ...child.resource, properties: own }, assignments: [] };
    });
    return { ...found, resource: { ...found.resource, tags: oddTags }, children };
  });
  return { ...gathered, vaults, clusters, others: [] };
}
