import type { Guid } from '../../base/guid.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import { dataError } from '../../database/catalog/data-error.ts';
import type { SourceOf } from '../../database/ingest/data-source.ts';
import type { IngestPorts, Uploader } from '../../database/queued/ingest-queue.ts';
import { IngestionRefusal } from '../../database/queued/ingestion-refusal.ts';
import type { QueuedStorage } from '../../database/queued/queued-storage.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';
import { syncedData } from './cluster-host.ts';
import type { DueJob } from './due-work.ts';
import { requireIngestion } from './database-access.ts';
import { KustoError } from './errors/kusto-error.ts';
import type { DataPlanePorts } from './ports.ts';
import type { ConnectionToken } from './storage/connection-token.ts';
import { readConnection } from './storage/connection-token.ts';
import type { UploaderIdentity } from './storage/identity-token.ts';
import { readIdentity } from './storage/identity-token.ts';
import { queuedSource } from './storage/queued-source.ts';

export interface QueuedIngestionPorts extends Pick<DataPlanePorts, 'call' | 'host' | 'lease' | 'log'> {
  readonly clusterId: Guid;
  /** Blobs that are in no account of the cluster. */
  readonly elsewhere: SourceOf;
}

/** Ingests what is in the queue: after each message, and when the time of the next batch has come. */
export class QueuedIngestion implements DueJob {
  readonly name = 'queued ingestion';
  readonly #ports: QueuedIngestionPorts;

  constructor(ports: QueuedIngestionPorts) {
    this.#ports = ports;
  }

  dueOn({ queued }: ClusterData): number | undefined {
    return queued.dueOn();
  }

  run({ queued }: ClusterData): Promise<void> {
    return queued.ingestDue(this.#ingestPorts(queued));
  }

  /** Without waiting for the batching policies. @returns how many messages came to their end */
  flush({ queued }: ClusterData): Promise<number> {
    return queued.flush(this.#ingestPorts(queued));
  }

  #ingestPorts(queued: QueuedStorage): IngestPorts {
    const { lease, log, clusterId, elsewhere } = this.#ports;
    const access = new Map<string, Promise<AllowedRequest>>();
    return {
      signal: lease.ended,
      uploader: async (token, sentOn) => {
        const keys = queued.keys();
        const connection = keys && token !== undefined ? readConnection(keys, token) : undefined;
        if (connection !== undefined) return this.#ofConnection(connection);
        const identity = keys && token !== undefined ? readIdentity(keys, token, sentOn) : undefined;
        if (identity === undefined)
          throw new IngestionRefusal(
            'BadRequest_InvalidKustoIdentityToken',
            'The identity token of the message is not valid.',
          );
        const known = access.get(identity.objectId) ?? this.#access(identity);
        access.set(identity.objectId, known);
        return uploaderOf(await known, await this.#ports.host.data());
      },
      source: (blobPath, sentOn, database, token) => {
        const keys = queued.keys();
        const isConnection = keys !== undefined && token !== undefined && readConnection(keys, token) !== undefined;
        const use = { usage: isConnection ? 'DataConnection' : 'NativeIngestion', database } as const;
        return queuedSource(queued, { clusterId, elsewhere, use }, blobPath, sentOn);
      },
      failed: (error) => log.failure('queued ingestion failed', error),
    };
  }

  /** A data connection brings rows into its database, or, if it is made so, into any of the cluster. */
  async #ofConnection({ connection, principal, database }: ConnectionToken): Promise<Uploader> {
    const { call, host } = this.#ports;
    const { databases, now } = await call('connections', {});
    const data = await syncedData(host, { databases, now });
    return {
      ...{ fqn: principal, displayName: connection },
      requireDatabase: (name) => {
        if (database !== undefined && name !== database)
          throw new IngestionRefusal(
            'BadRequest_DatabaseAccessDenied',
            `The data connection '${connection}' does not route data to other databases (databaseRouting).`,
          );
        return data.database(name).name;
      },
    };
  }

  /** What they may do now: rights are asked for when the rows come, not when the blob did. */
  async #access({ objectId, tenantId, isUser }: UploaderIdentity): Promise<AllowedRequest> {
    const { call, host } = this.#ports;
    const reply = await call('uploader', { objectId, tenantId, isUser });
    if (reply.outcome === 'allowed') {
      await syncedData(host, reply);
      return reply;
    }
    if (reply.kind === 'unavailable' || reply.kind === 'damaged') throw new KustoError(reply.kind, reply.message);
    throw new IngestionRefusal('BadRequest_InvalidKustoIdentityToken', reply.message);
  }
}

const uploaderOf = (access: AllowedRequest, data: ClusterData): Uploader => ({
  ...access.caller,
  requireDatabase: (name, table) => {
    try {
      return requireIngestion(access, data, name, table).name;
    } catch (error) {
      if (!(error instanceof KustoError)) throw error;
      if (error.kind === 'databaseNotFound') throw dataError('DatabaseNotFound', name.slice(0, 200));
      throw new IngestionRefusal('BadRequest_DatabaseAccessDenied', error.message);
    }
  },
});
