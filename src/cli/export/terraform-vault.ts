import type { Hcl, HclBody } from './hcl.ts';
import type { ExportedResource } from './model.ts';
import { codeOf, group, objectOf, tags, textsOf } from './terraform-code.ts';
import type { Names, TerraformBlock } from './terraform-code.ts';
import { rotationBlock } from './terraform-rotation.ts';
import type { Value } from './value.ts';
import { Expression, isValueList } from './value.ts';

const policyKind = 'azurerm_key_vault_access_policy';

/** A vault, and its access policies as resources of their own. */
export function vaultBlocks(resource: ExportedResource, names: Names): readonly TerraformBlock[] {
  const { symbol, body } = resource;
  const properties = objectOf(body['properties']);
  const vault: TerraformBlock = {
    ...{ kind: 'azurerm_key_vault', symbol, after: [] },
    body: {
      name: codeOf(resource.names[0], names),
      ...group,
      location: codeOf(body['location'], names),
      tenant_id: codeOf(properties['tenantId'], names),
      sku_name: codeOf(objectOf(properties['sku'])['name'], names),
      soft_delete_retention_days: codeOf(properties['softDeleteRetentionInDays'], names),
      purge_protection_enabled: codeOf(properties['enablePurgeProtection'], names),
      rbac_authorization_enabled: codeOf(properties['enableRbacAuthorization'] ?? false, names),
      enabled_for_deployment: codeOf(properties['enabledForDeployment'], names),
      enabled_for_disk_encryption: codeOf(properties['enabledForDiskEncryption'], names),
      enabled_for_template_deployment: codeOf(properties['enabledForTemplateDeployment'], names),
      public_network_access_enabled: isOn(properties['publicNetworkAccess'], 'Enabled'),
      ...networkAcls(properties['networkAcls'], names),
      ...tags(body, names),
    },
  };
  return [vault, ...policyBlocks(symbol, symbol, properties['accessPolicies'], names)];
}

/** Those that are added when the vault is there. */
export function accessPolicyBlocks(resource: ExportedResource, names: Names): readonly TerraformBlock[] {
  const { symbol, parent = '', body } = resource;
  return policyBlocks(parent, symbol, objectOf(body['properties'])['accessPolicies'], names);
}

function policyBlocks(
  vault: string,
  symbol: string,
  policies: Value | undefined,
  names: Names,
): readonly TerraformBlock[] {
  return (policies !== undefined && isValueList(policies) ? policies : []).map((policy, at) => {
    const { tenantId, objectId, applicationId, permissions } = objectOf(policy);
    const { keys, secrets, certificates, storage } = objectOf(permissions);
    return {
      ...{ kind: policyKind, symbol: `${symbol}_policy_${at + 1}`, after: [] },
      ...(textsOf(storage).length === 0 ? {} : { lacks: ['permissions on storage accounts'] }),
      body: {
        key_vault_id: { code: `azurerm_key_vault.${vault}.id` },
        tenant_id: codeOf(tenantId, names),
        object_id: codeOf(objectId, names),
        application_id: codeOf(applicationId, names),
        ...permissionsOf('key_permissions', keys),
        ...permissionsOf('secret_permissions', secrets),
        ...permissionsOf('certificate_permissions', certificates),
      },
    };
  });
}

/** Permissions in the casing of azurerm, which has no word for all of them. */
const permissionNames = {
  key_permissions:
    'Backup Create Decrypt Delete Encrypt Get Import List Purge Recover Restore Sign UnwrapKey Update Verify WrapKey Release Rotate GetRotationPolicy SetRotationPolicy',
  secret_permissions: 'Backup Delete Get List Purge Recover Restore Set',
  certificate_permissions:
    'Backup Create Delete DeleteIssuers Get GetIssuers Import List ListIssuers ManageContacts ManageIssuers Purge Recover Restore SetIssuers Update',
} as const;

function permissionsOf(argument: keyof typeof permissionNames, held: Value | undefined): HclBody {
  const given = textsOf(held).map((name) => name.toLowerCase());
  const all = permissionNames[argument].split(' ');
  const written = all.filter((name) => given.includes('all') || given.includes(name.toLowerCase()));
  return written.length === 0 ? {} : { [argument]: written };
}

function networkAcls(value: Value | undefined, names: Names): HclBody {
  if (value === undefined) return {};
  const { bypass, defaultAction, ipRules, virtualNetworkRules } = objectOf(value);
  const listed = (rules: Value | undefined, member: string): Hcl =>
    rules !== undefined && isValueList(rules) && rules.length > 0
      ? rules.map((rule) => codeOf(objectOf(rule)[member], names))
      : undefined;
  return {
    network_acls: {
      block: [
        {
          bypass: codeOf(bypass, names),
          default_action: codeOf(defaultAction, names),
          ip_rules: listed(ipRules, 'value'),
          virtual_network_subnet_ids: listed(virtualNetworkRules, 'id'),
        },
      ],
    },
  };
}

/** azurerm makes keys at the vault, so that whoever deploys has to be let in before. */
export function keyBlock(resource: ExportedResource, names: Names): readonly TerraformBlock[] {
  const { symbol, parent = '', body } = resource;
  const { kty, keySize, curveName, keyOps, attributes, rotationPolicy } = objectOf(body['properties']);
  const { enabled, nbf, exp, exportable } = objectOf(attributes);
  const rotation = rotationBlock(rotationPolicy);
  const lacks = [
    ...(enabled === false ? ['enabled = false'] : []),
    ...(exportable === true ? ['exportable'] : []),
    ...(rotationPolicy === undefined || rotation.rotation_policy !== undefined ? [] : ['rotationPolicy']),
  ];
  return [
    {
      ...{ kind: 'azurerm_key_vault_key', symbol, after: deployersGrants(parent, names), lacks },
      body: {
        name: codeOf(resource.names.at(-1), names),
        key_vault_id: { code: `azurerm_key_vault.${parent}.id` },
        key_type: codeOf(kty, names),
        key_size: codeOf(keySize, names),
        curve: codeOf(curveName, names),
        key_opts: textsOf(keyOps).filter((name) => name !== 'import'),
        not_before_date: dateOf(nbf),
        expiration_date: dateOf(exp),
        ...rotation,
        ...tags(body, names),
      },
    },
  ];
}

function deployersGrants(vault: string, names: Names): readonly string[] {
  const policies = objectOf(names.found(vault)?.body['properties'])['accessPolicies'];
  const listed = policies !== undefined && isValueList(policies) ? policies : [];
  const isDeployer = (value: Value | undefined): boolean =>
    value instanceof Expression && value.term.kind === 'deployer';
  return [
    ...listed.flatMap((policy, at) =>
      isDeployer(objectOf(policy)['objectId']) ? [`${policyKind}.${vault}_policy_${at + 1}`] : [],
    ),
    ...names.all
      .filter(({ type, scope, body }) => {
        const isGrant = type === 'Microsoft.Authorization/roleAssignments' && (scope === undefined || scope === vault);
        return isGrant && isDeployer(objectOf(body['properties'])['principalId']);
      })
      .map(({ symbol }) => `azurerm_role_assignment.${symbol}`),
  ];
}

/** @param seconds since 1970 */
const dateOf = (seconds: Value | undefined): Hcl =>
  typeof seconds === 'number' ? new Date(seconds * 1000).toISOString().replace('.000Z', 'Z') : undefined;

export const isOn = (value: Value | undefined, on: string): Hcl => (value === undefined ? undefined : value === on);
