import { untilAborted } from '../../base/until-aborted.ts';
import { obfuscated } from '../../kql/values/obfuscated.ts';
import { instant } from '../../clock/clock.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import type { RequestLimits } from '../../database/catalog/workload-group.ts';
import { defaultGroup } from '../../database/catalog/workload-group.ts';
import type { RequestView } from '../../database/commands/command-context.ts';
import type { StartTimer } from '../../http/timer.ts';
import { translateError } from './errors/engine-errors.ts';
import { clientRequestIdOf } from './kusto-app.ts';
import type { KustoRequest } from './requests/request-body.ts';
import { groupOfRequest } from './requests/classify-request.ts';
import { limitsOfRequest, timeoutMsOf } from './requests/group-limits.ts';
import type { RequestOptions } from './requests/request-options.ts';
import type { KustoError, SentText } from './errors/kusto-error.ts';
import { kustoError } from './errors/kusto-error.ts';
import { setLimits } from './requests/request-capacity.ts';
import type { RunningPlace } from './requests/request-queue.ts';
import type { AdmittedRequest, DataPlanePorts } from './ports.ts';

interface LimitedRequest extends Pick<KustoRequest, 'text' | 'database'>, Pick<RequestView, 'kind'> {
  /** Absent: nobody has said anything. */
  readonly options?: Pick<RequestOptions, 'timeoutMs' | 'description' | 'consistency'> | undefined;
}

/** What a request is held to while it runs. */
interface Granted {
  readonly signal: AbortSignal;
  readonly place: RunningPlace;
  /** Of its workload group. */
  readonly limits: RequestLimits;
  readonly workloadGroup: string;
}

/** Gives a request its workload group, its time limit, its place among those running, and an end when the client goes.
 * @param defaultMs its time where neither the client nor its workload group says another
 * @throws KustoError when as many run as the cluster can have, at once unless a request queuing policy lets it wait */
export async function withLimits<T>(
  ports: DataPlanePorts,
  { access, request, reply }: AdmittedRequest,
  defaultMs: number,
  { text, database, kind, options }: LimitedRequest,
  run: (signal: AbortSignal, granted: Granted) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const startedMs = ports.monotonicMs();
  const sent = {
    clientRequestId: clientRequestIdOf(request.correlation),
    text: obfuscated(text),
    database,
    startedOn: instant(access.now),
    activityId: request.correlation.requestId,
    principal: access.caller.fqn,
    user: access.caller.displayName,
    application: headerText(request.headers['x-ms-app']),
    kind,
    ...(access.following === undefined ? {} : { throughFollower: true as const }),
  };
  const gone = (): void => {
    if (!reply.raw.writableFinished) controller.abort(kustoError('cancelled', 'The client closed the connection.'));
  };
  reply.raw.once('close', gone);
  const desist = insist(ports.startTimer, controller.signal);
  let cancelTimer = (): void => undefined;
  let failure: KustoError | undefined;
  let place: RunningPlace | undefined;
  // Time runs from the beginning, whatever the request waits for, also before anybody knows its group.
  const endAfter = (timeoutMs: number): void => {
    cancelTimer();
    cancelTimer = ports.startTimer(Math.max(0, timeoutMs - (ports.monotonicMs() - startedMs)), () => {
      controller.abort(
        kustoError(
          'timeout',
          `Request timed out on the service side: the limit of ${timeoutMs / 1000} seconds was exceeded.`,
        ),
      );
    });
  };
  try {
    endAfter(options?.timeoutMs ?? defaultMs);
    const data = kind === 'ingestion' ? undefined : await untilAborted(heldData(ports), controller.signal);
    const classified = data && classifiedAs(ports, { access, request }, { text, database, kind, options }, data);
    const workloadGroup = classified ? await untilAborted(classified, controller.signal) : defaultGroup;
    const limits = data === undefined ? {} : limitsOfRequest(data, workloadGroup, { kind, text });
    endAfter(timeoutMsOf(limits, options?.timeoutMs) ?? defaultMs);
    const view = workloadGroup === defaultGroup ? sent : { ...sent, workloadGroup };
    const set = data === undefined ? {} : setLimits(data);
    place = await ports.running.enter({ view, controller }, { machines: access.machines, ...set });
    const result = await run(controller.signal, { signal: controller.signal, place, limits, workloadGroup });
    if (controller.signal.aborted) failure = failureOf(ports, undefined, controller.signal, { text, database });
    return result;
  } catch (error) {
    failure = failureOf(ports, error, controller.signal, { text, database });
    throw failure;
  } finally {
    cancelTimer();
    desist();
    reply.raw.off('close', gone);
    place?.end({
      on: ports.clock.now(),
      milliseconds: ports.monotonicMs() - startedMs,
      state: failure === undefined ? 'Completed' : failure.kind === 'cancelled' ? 'Cancelled' : 'Failed',
      failure: failure?.message ?? '',
    });
  }
}

/** The workload group of a request. */
export const classifiedAs = (
  ports: DataPlanePorts,
  { access, request }: Pick<AdmittedRequest, 'access' | 'request'>,
  { text, database, kind, options }: LimitedRequest,
  data: ClusterData,
): Promise<string> =>
  groupOfRequest({ ...ports, engine: ports.host.engine }, data, {
    ...{ kind, text: obfuscated(text), database, application: headerText(request.headers['x-ms-app']) },
    ...{ principal: access.caller.fqn, memberOf: access.caller.memberOf, now: access.now },
    ...{ description: options?.description ?? '', consistency: options?.consistency ?? '' },
  });

/** Without the data nobody knows what was set; then the request itself says why they are not there. */
export const heldData = (ports: DataPlanePorts): Promise<ClusterData | undefined> =>
  ports.host.data().catch(() => undefined);

const insistEveryMs = 100;

/** The engine interrupts what it runs when it hears of the abort. An interrupt that comes a moment before a statement begins is lost,
 * so it hears of it again until the request is over. @returns what ends that */
export function insist(startTimer: StartTimer, signal: AbortSignal): () => void {
  let cancel: (() => void) | undefined;
  const again = (): void => {
    cancel = startTimer(insistEveryMs, () => {
      again();
      signal.dispatchEvent(new Event('abort'));
    });
  };
  signal.addEventListener('abort', again, { once: true });
  return () => {
    signal.removeEventListener('abort', again);
    cancel?.();
  };
}

/** What ended a request: its own limit or a cancel comes before what that made the engine say. */
export function failureOf(
  ports: DataPlanePorts,
  error: unknown,
  signal: AbortSignal,
  { text, database }: SentText,
): KustoError {
  const cause: unknown = signal.aborted ? signal.reason : error;
  const known = translateError(cause, text, database);
  if (known !== undefined) return known;
  ports.log.failure('request failed', error);
  return kustoError('internal', 'An internal error occurred.');
}

export const headerText = (header: string | string[] | undefined): string =>
  typeof header === 'string' ? header.slice(0, 200) : '';
