import type { RequestLimit, RequestLimits, WorkloadGroup } from '../../../database/catalog/workload-group.ts';
import { defaultGroup } from '../../../database/catalog/workload-group.ts';
import { isExportCommand, isIngestionCommand } from '../../../database/commands/command-type.ts';
import type { RequestView } from '../../../database/commands/command-context.ts';
import type { RequestOptions } from './request-options.ts';
import { lower, memorySet, scopeSet } from './request-options.ts';
import type { QueryRequest } from '../../../kql/query-request.ts';
import { parseTimespan, ticksPerMillisecond } from '../../../kql/values/ticks.ts';

/** The limits of a request: those of its group, and of `default` what that does not say.
 * @see Kusto "Request limits policy", notes: what brings rows in from a query, and what exports them, is not limited in `default` */
export function limitsOfRequest(
  data: { workloadGroup(name: string): WorkloadGroup | undefined },
  group: string,
  { kind, text }: Pick<RequestView, 'kind' | 'text'>,
): RequestLimits {
  if (group === defaultGroup && kind === 'command' && (isExportCommand(text) || isIngestionCommand(text))) return {};
  return {
    ...data.workloadGroup(defaultGroup)?.RequestLimitsPolicy,
    ...(group === defaultGroup ? {} : data.workloadGroup(group)?.RequestLimitsPolicy),
  };
}

/** What holds when a client asks for something: a limit that is not relaxable can only be made smaller.
 * @returns undefined when neither says anything */
export function limited(limit: RequestLimit<number> | undefined, asked: number | undefined): number | undefined {
  if (limit === undefined || asked === undefined) return asked ?? limit?.Value;
  return limit.IsRelaxable ? asked : Math.min(asked, limit.Value);
}

/** Bytes that a query may hold, of all that is said of its memory the least: one node has all of it, and its engine knows no operators.
 * @param set statements of its text; where both set a limit, the lower one holds
 * @throws KustoError `badRequest` */
export function memoryBytesOf(
  { MaxMemoryPerQueryPerNode, MaxMemoryPerIterator }: RequestLimits,
  asked: Pick<RequestOptions, 'memoryPerQuery' | 'memoryPerOperator'>,
  set: Parameters<typeof memorySet>[0],
): number | undefined {
  const inText = memorySet(set);
  return lower(
    limited(MaxMemoryPerQueryPerNode, lower(asked.memoryPerQuery, inText.memoryPerQuery)),
    limited(MaxMemoryPerIterator, lower(asked.memoryPerOperator, inText.memoryPerOperator)),
  );
}

/** Whether a request reads only what is hot. What the client asks for counts where it may, or where it asks for less.
 * @param set statements of its text @throws KustoError `badRequest` */
export function isHotOnly(
  { DataScope: limit }: RequestLimits,
  asked: Pick<RequestOptions, 'dataScope'>,
  set: Parameters<typeof memorySet>[0],
): boolean {
  const scopes = [asked.dataScope, scopeSet(set).dataScope];
  const wanted = scopes.includes('hotcache') ? 'hotcache' : scopes.find((scope) => scope === 'all');
  if (wanted === 'hotcache') return true;
  return limit?.Value === 'HotCache' && (wanted === undefined || !limit.IsRelaxable);
}

/** Percent of the engine's threads. Of one node any share of nodes is that node. @throws KustoError `badRequest` */
export function threadsPercentOf(
  { MaxFanoutThreadsPercentage: limit }: RequestLimits,
  asked: Pick<RequestOptions, 'threadsPercent'>,
  set: Parameters<typeof memorySet>[0],
): number | undefined {
  return limited(limit, lower(asked.threadsPercent, scopeSet(set).threadsPercent));
}

/** What limits a query while it runs. */
export const queryLimits = (
  limits: RequestLimits,
  options: RequestOptions,
): Required<Pick<QueryRequest, 'memoryBytes' | 'hotOnly' | 'threadsPercent'>> => ({
  memoryBytes: (set) => memoryBytesOf(limits, options, set),
  hotOnly: (set) => isHotOnly(limits, options, set),
  threadsPercent: (set) => threadsPercentOf(limits, options, set),
});

/** How old results may be that were computed before, where the group or the client takes such. */
export function cacheMaxAgeMsOf(
  { QueryResultsCacheMaxAge: ofLimits }: RequestLimits,
  { CachedResultsMaxAge: ofConsistency }: NonNullable<WorkloadGroup['QueryConsistencyPolicy']>,
  asked: number | undefined,
): number | undefined {
  return [ofLimits, ofConsistency as RequestLimit<string> | undefined].reduce(
    (held, limit) => limited(limit && { IsRelaxable: limit.IsRelaxable, Value: millisecondsOf(limit.Value) }, held),
    asked,
  );
}

const millisecondsOf = (period: string): number => Number((parseTimespan(period) ?? 0n) / ticksPerMillisecond);

export function timeoutMsOf({ MaxExecutionTime: limit }: RequestLimits, asked: number | undefined): number | undefined {
  if (limit === undefined) return asked;
  return limited({ IsRelaxable: limit.IsRelaxable, Value: Math.max(1, millisecondsOf(limit.Value)) }, asked);
}
