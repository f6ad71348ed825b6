import type { Azure } from './azure.ts';
import { readServiceError } from './article-steps.ts';
import type { ErrorRecord, Step } from './article-steps.ts';
import type { ArticleData } from './data.ts';
import { fillDatabase, queryDatabase, watchRefusal } from './data.ts';
import { proveNothingInTheClear } from './disk-step.ts';
import { provokeDocumentedErrors } from './documented-errors.ts';
import type { Names } from './names.ts';
import type { Waiting } from './waiting.ts';

/** "Configure customer-managed keys using C#" (Microsoft, 18 December 2019), in TypeScript. Every call goes to the resource manager and the vault
 * through the official SDKs; nothing here knows that it might not be speaking to Azure. */
export async function performArticle(
  azure: Azure,
  names: Names,
  step: Step,
  waiting: Waiting,
  data: ArticleData,
  /** `dataDirectory`: where a Kustody keeps everything; on Azure nobody can look. `keep`: leave it all as it is when the key is back. */
  { dataDirectory, keep }: { readonly dataDirectory: string | undefined; readonly keep: boolean },
): Promise<readonly ErrorRecord[]> {
  await prepareCluster(azure, names, step);
  const principalId = await giveIdentity(azure, names, step);
  const vaultUri = await prepareVault(azure, names, step, principalId);
  const keyVersion = await configureKey(azure, names, step, vaultUri);
  await fillDatabase(data, step);
  await queryDatabase(data, step, 'under the key');
  await rotateKey(azure, names, step, vaultUri, keyVersion);
  await queryDatabase(data, step, 'after the rotation');
  const errors = await provokeDocumentedErrors(azure, names, step, vaultUri);
  await takeKeyAway(azure, names, step, principalId, waiting);
  await watchRefusal(data, step);
  if (dataDirectory !== undefined) await proveNothingInTheClear(dataDirectory, data, step);
  await giveKeyBack(azure, names, step, principalId, waiting);
  await queryDatabase(data, step, 'when the key is back');
  if (keep) return errors;
  await revert(azure, names, step);
  await queryDatabase(data, step, 'under the Microsoft-managed key');
  await cleanUp(azure, names, step);
  return errors;
}

const location = 'westus';
const sku = { name: 'Standard_D13_v2', tier: 'Standard', capacity: 2 };
const clusterPermissions = ['wrapKey', 'unwrapKey', 'get', 'recover'];

async function prepareCluster(azure: Azure, names: Names, step: Step): Promise<void> {
  await step(
    'Register the resource providers',
    'A subscription uses a service only after it has registered its provider.',
    async () => {
      for (const namespace of ['Microsoft.Kusto', 'Microsoft.KeyVault'])
        await azure.resources.providers.register(namespace);
      return { value: undefined, result: 'Microsoft.Kusto and Microsoft.KeyVault are registered' };
    },
  );

  await step('Create a resource group', 'Everything of this article lives in one group and goes with it.', async () => {
    await azure.resources.resourceGroups.createOrUpdate(names.group, { location });
    return { value: undefined, result: names.group };
  });

  await step('Create a cluster', 'Without further ado its data is encrypted with Microsoft-managed keys.', async () => {
    const cluster = await azure.kusto.clusters.beginCreateOrUpdateAndWait(names.group, names.cluster, {
      location,
      sku,
      enableStreamingIngest: true,
    });
    if (cluster.keyVaultProperties) throw new Error('A new cluster should have no customer-managed key.');
    return {
      value: undefined,
      result: `${cluster.uri ?? names.cluster} is ${cluster.state ?? 'there'}, keyVaultProperties: null`,
    };
  });
}

async function giveIdentity(azure: Azure, names: Names, step: Step): Promise<string> {
  return step(
    'Assign a system-assigned identity',
    'The cluster goes to the vault as itself: it needs a principal that the vault can know.',
    async () => {
      const cluster = await azure.kusto.clusters.beginUpdateAndWait(names.group, names.cluster, {
        identity: { type: 'SystemAssigned' },
      });
      const principalId = cluster.identity?.principalId;
      if (principalId === undefined) throw new Error('The cluster has no principal.');
      return { value: principalId, result: `principal ${principalId}` };
    },
  );
}

async function prepareVault(azure: Azure, names: Names, step: Step, principalId: string): Promise<string> {
  const vaultUri = await step(
    'Create a vault',
    'Soft delete and purge protection are required: a purged key would mean lost data.',
    async () => {
      const self = await azure.ownObjectId();
      const vault = await azure.vaults.vaults.createOrUpdate(names.group, names.vault, {
        location,
        properties: {
          tenantId: azure.tenantId,
          sku: { family: 'A', name: 'standard' },
          enableRbacAuthorization: false,
          enableSoftDelete: true,
          enablePurgeProtection: true,
          accessPolicies: [
            {
              tenantId: azure.tenantId,
              objectId: self,
              permissions: { keys: ['create', 'get', 'list', 'update', 'delete'] },
            },
          ],
        },
      });
      const uri = vault.properties.vaultUri;
      if (uri === undefined) throw new Error('The vault has no address.');
      return { value: uri, result: `${uri} with soft delete and purge protection` };
    },
  );

  await step(
    'Grant the cluster access',
    `Access policy of the cluster's principal: ${clusterPermissions.join(', ')}.`,
    async () => {
      await azure.vaults.vaults.updateAccessPolicy(names.group, names.vault, 'add', policyOf(azure, principalId));
      return { value: undefined, result: `granted to ${principalId}` };
    },
  );
  return vaultUri;
}

const policyOf = (azure: Azure, objectId: string): Parameters<Azure['vaults']['vaults']['updateAccessPolicy']>[3] => ({
  properties: { accessPolicies: [{ tenantId: azure.tenantId, objectId, permissions: { keys: clusterPermissions } }] },
});

async function configureKey(azure: Azure, names: Names, step: Step, vaultUri: string): Promise<string> {
  const keyVersion = await step('Create a key', 'RSA of 2048 bits: what the article asks for.', async () => {
    const { properties } = await azure.keysOf(vaultUri).createRsaKey(names.key, { keySize: 2048 });
    if (properties.version === undefined) throw new Error('The key has no version.');
    return { value: properties.version, result: `${names.key}, version ${properties.version}` };
  });

  await step(
    'Configure the cluster with the key',
    'From now on the key in the vault wraps the key of the data.',
    async () => {
      await azure.kusto.clusters.beginUpdateAndWait(names.group, names.cluster, {
        keyVaultProperties: { keyName: names.key, keyVersion, keyVaultUri: vaultUri },
      });
      return { value: undefined, result: 'the update was accepted and has ended' };
    },
  );

  await step('Check provisioningState', 'Succeeded says that the update was carried out.', async () => {
    const cluster = await azure.kusto.clusters.get(names.group, names.cluster);
    if (cluster.provisioningState !== 'Succeeded')
      throw new Error(`provisioningState is ${cluster.provisioningState ?? 'missing'}.`);
    if (cluster.keyVaultProperties?.keyVersion !== keyVersion) throw new Error('The cluster does not show the key.');
    return { value: undefined, result: `Succeeded, ${names.key}/${keyVersion}` };
  });
  return keyVersion;
}

async function rotateKey(azure: Azure, names: Names, step: Step, vaultUri: string, before: string): Promise<void> {
  await step(
    'Create a new version of the key and update to it',
    'When a key is rotated, the cluster is told the new version.',
    async () => {
      const { properties } = await azure.keysOf(vaultUri).createRsaKey(names.key, { keySize: 2048 });
      const cluster = await azure.kusto.clusters.beginUpdateAndWait(names.group, names.cluster, {
        keyVaultProperties: { keyName: names.key, keyVersion: properties.version ?? '', keyVaultUri: vaultUri },
      });
      const now = cluster.keyVaultProperties?.keyVersion;
      if (now === undefined || now === before) throw new Error('The cluster still shows the old version.');
      // The old version is not needed any more: the cluster keeps running without it.
      await azure.keysOf(vaultUri).updateKeyProperties(names.key, before, { enabled: false });
      return { value: undefined, result: `from ${before} to ${now}; the old version is disabled` };
    },
  );
}

async function takeKeyAway(
  azure: Azure,
  names: Names,
  step: Step,
  principalId: string,
  waiting: Waiting,
): Promise<void> {
  await step(
    "Take the cluster's access away",
    'Whoever owns the vault decides who reads the data: the cluster suspends.',
    async () => {
      await azure.vaults.vaults.updateAccessPolicy(names.group, names.vault, 'remove', policyOf(azure, principalId));
      const cluster = await waiting.until(async () => {
        const found = await azure.kusto.clusters.get(names.group, names.cluster);
        return found.state === 'Unavailable' ? found : undefined;
      });
      return { value: undefined, result: `state Unavailable: ${cluster.stateReason ?? ''}` };
    },
  );

  await step(
    'Try to change the key meanwhile',
    'Revocation cannot be undone by whoever may update the cluster.',
    async () => {
      const change = azure.kusto.clusters.beginUpdateAndWait(names.group, names.cluster, { keyVaultProperties: {} });
      const refusal = await change.then(
        () => undefined,
        (error: unknown) => readServiceError(error),
      );
      if (refusal?.code !== 'IdentityDoesNotHaveAccessToKeyVault')
        throw new Error(`Expected a refusal, found ${refusal?.code ?? 'none'}.`);
      return { value: undefined, result: [refusal.message, ...refusal.details].join('\n') };
    },
  );
}

async function giveKeyBack(
  azure: Azure,
  names: Names,
  step: Step,
  principalId: string,
  waiting: Waiting,
): Promise<void> {
  await step('Give the access back', 'The cluster notices by itself and resumes.', async () => {
    await azure.vaults.vaults.updateAccessPolicy(names.group, names.vault, 'add', policyOf(azure, principalId));
    await waiting.until(async () => {
      const found = await azure.kusto.clusters.get(names.group, names.cluster);
      return found.state === 'Running' ? found : undefined;
    });
    return { value: undefined, result: 'state Running' };
  });
}

async function revert(azure: Azure, names: Names, step: Step): Promise<void> {
  await step(
    'Go back to Microsoft-managed keys',
    'Empty keyVaultProperties: the data gets a new key that the service keeps itself.',
    async () => {
      const cluster = await azure.kusto.clusters.beginUpdateAndWait(names.group, names.cluster, {
        keyVaultProperties: {},
      });
      if (cluster.keyVaultProperties) throw new Error('The cluster still shows a customer-managed key.');
      return {
        value: undefined,
        result: `keyVaultProperties: null, provisioningState ${cluster.provisioningState ?? ''}`,
      };
    },
  );
}

async function cleanUp(azure: Azure, names: Names, step: Step): Promise<void> {
  await step(
    'Delete the resource group',
    'Cluster and vault go; the vault stays recoverable until its retention is over.',
    async () => {
      await azure.resources.resourceGroups.beginDeleteAndWait(names.group);
      return { value: undefined, result: `${names.group} is gone` };
    },
  );
}
