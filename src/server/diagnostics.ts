import type { Guid } from '../base/guid.ts';
import { resourceRecordId } from '../arm/resource.ts';
import { toldRequestsMax } from '../cluster/messages/ended-requests.ts';
import { clusterResources } from '../providers/kusto/cluster-record.ts';
import type { RequestDeliveryPorts } from '../providers/insights/request-deliveries.ts';
import { createRequestDeliveries } from '../providers/insights/request-deliveries.ts';
import { toldEvent } from './told-event.ts';
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

interface SourceParts extends Pick<ServerParts, 'state' | 'log'> {
  /** Undefined while it has none. */
  readonly processOf: (clusterId: Guid) => ClusterProcess | undefined;
}

/** Copies what is recorded, and what clusters are asked, to the databases that diagnostic settings name, from now on. @returns stops it */
export function startDiagnostics(parts: TargetParts & SourceParts): () => void {
  const { state, log, clocks } = parts;
  const common = {
    state,
    addRows: (target: DiagnosticTarget, batch: EventBatch) => addRows(parts, target, batch),
    failed: (name: string, error: unknown) => log.failure(name, error),
    refused: ({ clusterId }: DiagnosticTarget, table: string) =>
      log.warning('diagnostics-refused', { clusterId, table }),
  };
  const recorded = createDeliveries(common);
  const asked = createRequestDeliveries({
    ...common,
    boot: clocks.monotonic.moment().boot,
    requestsOf: requestsOf(parts),
  });
  const stops = [recorded, asked].map((one) => clocks.monotonic.every(everyMs, () => one.deliver()));
  return () => {
    for (const stop of stops) stop();
  };
}

/** Asks the process of a cluster, and starts none. */
function requestsOf({ state, log, processOf }: SourceParts): RequestDeliveryPorts['requestsOf'] {
  const lost = new Map<Guid, number>();
  return async (resourceId, at) => {
    const cluster = await state.get(clusterResources, resourceRecordId(resourceId));
    if (cluster === undefined) return undefined;
    const { clusterId } = cluster.value.properties;
    const process = processOf(clusterId);
    if (process === undefined || process.ended) return undefined;
    const limit = at === undefined ? 0 : toldRequestsMax;
    const reply = await process.call('endedRequests', { dropTo: 0, after: 0, ...at, limit }).catch((error: unknown) => {
      if (error instanceof ChannelClosedError) return undefined;
      throw error;
    });
    if (reply?.outcome !== 'listed') return undefined;
    if (reply.lost > (lost.get(clusterId) ?? 0)) log.warning('diagnostics-lost', { clusterId, requests: reply.lost });
    lost.set(clusterId, reply.lost);
    return { bufferId: reply.bufferId, last: reply.last, events: reply.requests.map(toldEvent) };
  };
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
