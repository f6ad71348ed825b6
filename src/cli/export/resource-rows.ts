import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Value, ValueObject } from './value.ts';

/** What of a type of resource is written, and what of that only where it says something. */
interface WrittenRow {
  readonly apiVersion: string;
  readonly properties: readonly string[];
  /** Left out when they are empty: that is what they are anyway. */
  readonly unlessEmpty?: readonly string[];
}

/** Read-only and derived properties are in no row. */
export const writtenRows = {
  'Microsoft.ManagedIdentity/userAssignedIdentities': { apiVersion: '2023-01-31', properties: [] },
  'Microsoft.KeyVault/vaults': {
    apiVersion: '2023-07-01',
    properties: [
      ...['sku', 'enabledForDeployment', 'enabledForDiskEncryption', 'enabledForTemplateDeployment'],
      ...['enableSoftDelete', 'softDeleteRetentionInDays', 'enableRbacAuthorization', 'enablePurgeProtection'],
      ...['networkAcls', 'publicNetworkAccess'],
    ],
  },
  'Microsoft.KeyVault/vaults/accessPolicies': { apiVersion: '2023-07-01', properties: [] },
  'Microsoft.KeyVault/vaults/keys': {
    apiVersion: '2023-07-01',
    properties: ['kty', 'keySize', 'curveName', 'keyOps', 'rotationPolicy'],
  },
  'Microsoft.Kusto/clusters': {
    apiVersion: '2024-04-13',
    properties: [
      ...['trustedExternalTenants', 'optimizedAutoscale', 'enableDiskEncryption', 'enableStreamingIngest'],
      ...['languageExtensions', 'enablePurge', 'enableDoubleEncryption', 'engineType', 'acceptedAudiences'],
      ...['restrictOutboundNetworkAccess', 'allowedFqdnList', 'calloutPolicies', 'publicNetworkAccess'],
      ...['allowedIpRangeList', 'enableAutoStop', 'publicIPType'],
    ],
    unlessEmpty: ['languageExtensions', 'acceptedAudiences', 'allowedFqdnList', 'allowedIpRangeList'],
  },
  'Microsoft.Kusto/clusters/principalAssignments': { apiVersion: '2024-04-13', properties: ['role', 'principalType'] },
  'Microsoft.Kusto/clusters/databases': {
    apiVersion: '2024-04-13',
    properties: ['softDeletePeriod', 'hotCachePeriod'],
  },
  'Microsoft.Kusto/clusters/databases/principalAssignments': {
    apiVersion: '2024-04-13',
    properties: ['role', 'principalType'],
  },
  'Microsoft.Authorization/roleAssignments': {
    apiVersion: '2022-04-01',
    properties: ['principalType', 'description', 'condition', 'conditionVersion'],
  },
} as const satisfies Record<string, WrittenRow>;

export type WrittenType = keyof typeof writtenRows;

/** The properties of the row as they were read; what is unset is left out. */
export function writtenProperties(type: WrittenType, properties: JsonObject): ValueObject {
  const row: WrittenRow = writtenRows[type];
  const written: Record<string, Value> = {};
  for (const name of row.properties) {
    const value = asValue(properties[name]);
    if (value === null || (row.unlessEmpty?.includes(name) === true && isEmpty(properties[name]))) continue;
    written[name] = value;
  }
  return written;
}

/** `{ value: [] }` is as empty as `[]`. */
const isEmpty = (value: Json | undefined): boolean =>
  Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.values(value).every(isEmpty);

/** Without members that are unset. */
export function asValue(value: Json | undefined): Value {
  if (value === undefined) return null;
  if (Array.isArray(value)) return (value as readonly Json[]).map(asValue);
  if (!isJsonObject(value)) return value as boolean | number | string | null;
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, member]) => [name, asValue(member)] as const)
      .filter(([, member]) => member !== null),
  );
}
