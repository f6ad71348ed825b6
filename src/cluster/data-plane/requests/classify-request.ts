import { ticksOfUnixMilliseconds } from '../../../kql/values/ticks.ts';
import type { ClusterSettings } from '../../../database/catalog/cluster-setting.ts';
import { defaultGroup, internalGroup, viewsGroup } from '../../../database/catalog/workload-group.ts';
import type { RequestView } from '../../../database/commands/command-context.ts';
import { classificationOf, classify, requestTextMax } from '../../../database/commands/request-classification.ts';
import type { WorkloadGroup } from '../../../database/catalog/workload-group.ts';
import type { QueryEngine } from '../../../kql/query-engine.ts';
import type { StartTimer } from '../../../http/timer.ts';

/** Whoever classifies must not be what requests wait for: it is compiled once, and looks at a few short texts. */
const classifyMsMax = 1_000;

export interface ToClassify extends Pick<RequestView, 'kind' | 'text' | 'database' | 'application' | 'principal'> {
  readonly memberOf: readonly string[];
  /** Milliseconds since 1970 on the Kustody clock. */
  readonly now: number;
  readonly description: string;
  readonly consistency: string;
}

export interface ClassifyPorts {
  readonly engine: Pick<QueryEngine, 'execute'>;
  readonly startTimer: StartTimer;
}

/** The workload group of a request: `default` where no policy says another, names one that is not there or cannot be classified into, fails,
 * or takes too long. Streaming ingestion is in no group. */
export async function groupOfRequest(
  { engine, startTimer }: ClassifyPorts,
  data: { clusterSettings(): ClusterSettings; workloadGroup(name: string): WorkloadGroup | undefined },
  request: ToClassify,
): Promise<string> {
  const policy = classificationOf(data.clusterSettings());
  if (policy?.IsEnabled !== true || request.kind === 'ingestion') return defaultGroup;
  const controller = new AbortController();
  const cancelTimer = startTimer(classifyMsMax, () => controller.abort(new Error('Classification took too long.')));
  try {
    const group = await classify(engine, policy, {
      properties: {
        current_database: request.database,
        current_application: request.application,
        current_principal: request.principal,
        query_consistency: request.consistency,
        request_description: request.description,
        request_text: request.text.slice(0, requestTextMax),
        request_type: request.kind === 'query' ? 'Query' : 'Command',
      },
      ...{ principal: request.principal, memberOf: request.memberOf },
      ...{ now: ticksOfUnixMilliseconds(request.now), signal: controller.signal },
    });
    const isOurs = group === internalGroup || group === viewsGroup;
    return isOurs || data.workloadGroup(group) === undefined ? defaultGroup : group;
  } catch {
    return defaultGroup;
  } finally {
    cancelTimer();
  }
}
