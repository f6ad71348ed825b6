import type { Hcl, HclBody } from './hcl.ts';
import type { ExportedResource } from './model.ts';
import { codeOf, group, objectOf, tags } from './terraform-code.ts';
import type { Names, TerraformBlock } from './terraform-code.ts';
import { isOn } from './terraform-vault.ts';
import type { Value } from './value.ts';
import { Expression, isValueList } from './value.ts';

/** Properties of a cluster that azurerm has no argument for. */
const withoutArgument = ['acceptedAudiences', 'calloutPolicies', 'languageExtensions'] as const;

/** A cluster, and its key as a resource of its own. */
export function clusterBlocks(resource: ExportedResource, names: Names): readonly TerraformBlock[] {
  const { symbol, body, again } = resource;
  const properties = objectOf(body['properties']);
  const { name, capacity } = objectOf(body['sku']);
  const cluster: TerraformBlock = {
    ...{ kind: 'azurerm_kusto_cluster', symbol, after: [] },
    lacks: withoutArgument.filter((one) => properties[one] !== undefined),
    body: {
      name: codeOf(resource.names[0], names),
      ...group,
      location: codeOf(body['location'], names),
      disk_encryption_enabled: codeOf(properties['enableDiskEncryption'], names),
      double_encryption_enabled: codeOf(properties['enableDoubleEncryption'], names),
      streaming_ingestion_enabled: codeOf(properties['enableStreamingIngest'], names),
      purge_enabled: codeOf(properties['enablePurge'], names),
      auto_stop_enabled: codeOf(properties['enableAutoStop'], names),
      public_network_access_enabled: isOn(properties['publicNetworkAccess'], 'Enabled'),
      public_ip_type: codeOf(properties['publicIPType'], names),
      outbound_network_access_restricted: isOn(properties['restrictOutboundNetworkAccess'], 'Enabled'),
      allowed_fqdns: codeOf(properties['allowedFqdnList'], names),
      allowed_ip_ranges: codeOf(properties['allowedIpRangeList'], names),
      trusted_external_tenants: tenantsOf(properties['trustedExternalTenants'], names),
      zones: codeOf(body['zones'], names),
      sku: { block: [{ name: codeOf(name, names), capacity: codeOf(capacity, names) }] },
      ...identity(body['identity'], names),
      ...autoscale(properties['optimizedAutoscale'], names),
      ...tags(body, names),
    },
  };
  const key = objectOf(objectOf((again?.body ?? body)['properties'])['keyVaultProperties']);
  if (Object.keys(key).length === 0) return [cluster];
  return [cluster, keyBlockOf(symbol, key, again?.after ?? resource.after, names)];
}

function keyBlockOf(
  cluster: string,
  key: Readonly<Record<string, Value>>,
  after: readonly string[],
  names: Names,
): TerraformBlock {
  const { keyVaultUri, keyName, keyVersion, userIdentity } = key;
  const vault = keyVaultUri instanceof Expression && keyVaultUri.term.kind === 'property' ? keyVaultUri.term.of : '';
  const vaultId: Hcl = vault === '' ? undefined : { code: `azurerm_key_vault.${vault}.id` };
  return {
    ...{ kind: 'azurerm_kusto_cluster_customer_managed_key', symbol: `${cluster}_key` },
    ...(vault === ''
      ? { lacks: [`the id of the vault at ${typeof keyVaultUri === 'string' ? keyVaultUri : 'another place'}`] }
      : {}),
    after: [...after.flatMap((one) => addressesOf(one, names)), ...policiesOf(vault, names)],
    body: {
      cluster_id: { code: `azurerm_kusto_cluster.${cluster}.id` },
      key_vault_id: vaultId,
      key_name: codeOf(keyName, names),
      key_version: unlessEmpty(codeOf(keyVersion, names)),
      user_identity: codeOf(userIdentity, names),
    },
  };
}

/** azurerm wants no version rather than an empty one. */
function unlessEmpty(version: Hcl): Hcl {
  if (version === '') return undefined;
  if (typeof version !== 'object' || !('code' in version)) return version;
  return { code: `${version.code} == "" ? null : ${version.code}` };
}

/** Access policies are many resources of one; those of vaults are told by the vault. */
function addressesOf(symbol: string, names: Names): readonly string[] {
  const resource = names.found(symbol);
  if (resource?.type !== 'Microsoft.KeyVault/vaults/accessPolicies') return [`${names.kindOf(symbol)}.${symbol}`];
  return numbered(resource, symbol);
}

function policiesOf(vault: string, names: Names): readonly string[] {
  const resource = names.found(vault);
  return resource === undefined ? [] : numbered(resource, vault);
}

function numbered({ body }: ExportedResource, symbol: string): readonly string[] {
  const policies = objectOf(body['properties'])['accessPolicies'];
  const count = policies !== undefined && isValueList(policies) ? policies.length : 0;
  return Array.from({ length: count }, (_, at) => `azurerm_key_vault_access_policy.${symbol}_policy_${at + 1}`);
}

function identity(value: Value | undefined, names: Names): HclBody {
  if (value === undefined) return {};
  const { type, userAssignedIdentities } = objectOf(value);
  return {
    identity: { block: [{ type: codeOf(type, names), identity_ids: codeOf(userAssignedIdentities, names) }] },
  };
}

function autoscale(value: Value | undefined, names: Names): HclBody {
  const { isEnabled, minimum, maximum } = objectOf(value);
  if (isEnabled !== true) return {};
  const sizes = { minimum_instances: codeOf(minimum, names), maximum_instances: codeOf(maximum, names) };
  return { optimized_auto_scale: { block: [sizes] } };
}

const tenantsOf = (value: Value | undefined, names: Names): Hcl =>
  value !== undefined && isValueList(value) ? value.map((one) => codeOf(objectOf(one)['value'], names)) : undefined;
