import type { DiagnosticTarget } from '../arm/diagnostic-settings.ts';
import { columnsOf } from '../audit/event-tables.ts';
import { ChannelClosedError } from '../cluster/messages/channel.ts';
import type { ClusterProcess } from '../cluster/supervisor/cluster-process.ts';
import type { ServedCluster, ServedClusters } from '../cluster/supervisor/served-clusters.ts';
import type { BatchOutcome, EventBatch } from '../providers/insights/deliveries.ts';
import { createDeliveries } from '../providers/insights/deliveries.ts';
import type { ServerParts } from './server-parts.ts';

/** So often it is looked whether there is something to send. */
const everyMs = 1_000;

interface TargetParts extends Pick<ServerParts, 'clocks'> {
  readonly clusters: Pick<ServedClusters, 'byId'>;
  /** Undefined while the cluster may not use its key. */
  readonly processServing: (cluster: ServedCluster) => Promise<ClusterProcess | undefined>;
}

/** Copies what is recorded to the databases that diagnostic settings name, from now on. @returns stops it */
export function startDiagnostics(parts: TargetParts & Pick<ServerParts, 'state' | 'log'>): () => void {
  const deliveries = createDeliveries({
    state: parts.state,
    addRows: (target, batch) => addRows(parts, target, batch),
    failed: (name, error) => parts.log.failure(name, error),
    refused: ({ clusterId }, table) => parts.log.warning('diagnostics-refused', { clusterId, table }),
  });
  return parts.clocks.monotonic.every(everyMs, () => deliveries.deliver());
}

/** The rows go to the process of the cluster, which alone has its key. */
async function addRows(
  { clocks, clusters, processServing }: TargetParts,
  { clusterId, databaseId }: DiagnosticTarget,
  { table, lines, requestId }: EventBatch,
): Promise<BatchOutcome> {
  const cluster = await clusters.byId(clusterId);
  const database = cluster?.databases.find((one) => one.databaseId === databaseId);
  if (cluster === undefined || database === undefined || database.suspended !== undefined) return 'unavailable';
  try {
    const process = await processServing(cluster);
    if (process === undefined) return 'unavailable';
    const { outcome } = await process.call('addRows', {
      ...{ databases: cluster.databases, now: clocks.clock.now(), database: database.name },
      ...{ table: table.name, columns: columnsOf(table), csv: lines.join('\n'), requestId },
    });
    return outcome;
  } catch (error) {
    if (error instanceof ChannelClosedError) return 'unavailable';
    throw error;
  }
}
