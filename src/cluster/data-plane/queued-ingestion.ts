import type { Guid } from '../../base/guid.ts';
import { instant } from '../../clock/clock.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import { CommitRefusedError, dataError } from '../../database/catalog/data-error.ts';
import type { SourceOf } from '../../database/ingest/data-source.ts';
import type { IngestPorts, Uploader } from '../../database/queued/ingest-queue.ts';
import { IngestionRefusal } from '../../database/queued/ingestion-refusal.ts';
import type { QueuedStorage } from '../../database/queued/queued-storage.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';
import { syncedData } from './cluster-host.ts';
import { requireIngestion } from './database-access.ts';
import { KustoError } from './errors/kusto-error.ts';
import type { DataPlanePorts } from './ports.ts';
import type { UploaderIdentity } from './storage/identity-token.ts';
import { readIdentity } from './storage/identity-token.ts';
import { queuedSource } from './storage/queued-source.ts';

export interface QueuedIngestionPorts extends Pick<
  DataPlanePorts,
  'call' | 'lease' | 'host' | 'clock' | 'log' | 'startTimer' | 'activity'
> {
  readonly clusterId: Guid;
  /** Blobs that are in no account of the cluster. */
  readonly elsewhere: SourceOf;
}

/** Not more often, even when the clock says that something is due and it cannot be done. */
const retryMs = 5_000;
const shortestMs = 50;

/** Ingests what is in the queue when it is due: after each message, and when the time of the next batch has come on the Kustody clock.
 * Nothing is remembered here, so it does not matter when it is woken, nor how often. */
export class QueuedIngestion {
  readonly #ports: QueuedIngestionPorts;
  #cancel: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #again = false;

  constructor(ports: QueuedIngestionPorts) {
    this.#ports = ports;
  }

  /** Something is in the queue, or the clock has gone on. */
  wake(): void {
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#running = this.#run().finally(() => {
      this.#running = undefined;
      if (this.#again) {
        this.#again = false;
        this.wake();
      }
    });
  }

  async #run(): Promise<void> {
    const { call, lease, host, clock, log } = this.#ports;
    this.#cancel?.();
    let waitMs: number | undefined = retryMs;
    try {
      const { leaseMs, now } = await call('renew', {});
      if (leaseMs <= 0) return; // the key is away: whoever brings it back starts another process
      lease.extend(leaseMs);
      clock.tell(now);
      host.tell(instant(now));
      const { queued } = await host.data();
      if ((queued.dueOn() ?? Infinity) <= now) await this.#ingestDue(queued);
      const dueOn = queued.dueOn();
      waitMs = dueOn === undefined ? undefined : Math.max(dueOn - now, dueOn <= now ? retryMs : shortestMs);
    } catch (error) {
      if (!(error instanceof CommitRefusedError) && !(error instanceof KustoError))
        log.failure('queued ingestion failed', error);
    }
    if (waitMs !== undefined) this.#cancel = this.#ports.startTimer(Math.min(waitMs, 3_600_000), () => this.wake());
  }

  /** The cluster does not rest meanwhile. To look whether there is something is no use of it: that is done every half minute. */
  async #ingestDue(queued: QueuedStorage): Promise<void> {
    const done = this.#ports.activity.begin();
    try {
      await queued.ingestDue(this.#ingestPorts(queued));
    } finally {
      done();
    }
  }

  #ingestPorts(queued: QueuedStorage): IngestPorts {
    const { log, clusterId, elsewhere } = this.#ports;
    const access = new Map<string, Promise<AllowedRequest>>();
    return {
      uploader: async (token, sentOn) => {
        const keys = queued.keys();
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
      source: (blobPath, sentOn) => queuedSource(queued, { clusterId, elsewhere }, blobPath, sentOn),
      failed: (error) => log.failure('queued ingestion failed', error),
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
