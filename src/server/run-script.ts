import { ChannelClosedError } from '../cluster/messages/channel.ts';
import type { SupervisedClusterKeys } from '../cluster/supervisor/cluster-keys.ts';
import type { ClusterProcess } from '../cluster/supervisor/cluster-process.ts';
import { accessOf } from '../cluster/supervisor/plane/request-access.ts';
import type { ServedCluster } from '../cluster/supervisor/served-clusters.ts';
import type { Clock } from '../clock/clock.ts';
import type { ScriptOutcome, ScriptRun } from '../providers/kusto/ports.ts';

/** Has the process of a cluster run a script: the key and every row stay there. */
export async function runScript(
  parts: {
    readonly keys: Pick<SupervisedClusterKeys, 'admitted'>;
    readonly clock: Clock;
    readonly processServing: (cluster: ServedCluster) => Promise<ClusterProcess | undefined>;
  },
  cluster: ServedCluster,
  { database, script, continueOnErrors, caller }: ScriptRun,
): Promise<ScriptOutcome> {
  try {
    const process = await parts.processServing(cluster);
    const admission = await parts.keys.admitted(cluster.clusterId);
    if (process === undefined || admission.outcome !== 'admitted') return { outcome: 'unavailable' };
    const { leaseMs } = admission;
    const access = { outcome: 'allowed', ...accessOf(cluster, caller), now: parts.clock.now(), leaseMs } as const;
    return await process.call('runScript', { access, database, script, continueOnErrors });
  } catch (error) {
    if (error instanceof ChannelClosedError) return { outcome: 'unavailable' };
    throw error;
  }
}
