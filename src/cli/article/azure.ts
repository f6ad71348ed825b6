import { KeyVaultManagementClient } from '@azure/arm-keyvault';
import { KustoManagementClient } from '@azure/arm-kusto';
import { ResourceManagementClient } from '@azure/arm-resources';
import type { PipelineOptions } from '@azure/core-rest-pipeline';
import { ClientSecretCredential } from '@azure/identity';
import { KeyClient } from '@azure/keyvault-keys';

/** The official clients, made as any program makes them: real host names, TLS and challenge verification on. */
export interface Azure {
  readonly tenantId: string;
  readonly resources: ResourceManagementClient;
  readonly kusto: KustoManagementClient;
  readonly vaults: KeyVaultManagementClient;
  /** With an API of the article's time: before 2019-09-01 a vault has soft delete only if it asks for it. */
  readonly vaultsOf2018: KeyVaultManagementClient;
  readonly keysOf: (vaultUri: string) => KeyClient;
  /** Object id of the application that signs in: it needs access to the vaults to create keys. */
  readonly ownObjectId: () => Promise<string>;
}

export type ConnectionOptions = Pick<PipelineOptions, 'agent'>;

/** What `kustody run` sets. */
export interface AzureEnvironment {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly subscriptionId: string;
}

/** @param options for programs that cannot set HTTPS_PROXY and NODE_EXTRA_CA_CERTS before they start */
export function connectToAzure(environment: AzureEnvironment, options: ConnectionOptions = {}): Azure {
  const { tenantId, clientId, clientSecret, subscriptionId } = environment;
  const credential = new ClientSecretCredential(tenantId, clientId, clientSecret, options);
  return {
    tenantId,
    resources: new ResourceManagementClient(credential, subscriptionId, options),
    kusto: new KustoManagementClient(credential, subscriptionId, options),
    vaults: new KeyVaultManagementClient(credential, subscriptionId, options),
    vaultsOf2018: new KeyVaultManagementClient(credential, subscriptionId, { ...options, apiVersion: '2018-02-14' }),
    keysOf: (vaultUri) => new KeyClient(vaultUri, credential, options),
    ownObjectId: async () => {
      const { token } = await credential.getToken('https://management.azure.com/.default');
      return objectIdIn(token);
    },
  };
}

/** Our own token is not ours to trust or check, only to read: its `oid` says who we are. */
function objectIdIn(token: string): string {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
  const oid = typeof claims === 'object' && claims !== null && 'oid' in claims ? claims.oid : undefined;
  if (typeof oid !== 'string') throw new Error('The token names no object id.');
  return oid;
}
