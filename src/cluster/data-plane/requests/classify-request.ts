import { BoundedCache } from '../../../base/bounded-cache.ts';
import { ticksOfUnixMilliseconds } from '../../../kql/values/ticks.ts';
import type { ClusterSettings } from '../../../database/catalog/cluster-setting.ts';
import { defaultGroup, internalGroup, viewsGroup } from '../../../database/catalog/workload-group.ts';
import type { RequestView } from '../../../database/commands/command-context.ts';
import type { ClassificationPolicy } from '../../../database/commands/request-classification.ts';
import {
  alikeKey,
  classificationOf,
  classify,
  requestTextMax,
} from '../../../database/commands/request-classification.ts';
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
  readonly classified: ClassifiedRequests;
}

/** Groups of requests that were classified, by what the function looks at. */
export type ClassifiedRequests = BoundedCache<string>;

/** Of 1,000 kinds of requests, with a million characters of what is said of them. */
export const classifiedRequests = (): ClassifiedRequests =>
  new BoundedCache({ countMax: 1_000, weight: { max: 1_000_000, of: (key) => key.length } });

/** The workload group of a request: `default` where no policy says another, names one that is not there or cannot be classified into, fails,
 * or takes too long. Streaming ingestion is in no group. */
export async function groupOfRequest(
  ports: ClassifyPorts,
  data: { clusterSettings(): ClusterSettings; workloadGroup(name: string): WorkloadGroup | undefined },
  request: ToClassify,
): Promise<string> {
  const policy = classificationOf(data.clusterSettings());
  if (policy?.IsEnabled !== true || request.kind === 'ingestion') return defaultGroup;
  const group = await classifiedGroup(ports, policy, request);
  const isOurs = group === undefined || group === internalGroup || group === viewsGroup;
  return isOurs || data.workloadGroup(group) === undefined ? defaultGroup : group;
}

/** @returns undefined when it fails, or takes too long */
async function classifiedGroup(
  { engine, startTimer, classified }: ClassifyPorts,
  policy: ClassificationPolicy,
  request: ToClassify,
): Promise<string | undefined> {
  const about = {
    properties: {
      current_database: request.database,
      current_application: request.application,
      current_principal: request.principal,
      query_consistency: request.consistency,
      request_description: request.description,
      request_text: request.text.slice(0, requestTextMax),
      request_type: request.kind === 'query' ? 'Query' : 'Command',
    },
    ...{ principal: request.principal, memberOf: request.memberOf, now: ticksOfUnixMilliseconds(request.now) },
  } as const;
  const key = alikeKey(policy, about);
  const known = key === undefined ? undefined : classified.get(key);
  if (known !== undefined) return known;
  const controller = new AbortController();
  const cancelTimer = startTimer(classifyMsMax, () => controller.abort(new Error('Classification took too long.')));
  try {
    const group = await classify(engine, policy, { ...about, signal: controller.signal });
    if (key !== undefined) classified.set(key, group);
    return group;
  } catch {
    return undefined;
  } finally {
    cancelTimer();
  }
}
