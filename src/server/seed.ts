import { isJsonObject, textMember } from '../base/json.ts';
import type { AzureCalls } from './azure-calls.ts';
import { azureCalls } from './azure-calls.ts';
import type { InstanceEnvironment } from './instance-environment.ts';
import { vaultOwnerPermissions } from './vault-owner.ts';

export interface SeedOptions {
  readonly resourceGroup: string;
  /** Short form, such as `eastus`. */
  readonly region: string;
  readonly cluster: string;
  readonly database: string;
  /** `customer`: a vault and an RSA key of the customer's own. */
  readonly key: 'customer' | 'microsoftManaged';
  /** Needed for a customer's key. Vault names are unique in the world. */
  readonly vault: string;
}

export const defaultSeed: SeedOptions = {
  resourceGroup: 'kustody',
  region: 'eastus',
  cluster: 'kustody',
  database: 'db',
  key: 'customer',
  vault: 'kustody-keys',
};

export interface Seeded {
  readonly clusterUri: string;
  readonly database: string;
  /** Of the customer's key; missing with a Microsoft-managed one. */
  readonly vaultUri?: string;
  readonly keyName?: string;
  /** The database was made now, so there is nothing in it. */
  readonly isNew?: true;
}

/** What programs are told of it. */
export const seedVariables = (
  { clusterUri, database, vaultUri, keyName: name }: Seeded,
  { objectId }: InstanceEnvironment,
): Readonly<Record<string, string>> => ({
  KUSTODY_CLUSTER_URI: clusterUri,
  KUSTODY_DATABASE: database,
  KUSTODY_OBJECT_ID: objectId,
  ...(vaultUri === undefined || name === undefined
    ? {}
    : { KUSTODY_VAULT_URI: vaultUri, KUSTODY_KEY_ID: new URL(`keys/${name}`, vaultUri).href }),
});

/** A resource group, a vault with a key, a cluster under that key and a database, made the way any client makes them: over the wire,
 * as the data directory's own application. What is there already stays.
 * @param begin hears of each step that may take its time
 * @param isUnfinished an earlier one did not come to its end: what it made counts as new
 * @throws Error with the service's own code and message when a step is refused */
export async function seed(
  environment: InstanceEnvironment,
  options: SeedOptions,
  begin: (what: string) => void = () => undefined,
  isUnfinished = false,
): Promise<Seeded> {
  const calls = azureCalls(environment);
  const { arm } = calls;
  const location = options.region;
  const group = `/subscriptions/${environment.subscriptionId}/resourceGroups/${options.resourceGroup}`;
  const cluster = `${group}/providers/Microsoft.Kusto/clusters/${options.cluster}`;
  begin('making a vault with a key');
  await arm('PUT', group, '2024-11-01', { location });
  const key = options.key === 'customer' ? await makeCustomerKey(environment, calls, group, options) : undefined;
  begin(`making cluster ${options.cluster}`);
  if ((await arm('GET', cluster, kustoVersion, undefined, [404])) === undefined)
    await arm('PUT', cluster, kustoVersion, {
      location,
      sku: { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 },
      identity: key?.identity ?? { type: 'SystemAssigned' },
      properties: {
        enableStreamingIngest: true,
        ...(key === undefined ? {} : { keyVaultProperties: key.keyVaultProperties }),
      },
    });
  begin(`making database ${options.database}`);
  const database = `${cluster}/databases/${options.database}`;
  const isThere = (await arm('GET', database, kustoVersion, undefined, [404])) !== undefined;
  const isNew = isUnfinished || !isThere;
  await arm('PUT', database, kustoVersion, { location, kind: 'ReadWrite' });
  await arm('PUT', `${cluster}/principalAssignments/owner`, kustoVersion, {
    properties: { principalId: environment.clientId, principalType: 'App', role: 'AllDatabasesAdmin' },
  });
  const made = await arm('GET', cluster, kustoVersion);
  const properties = isJsonObject(made?.['properties']) ? made['properties'] : {};
  const clusterUri = textMember(properties, 'uri');
  // The cluster takes streaming ingestion; each database asks for it, too.
  if (isNew) await calls.command(clusterUri, options.database, streamingCommand(options.database));
  return {
    clusterUri,
    database: options.database,
    ...(key === undefined ? {} : { vaultUri: key.keyVaultProperties.keyVaultUri, keyName }),
    ...(isNew ? { isNew } : {}),
  };
}

/** Of a database in a cluster that takes streaming ingestion. */
export const streamingCommand = (database: string): string =>
  `.alter database [${JSON.stringify(database)}] policy streamingingestion enable`;

const kustoVersion = '2024-04-13';
const keyName = 'cluster-key';

/** A user-assigned identity, a vault that lets it use keys, and a key: then the cluster can have the key from its first moment. */
async function makeCustomerKey(
  environment: InstanceEnvironment,
  { arm, vault }: AzureCalls,
  group: string,
  options: SeedOptions,
) {
  const { tenantId, objectId } = environment;
  const identityId = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${options.cluster}-identity`;
  const identity = await arm('PUT', identityId, '2023-01-31', { location: options.region });
  const known = isJsonObject(identity?.['properties']) ? identity['properties'] : {};
  await arm('PUT', `${group}/providers/Microsoft.KeyVault/vaults/${options.vault}`, '2023-02-01', {
    location: options.region,
    properties: {
      tenantId,
      sku: { family: 'A', name: 'standard' },
      enableSoftDelete: true,
      enablePurgeProtection: true,
      enableRbacAuthorization: false,
      accessPolicies: [
        { tenantId, objectId, permissions: vaultOwnerPermissions },
        {
          tenantId,
          objectId: textMember(known, 'principalId'),
          permissions: { keys: ['get', 'wrapKey', 'unwrapKey'] },
        },
      ],
    },
  });
  const call = vault(options.vault);
  if ((await call('GET', `/keys/${keyName}?api-version=7.4`, undefined, [404])) === undefined)
    await call('POST', `/keys/${keyName}/create?api-version=7.4`, { kty: 'RSA', key_size: 2048 });
  const keyVaultUri = `https://${options.vault}.vault.azure.net/`;
  return {
    identity: { type: 'UserAssigned', userAssignedIdentities: { [identityId]: {} } },
    keyVaultProperties: { keyName, keyVaultUri, keyVersion: '', userIdentity: identityId },
  };
}
