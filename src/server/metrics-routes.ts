import type { FastifyInstance } from 'fastify';
import type { Guid } from '../base/guid.ts';
import type { Metric } from '../http/metrics-text.ts';
import { metricsMediaType, metricsText } from '../http/metrics-text.ts';
import type { RequestMetrics } from '../http/request-metrics.ts';
import type { CacheMetrics } from './cache-metrics.ts';
import { version } from './version.ts';

interface Clusters {
  list(): Promise<readonly { readonly clusterId: Guid; readonly state: string }[]>;
}
interface Counts {
  readonly requestMetrics: RequestMetrics;
  readonly cacheMetrics: CacheMetrics;
}
type HasProcess = (clusterId: Guid) => boolean;

/** Takes all of them. No names of clusters, vaults or keys: numbers alone. */
export type TakeMetrics = () => Promise<readonly Metric[]>;

export const metricsOf =
  ({ requestMetrics, cacheMetrics }: Counts, clusters: Clusters, hasProcess: HasProcess): TakeMetrics =>
  async () => [
    ...(await instanceMetrics(clusters, hasProcess)),
    ...processMetrics(),
    ...requestMetrics.list(),
    ...cacheMetrics.list(),
  ];

/** `GET /metrics` for Prometheus, which sends the control token. */
export const metricsRoutes =
  (metrics: TakeMetrics) =>
  (app: FastifyInstance): void => {
    app.get('/metrics', async (_, reply) => reply.type(metricsMediaType).send(metricsText(await metrics())));
  };

async function instanceMetrics(clusters: Clusters, hasProcess: HasProcess): Promise<readonly Metric[]> {
  const states = new Map<string, number>();
  let processes = 0;
  for (const { clusterId, state } of await clusters.list()) {
    states.set(state, (states.get(state) ?? 0) + 1);
    if (hasProcess(clusterId)) processes += 1;
  }
  return [
    gauge('kustody_info', 'What this is.', [{ labels: { version }, value: 1 }]),
    gauge(
      'kustody_clusters',
      'Clusters by their state, as the resource manager tells it.',
      [...states].map(([state, value]) => ({ labels: { state }, value })),
    ),
    gauge('kustody_cluster_processes', 'Clusters that have a process now; the others rest.', [{ value: processes }]),
  ];
}

/** Under the names that client libraries of Prometheus have for them; of the main process alone. */
function processMetrics(): readonly Metric[] {
  const { user, system } = process.cpuUsage();
  return [
    {
      ...{ name: 'process_cpu_seconds_total', type: 'counter', help: 'Processor time, user and system.' },
      samples: [{ value: (user + system) / 1e6 }],
    },
    gauge('process_resident_memory_bytes', 'Resident memory.', [{ value: process.memoryUsage.rss() }]),
  ];
}

const gauge = (name: string, help: string, samples: Metric['samples']): Metric => ({
  name,
  type: 'gauge',
  help,
  samples,
});
