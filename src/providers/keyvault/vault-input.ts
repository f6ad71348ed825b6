import { Type } from '@sinclair/typebox';
import { isApiVersionBefore } from '../../arm/api-version.ts';
import { tagsSchema } from '../../arm/tags.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { readAccessPolicies } from './access-policy-input.ts';
import { keyVaultErrors } from './keyvault-errors.ts';
import { oneOf, readNetworkAcls } from './network-acls-input.ts';
import type { VaultProperties } from './vault-record.ts';

const text = Type.String({ maxLength: 1024 });

/** The outer shape; what is inside `properties` is checked below, with Key Vault's own errors. */
export const putVaultBody = Type.Object({
  location: Type.Optional(text),
  tags: Type.Optional(tagsSchema),
  properties: Type.Object({}),
});

export const patchVaultBody = Type.Object({
  tags: Type.Optional(tagsSchema),
  properties: Type.Optional(Type.Union([Type.Object({}), Type.Null()])),
});

export type VaultSettingsInput = Omit<VaultProperties, 'vaultId' | 'systemData'>;

export interface VaultInputContext {
  readonly apiVersion: string;
  /** The tenant that the subscription trusts: a vault cannot have another. */
  readonly subscriptionTenantId: Guid;
}

/** The properties of a vault that is being created, defaults by api-version included (key vaults made before 2019-09-01 have no soft
 * delete unless asked; role assignments decide by default from 2026-02-01 on). Since 2019-09-01 `enableSoftDelete: false` is `true` in
 * silence. Azure makes it `true` at older api-versions, too; they keep it here, so that it can be seen what a cluster says to a vault
 * without soft delete.
 * @throws ArmError 400 */
export function newVaultProperties(sent: JsonObject, context: VaultInputContext): VaultSettingsInput {
  const tenantId = readTenantId(sent['tenantId'], context);
  const sku = readSku(sent['sku']);
  if (tenantId === undefined) throw keyVaultErrors.Required('tenantId');
  if (sku === undefined) throw keyVaultErrors.Required('sku');
  const rbacByDefault = !isApiVersionBefore(context.apiVersion, '2026-02-01');
  const sentRbac = readFlag(sent, 'enableRbacAuthorization') ?? (rbacByDefault ? true : undefined);
  if (absent(sent['accessPolicies']) && sentRbac !== true) throw keyVaultErrors.AccessPoliciesRequired();
  const sentSoftDelete = readFlag(sent, 'enableSoftDelete') ?? false;
  const enableSoftDelete = sentSoftDelete || !isApiVersionBefore(context.apiVersion, '2019-09-01');
  const networkAcls = readNetworkAcls(sent['networkAcls']);
  return {
    sku,
    tenantId,
    accessPolicies: absent(sent['accessPolicies']) ? [] : readAccessPolicies(sent['accessPolicies'], tenantId),
    ...(networkAcls === undefined ? {} : { networkAcls }),
    enabledForDeployment: readFlag(sent, 'enabledForDeployment') ?? false,
    ...flags({
      enabledForDiskEncryption: readFlag(sent, 'enabledForDiskEncryption'),
      enabledForTemplateDeployment: readFlag(sent, 'enabledForTemplateDeployment'),
      enableRbacAuthorization: sentRbac,
    }),
    enableSoftDelete,
    ...retention(readRetention(sent), enableSoftDelete),
    enablePurgeProtection: readPurgeProtection(sent, enableSoftDelete) ?? false,
    publicNetworkAccess: oneOf(sent['publicNetworkAccess'], ['Enabled', 'Disabled'], 'Enabled', 'publicNetworkAccess'),
  };
}

/** A vault after PUT or PATCH on it: what is absent or null stays. Soft delete and purge protection only ever go on, and the retention
 * is set once.
 * @throws ArmError 400 */
export function changedVaultProperties(
  held: VaultProperties,
  sent: JsonObject,
  context: VaultInputContext,
): VaultProperties {
  const tenantId = readTenantId(sent['tenantId'], context) ?? held.tenantId;
  if (held.enableSoftDelete && sent['enableSoftDelete'] === false) throw keyVaultErrors.SoftDeleteCannotBeFalse();
  const enableSoftDelete = readFlag(sent, 'enableSoftDelete') ?? held.enableSoftDelete;
  const days = readRetention(sent);
  if (held.softDeleteRetentionInDays !== undefined && days !== undefined && days !== held.softDeleteRetentionInDays) {
    throw keyVaultErrors.RetentionCannotChange();
  }
  const networkAcls = readNetworkAcls(sent['networkAcls']) ?? held.networkAcls;
  return {
    ...held,
    sku: readSku(sent['sku']) ?? held.sku,
    tenantId,
    // An unchanged list is checked again when the tenant changes: every entry must name it.
    accessPolicies: absent(sent['accessPolicies'])
      ? readAccessPolicies(listOfPolicies(held), tenantId)
      : readAccessPolicies(sent['accessPolicies'], tenantId),
    ...(networkAcls === undefined ? {} : { networkAcls }),
    enabledForDeployment: readFlag(sent, 'enabledForDeployment') ?? held.enabledForDeployment,
    ...flags({
      enabledForDiskEncryption: readFlag(sent, 'enabledForDiskEncryption'),
      enabledForTemplateDeployment: readFlag(sent, 'enabledForTemplateDeployment'),
      enableRbacAuthorization: readFlag(sent, 'enableRbacAuthorization'),
    }),
    enableSoftDelete,
    ...retention(held.softDeleteRetentionInDays ?? days, enableSoftDelete),
    enablePurgeProtection: held.enablePurgeProtection
      ? (readPurgeProtection(sent, true) ?? true)
      : (readPurgeProtection(sent, enableSoftDelete) ?? false),
    publicNetworkAccess: oneOf(
      sent['publicNetworkAccess'],
      ['Enabled', 'Disabled'],
      held.publicNetworkAccess,
      'publicNetworkAccess',
    ),
  };
}

const listOfPolicies = (held: VaultProperties): readonly JsonObject[] =>
  held.accessPolicies.map((policy) => ({ ...policy, permissions: { ...policy.permissions } }));

const absent = (value: Json | undefined): boolean => value === undefined || value === null;

/** Without those that are undefined. */
const flags = <Name extends string>(read: Readonly<Record<Name, boolean | undefined>>): { [Each in Name]?: boolean } =>
  Object.fromEntries(Object.entries(read).filter(([, value]) => value !== undefined)) as { [Each in Name]?: boolean };

function readFlag(sent: JsonObject, property: string): boolean | undefined {
  const value = sent[property];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw keyVaultErrors.InvalidValue(property);
  return value;
}

function readTenantId(value: Json | undefined, context: VaultInputContext): Guid | undefined {
  if (value === undefined || value === null) return undefined;
  const tenantId = typeof value === 'string' ? parseGuid(value) : undefined;
  if (tenantId !== context.subscriptionTenantId) throw keyVaultErrors.InvalidValue('tenantId');
  return tenantId;
}

function readSku(value: Json | undefined): VaultProperties['sku'] | undefined {
  if (value === undefined || value === null) return undefined;
  if (!isJsonObject(value)) throw keyVaultErrors.InvalidValue('sku');
  if (absent(value['name'])) throw keyVaultErrors.Required('sku.name');
  return {
    family: oneOf(value['family'], ['A'], 'A', 'sku.family'),
    name: oneOf(value['name'], ['standard', 'premium'], 'standard', 'sku.name'),
  };
}

function readRetention(sent: JsonObject): number | undefined {
  const days = sent['softDeleteRetentionInDays'];
  if (days === undefined || days === null) return undefined;
  if (typeof days !== 'number' || !Number.isInteger(days))
    throw keyVaultErrors.InvalidValue('softDeleteRetentionInDays');
  if (days < 7 || days > 90) throw keyVaultErrors.RetentionOutOfRange();
  return days;
}

function retention(days: number | undefined, enableSoftDelete: boolean): { softDeleteRetentionInDays?: number } {
  if (enableSoftDelete) return { softDeleteRetentionInDays: days ?? 90 };
  if (days !== undefined) throw keyVaultErrors.RetentionWithoutSoftDelete();
  return {};
}

/** `false` is refused even where it changes nothing. */
function readPurgeProtection(sent: JsonObject, enableSoftDelete: boolean): true | undefined {
  const value = readFlag(sent, 'enablePurgeProtection');
  if (value === undefined) return undefined;
  if (!value) throw keyVaultErrors.PurgeProtectionCannotBeFalse();
  if (!enableSoftDelete) throw keyVaultErrors.PurgeProtectionNeedsSoftDelete();
  return true;
}
