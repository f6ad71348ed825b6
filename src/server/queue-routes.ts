import type { FastifyInstance } from 'fastify';
import type { ClusterProcess } from '../cluster/supervisor/cluster-process.ts';
import type { ServedCluster, ServedClusters } from '../cluster/supervisor/served-clusters.ts';
import { ControlError } from './control-plane.ts';

export interface QueueRoutePorts {
  readonly clusters: Pick<ServedClusters, 'list'>;
  readonly processServing: (cluster: ServedCluster) => Promise<ClusterProcess | undefined>;
}

/** `POST /queued-ingestion/flush`: what waits in the queues of all clusters is ingested when it is answered, whatever batching policies say. */
export const queueRoutes =
  ({ clusters, processServing }: QueueRoutePorts) =>
  (app: FastifyInstance): void => {
    app.post('/queued-ingestion/flush', async () => {
      let settled = 0;
      const away: string[] = [];
      for (const cluster of await clusters.list()) {
        const process = await processServing(cluster);
        const reply = await process?.call('flushQueue', {}).catch(() => undefined);
        if (reply?.outcome === 'flushed') settled += reply.settled;
        else away.push(cluster.name);
      }
      if (away.length > 0)
        throw new ControlError(
          409,
          'ClusterNotServing',
          `These clusters do not serve now, and what is queued there waits: ${away.join(', ')}.`,
        );
      return { settled };
    });
  };
