import type { ExportedResource } from './model.ts';
import { accessPolicyBlocks, keyBlock, vaultBlocks } from './terraform-vault.ts';
import { clusterBlocks } from './terraform-cluster.ts';
import { codeOf, group, objectOf, tags } from './terraform-code.ts';
import type { Names, TerraformBlock } from './terraform-code.ts';

/** How a type of the resource manager is written; `kind` is what references to it lead to. */
interface TerraformRow {
  readonly kind: string;
  readonly blocks: (resource: ExportedResource, names: Names) => readonly TerraformBlock[];
}

/** Principals of a cluster or database. */
const assignment =
  (kind: string): TerraformRow['blocks'] =>
  ({ symbol, names: parts, body }, names) => {
    const { principalId, principalType, role, tenantId } = objectOf(body['properties']);
    const [cluster, database] = parts;
    return [
      {
        ...{ kind, symbol, after: parentOf(symbol, names) },
        body: {
          name: codeOf(parts.at(-1), names),
          ...group,
          cluster_name: codeOf(cluster, names),
          ...(parts.length === 3 ? { database_name: codeOf(database, names) } : {}),
          tenant_id: codeOf(tenantId, names),
          principal_id: codeOf(principalId, names),
          principal_type: codeOf(principalType, names),
          role: codeOf(role, names),
        },
      },
    ];
  };

/** Names tell nothing of the resource that they are of. */
function parentOf(symbol: string, names: Names): readonly string[] {
  const parent = names.found(symbol)?.parent;
  return parent === undefined ? [] : [`${names.kindOf(parent)}.${parent}`];
}

export const terraformRows: Readonly<Record<string, TerraformRow>> = {
  'Microsoft.ManagedIdentity/userAssignedIdentities': {
    kind: 'azurerm_user_assigned_identity',
    blocks: ({ symbol, names: [name], body }, names) => [
      {
        ...{ kind: 'azurerm_user_assigned_identity', symbol, after: [] },
        body: { name: codeOf(name, names), ...group, location: codeOf(body['location'], names), ...tags(body, names) },
      },
    ],
  },
  'Microsoft.KeyVault/vaults': { kind: 'azurerm_key_vault', blocks: vaultBlocks },
  'Microsoft.KeyVault/vaults/accessPolicies': { kind: 'azurerm_key_vault_access_policy', blocks: accessPolicyBlocks },
  'Microsoft.KeyVault/vaults/keys': { kind: 'azurerm_key_vault_key', blocks: keyBlock },
  'Microsoft.Kusto/clusters': { kind: 'azurerm_kusto_cluster', blocks: clusterBlocks },
  'Microsoft.Kusto/clusters/principalAssignments': {
    kind: 'azurerm_kusto_cluster_principal_assignment',
    blocks: assignment('azurerm_kusto_cluster_principal_assignment'),
  },
  'Microsoft.Kusto/clusters/databases': {
    kind: 'azurerm_kusto_database',
    blocks: ({ symbol, names: [cluster, name], body }, names) => {
      const { softDeletePeriod, hotCachePeriod, keyVaultProperties } = objectOf(body['properties']);
      return [
        {
          ...{ kind: 'azurerm_kusto_database', symbol, after: parentOf(symbol, names) },
          ...(keyVaultProperties === undefined ? {} : { lacks: ['keyVaultProperties'] }),
          body: {
            name: codeOf(name, names),
            ...group,
            location: codeOf(body['location'], names),
            cluster_name: codeOf(cluster, names),
            soft_delete_period: codeOf(softDeletePeriod, names),
            hot_cache_period: codeOf(hotCachePeriod, names),
          },
        },
      ];
    },
  },
  'Microsoft.Kusto/clusters/databases/principalAssignments': {
    kind: 'azurerm_kusto_database_principal_assignment',
    blocks: assignment('azurerm_kusto_database_principal_assignment'),
  },
  'Microsoft.Authorization/roleAssignments': {
    kind: 'azurerm_role_assignment',
    blocks: ({ symbol, scope, body }, names) => {
      const { roleDefinitionId, principalId, principalType, ...said } = objectOf(body['properties']);
      const onKey = scope !== undefined && names.kindOf(scope) === 'azurerm_key_vault_key';
      const id = onKey ? 'resource_versionless_id' : 'id';
      return [
        {
          ...{ kind: 'azurerm_role_assignment', symbol, after: [] },
          body: {
            scope: {
              code:
                scope === undefined ? 'data.azurerm_resource_group.group.id' : `${names.kindOf(scope)}.${scope}.${id}`,
            },
            role_definition_id: codeOf(roleDefinitionId, names),
            principal_id: codeOf(principalId, names),
            principal_type: codeOf(principalType, names),
            description: said['description'] === '' ? undefined : codeOf(said['description'], names),
            condition: codeOf(said['condition'], names),
            condition_version: codeOf(said['conditionVersion'], names),
          },
        },
      ];
    },
  },
};
