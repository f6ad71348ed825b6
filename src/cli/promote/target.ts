import type { TokenCredential } from '@azure/core-auth';
import { DefaultAzureCredential } from '@azure/identity';
import { KustoConnectionStringBuilder } from 'azure-kusto-data';
import { BlobDescriptor, DataFormat, IngestClient, JsonColumnMapping, ReportLevel } from 'azure-kusto-ingest';
import { cachedCredential } from '../../cmk/cached-credential.ts';
import type { CmkClients } from '../../cmk/clients.ts';
import { connectClients } from '../../cmk/clients.ts';
import { gatherSubscriptions } from '../../cmk/fleet/gather-fleet.ts';
import type { ResourceId } from '../../cmk/resource-id.ts';
import { parseResourceId } from '../../cmk/resource-id.ts';
import type { KustoDatabase } from './kusto-database.ts';
import type { DatabasePeriods } from './source.ts';
import { firstRows } from './kusto-database.ts';

/** A blob in the target's staging that is to become rows. */
export interface StagedBatch {
  readonly database: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** With its signature. */
  readonly url: string;
  readonly bytes: number;
  /** Without `ingest-by:`. */
  readonly tag: string;
  readonly createdOn: string;
}

/** The cluster that rows go to, by the official clients: whatever the program is signed in to, Azure or another Kustody. */
export interface Target {
  readonly uri: string;
  readonly host: string;
  readonly database: (name: string) => KustoDatabase;
  /** In the resource manager; undefined: the caller sees no cluster of this address. */
  readonly resource: () => Promise<{ readonly id: ResourceId; readonly location: string } | undefined>;
  /** @throws what the SDK throws */
  readonly createDatabase: (at: ResourceId, location: string, name: string, periods: DatabasePeriods) => Promise<void>;
  /** Containers of staging, each with its signature. */
  readonly containers: () => Promise<readonly string[]>;
  /** Into the queue; nothing is there yet when it resolves. */
  readonly enqueue: (batch: StagedBatch) => Promise<void>;
  /** @returns whether it is gone */
  readonly deleteBlob: (url: string) => Promise<boolean>;
  readonly close: () => void;
}

/** @param uri `https://{cluster}.{region}.kusto.windows.net` */
export function openTarget(uri: string, now: () => number, given?: TokenCredential): Target {
  const { origin, hostname } = new URL(uri);
  const credential = cachedCredential(given ?? new DefaultAzureCredential(), now);
  const clients: CmkClients = connectClients({ credential, now });
  const ingest = new IngestClient(KustoConnectionStringBuilder.withTokenCredential(origin, credential));
  const call = async (database: string, kind: 'mgmt' | 'query', csl: string) => {
    const { status, body } = await clients.data(origin, { kind, database, csl });
    return firstRows({ status, value: body, text: JSON.stringify(body ?? null) });
  };
  return {
    ...{ uri: origin, host: hostname },
    database: (name) => ({
      command: (csl) => call(name, 'mgmt', csl),
      query: (csl) => call(name, 'query', csl),
    }),
    resource: () => findCluster(clients, hostname),
    createDatabase: async ({ subscriptionId, resourceGroup, name: cluster }, location, name, periods) => {
      const { databases } = clients.kusto(subscriptionId);
      await databases.beginCreateOrUpdateAndWait(resourceGroup, cluster, name, {
        ...{ kind: 'ReadWrite', location },
        ...periods,
      });
    },
    containers: async () => ((await ingest.resourceManager.getContainers()) ?? []).map((one) => one.uri),
    enqueue: async ({ database, table, columns, url, bytes, tag, createdOn }) => {
      await ingest.ingestFromBlob(new BlobDescriptor(url, bytes), {
        ...{ database, table, format: DataFormat.JSON, flushImmediately: true },
        ...{ reportLevel: ReportLevel.FailuresOnly, ingestByTags: [tag], ingestIfNotExists: JSON.stringify([tag]) },
        ingestionMappingColumns: columns.map((column) => JsonColumnMapping.withPath(column, jsonPath(column))),
        additionalProperties: { creationTime: createdOn },
      });
    },
    deleteBlob: async (url) => {
      const { BlobClient } = await import('@azure/storage-blob');
      return new BlobClient(url).deleteIfExists().then(
        () => true,
        () => false,
      );
    },
    close: () => ingest.close(),
  };
}

const jsonPath = (column: string): string => `$['${column.replace(/[\\']/g, String.raw`\$&`)}']`;

async function findCluster(
  clients: CmkClients,
  host: string,
): Promise<{ readonly id: ResourceId; readonly location: string } | undefined> {
  for (const subscription of await gatherSubscriptions(clients))
    for await (const cluster of clients.kusto(subscription).clusters.list()) {
      const id = parseResourceId(cluster.id ?? '', 'Microsoft.Kusto/clusters');
      if (id !== undefined && URL.parse(cluster.uri ?? '')?.hostname === host)
        return { id, location: cluster.location };
    }
  return undefined;
}
