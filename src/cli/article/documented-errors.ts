import { readServiceError } from './article-steps.ts';
import type { ErrorRecord, Step } from './article-steps.ts';
import type { Azure } from './azure.ts';
import type { Names } from './names.ts';

/** The table of errors of the article, in its order, with what provokes each. */
interface DocumentedError {
  readonly code: string;
  readonly message: string;
  readonly why: string;
  readonly provoke: () => Promise<unknown>;
}

const location = 'westus';
const sku = { name: 'Standard_D13_v2', tier: 'Standard', capacity: 2 };

/** Provokes each documented error and compares code and message with the article. */
export async function provokeDocumentedErrors(
  azure: Azure,
  names: Names,
  step: Step,
  vaultUri: string,
): Promise<readonly ErrorRecord[]> {
  const uris = await step(
    'Make what the errors need',
    'A cluster without identity, and three vaults that each lack one thing.',
    async () => {
      await azure.kusto.clusters.beginCreateOrUpdateAndWait(names.group, names.bareCluster, { location, sku });
      const value = await createLackingVaults(azure, names);
      return { value, result: Object.values(value).join(', ') };
    },
  );
  const found: ErrorRecord[] = [];
  for (const documented of documentedErrors(azure, names, vaultUri, uris)) {
    found.push(await step(documented.code, documented.why, () => provoke(documented)));
  }
  return found;
}

async function provoke(documented: DocumentedError): Promise<{ value: ErrorRecord; result: string }> {
  const { code, message } = documented;
  const answer = await documented.provoke().then(
    () => ({ code: 'no error', message: 'The request was accepted.', details: [] }),
    (error: unknown) => readServiceError(error),
  );
  const asDocumented = answer.code === code && answer.message === message;
  if (!asDocumented) throw new Error(`Expected ${code} (${message}), found ${answer.code} (${answer.message}).`);
  const value = {
    code,
    message,
    foundCode: answer.code,
    foundMessage: answer.message,
    details: answer.details,
    asDocumented,
  };
  return { value, result: [message, ...answer.details].join('\n') };
}

interface LackingVaults {
  readonly foreign: string;
  readonly unsafe: string;
  readonly purgeable: string;
}

async function createLackingVaults(azure: Azure, names: Names): Promise<LackingVaults> {
  const self = await azure.ownObjectId();
  const cluster = await azure.kusto.clusters.get(names.group, names.cluster);
  const ours = { tenantId: azure.tenantId, objectId: self, permissions: { keys: ['create', 'get'] } };
  const clusters = {
    tenantId: azure.tenantId,
    objectId: cluster.identity?.principalId ?? '',
    permissions: { keys: ['get', 'wrapKey', 'unwrapKey'] },
  };
  const create = async (
    name: string,
    client: Azure['vaults'],
    policies: (typeof ours)[],
    protection: object,
  ): Promise<string> => {
    const vault = await client.vaults.createOrUpdate(names.group, name, {
      location,
      properties: {
        tenantId: azure.tenantId,
        sku: { family: 'A', name: 'standard' },
        enableRbacAuthorization: false,
        accessPolicies: policies,
        ...protection,
      },
    });
    const uri = vault.properties.vaultUri ?? `https://${name}.vault.azure.net/`;
    await azure.keysOf(uri).createRsaKey(names.key, { keySize: 2048 });
    return uri;
  };
  return {
    foreign: await create(names.foreignVault, azure.vaults, [ours], {
      enableSoftDelete: true,
      enablePurgeProtection: true,
    }),
    unsafe: await create(names.unsafeVault, azure.vaultsOf2018, [ours, clusters], {}),
    purgeable: await create(names.purgeableVault, azure.vaults, [ours, clusters], { enableSoftDelete: true }),
  };
}

function documentedErrors(
  azure: Azure,
  names: Names,
  vaultUri: string,
  lacking: LackingVaults,
): readonly DocumentedError[] {
  const update = (cluster: string, keyName: string, keyVaultUri: string) => (): Promise<unknown> =>
    azure.kusto.clusters.beginUpdateAndWait(names.group, cluster, { keyVaultProperties: { keyName, keyVaultUri } });
  const nowhere = `https://${names.vault}-nowhere.vault.azure.net/`;
  return [
    {
      code: 'InvalidKeyVaultProperties',
      message: 'The provided KeyVaultProperties are invalid.',
      why: 'An update that names a key and no vault.',
      provoke: () =>
        azure.kusto.clusters.beginUpdateAndWait(names.group, names.cluster, {
          keyVaultProperties: { keyName: names.key },
        }),
    },
    {
      code: 'CannotProvideKeyVaultPropertiesDuringCreation',
      message: 'Cannot provide KeyVaultProperties during cluster creation.',
      why: 'A new cluster with a key: its identity does not exist yet.',
      provoke: () =>
        azure.kusto.clusters.beginCreateOrUpdateAndWait(names.group, `${names.cluster}x`, {
          ...{ location, sku, identity: { type: 'SystemAssigned' } },
          keyVaultProperties: { keyName: names.key, keyVaultUri: vaultUri },
        }),
    },
    {
      code: 'KeyVaultPropertiesOnlyForSystemAssignedResources',
      message: 'KeyVaultProperties can be provided only for resources with SystemAssigned Identity.',
      why: 'An update of a cluster without identity.',
      provoke: update(names.bareCluster, names.key, vaultUri),
    },
    {
      code: 'KeyVaultNotFound',
      message: `KeyVault '${nowhere}' was not found`,
      why: 'A vault that does not exist.',
      provoke: update(names.cluster, names.key, nowhere),
    },
    {
      code: 'KeyNotFound',
      message: `Key 'no-such-key' was not found in KeyVault '${vaultUri}'`,
      why: 'A key that the vault does not have.',
      provoke: update(names.cluster, 'no-such-key', vaultUri),
    },
    {
      code: 'IdentityDoesNotHaveAccessToKeyVault',
      message: `Cluster identity does not have access to KeyVault '${lacking.foreign}'`,
      why: 'A vault that has granted the cluster nothing.',
      provoke: update(names.cluster, names.key, lacking.foreign),
    },
    {
      code: 'KeyVaultNotPurgeProtected',
      message: `KeyVault '${lacking.purgeable}' is not Purge Protected`,
      why: 'A vault without purge protection.',
      provoke: update(names.cluster, names.key, lacking.purgeable),
    },
    {
      code: 'KeyVaultNotSoftDeleteEnabled',
      message: `KeyVault '${lacking.unsafe}' is not Soft-Delete enabled`,
      why: 'A vault without soft delete, as vaults were made before September 2019.',
      provoke: update(names.cluster, names.key, lacking.unsafe),
    },
  ];
}
