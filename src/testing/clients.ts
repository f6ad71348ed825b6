import type { TokenCredential } from '@azure/core-auth';
import type * as ArmKeyVault from '@azure/arm-keyvault';
import type * as ArmKusto from '@azure/arm-kusto';
import type * as ArmResources from '@azure/arm-resources';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type * as KeyVaultKeys from '@azure/keyvault-keys';
import type * as KustoData from 'azure-kusto-data';
import type * as KustoIngest from 'azure-kusto-ingest';
import type { Agent } from 'node:https';
import { installed } from './installed.ts';
import type { Clients, IngestOptions, Kustody } from './public.ts';
import type { KustoDataPackage } from './use-client.ts';
import { useClient } from './use-client.ts';

/** What clients are made of. */
export interface ClientParts {
  readonly subscriptionId: string;
  readonly cluster: Kustody['cluster'];
  readonly azureOptions: { readonly httpClient: HttpClient };
  readonly agent: Agent;
  readonly credential: TokenCredential;
}

/** The clients of the official SDKs, as the program has them installed. */
export function createClients(parts: ClientParts): Clients {
  const { subscriptionId, azureOptions, agent, credential } = parts;
  const use = <T extends object>(client: T): Promise<T> =>
    useClient(client, { agent, credential, httpClient: azureOptions.httpClient });
  const connection = async (): Promise<KustoData.KustoConnectionStringBuilder> => {
    const { KustoConnectionStringBuilder } = await installed<KustoDataPackage>('azure-kusto-data');
    const { uri, database } = clusterOf(parts.cluster);
    const builder = KustoConnectionStringBuilder.withTokenCredential(uri, credential);
    builder.initialCatalog = database;
    return builder;
  };
  return {
    use,
    kustoClient: async () => {
      const { Client } = await installed<KustoDataPackage>('azure-kusto-data');
      return use(new Client(await connection()));
    },
    ingestClient: async (options = {}) => {
      requireStreaming(options);
      const { StreamingIngestClient, DataFormat } = await installed<typeof KustoIngest>('azure-kusto-ingest');
      const { table, mapping, format: name } = options;
      const format = Object.values(DataFormat).find((one) => one.valueOf() === name);
      if (name !== undefined && format === undefined)
        throw new TypeError(`'${name}' is no format. There are: ${Object.values(DataFormat).join(', ')}.`);
      const properties = {
        database: options.database ?? clusterOf(parts.cluster).database,
        ...(table === undefined ? {} : { table }),
        ...(format === undefined ? {} : { format }),
        ...(mapping === undefined ? {} : { ingestionMappingReference: mapping }),
      };
      return use(new StreamingIngestClient(await connection(), properties));
    },
    keyClient: async (vaultUri) => {
      const { KeyClient } = await installed<typeof KeyVaultKeys>('@azure/keyvault-keys');
      return new KeyClient(vaultUri ?? keyOf(parts.cluster).vaultUri, credential, { ...azureOptions });
    },
    cryptographyClient: async (key) => {
      const { CryptographyClient } = await installed<typeof KeyVaultKeys>('@azure/keyvault-keys');
      const { vaultUri, keyName } = key === undefined ? keyOf(parts.cluster) : { vaultUri: '', keyName: '' };
      return new CryptographyClient(key ?? new URL(`keys/${keyName}`, vaultUri).href, credential, { ...azureOptions });
    },
    kustoManagementClient: async () => {
      const { KustoManagementClient } = await installed<typeof ArmKusto>('@azure/arm-kusto');
      return new KustoManagementClient(credential, subscriptionId, { ...azureOptions });
    },
    keyVaultManagementClient: async () => {
      const { KeyVaultManagementClient } = await installed<typeof ArmKeyVault>('@azure/arm-keyvault');
      return new KeyVaultManagementClient(credential, subscriptionId, { ...azureOptions });
    },
    resourceManagementClient: async () => {
      const { ResourceManagementClient } = await installed<typeof ArmResources>('@azure/arm-resources');
      return new ResourceManagementClient(credential, subscriptionId, { ...azureOptions });
    },
  };
}

const notBuilt: Readonly<Record<string, string>> = {
  managed: 'Managed streaming ingestion (ManagedStreamingIngestClient)',
  queued: 'Queued ingestion (IngestClient)',
};

function requireStreaming({ kind = 'streaming' }: IngestOptions): void {
  const missing = notBuilt[kind];
  if (missing !== undefined)
    throw new Error(`${missing} is not built. Kustody takes rows by streaming ingestion and by commands.`);
  if (kind !== 'streaming')
    throw new TypeError(`'${kind}' is no kind of ingestion. There are: streaming, managed, queued.`);
}

export function clusterOf(cluster: Kustody['cluster']): NonNullable<Kustody['cluster']> {
  if (cluster !== undefined) return cluster;
  throw new Error('There is no cluster: ask for one with startKustody({ cluster: true }).');
}

function keyOf(cluster: Kustody['cluster']): { readonly vaultUri: string; readonly keyName: string } {
  const { vaultUri, keyName } = clusterOf(cluster);
  if (vaultUri !== undefined && keyName !== undefined) return { vaultUri, keyName };
  throw new Error('The cluster is under a Microsoft-managed key, which is in no vault of yours: name a vault.');
}
