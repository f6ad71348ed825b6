import { obfuscated } from '../../kql/values/obfuscated.ts';
import { instant } from '../../clock/clock.ts';
import type { RequestView } from '../../database/commands/command-context.ts';
import type { StartTimer } from '../../http/timer.ts';
import { translateError } from './errors/engine-errors.ts';
import { clientRequestIdOf } from './kusto-app.ts';
import type { KustoRequest } from './requests/request-body.ts';
import type { KustoError } from './errors/kusto-error.ts';
import { kustoError } from './errors/kusto-error.ts';
import type { Limits } from './requests/request-capacity.ts';
import { setLimits } from './requests/request-capacity.ts';
import type { RunningPlace } from './requests/request-queue.ts';
import type { AdmittedRequest, DataPlanePorts } from './ports.ts';

/** Gives a request its time limit, its place among those running, and an end when the client goes.
 * @throws KustoError when as many run as the cluster can have, at once unless a request queuing policy lets it wait */
export async function withLimits<T>(
  ports: DataPlanePorts,
  { access, request, reply }: AdmittedRequest,
  timeoutMs: number,
  { text, database, kind }: Pick<KustoRequest, 'text' | 'database'> & Pick<RequestView, 'kind'>,
  run: (signal: AbortSignal, place: RunningPlace) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const startedMs = ports.monotonicMs();
  const view = {
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
  const cancelTimer = ports.startTimer(timeoutMs, () => {
    controller.abort(
      kustoError(
        'timeout',
        `Request timed out on the service side: the limit of ${timeoutMs / 1000} seconds was exceeded.`,
      ),
    );
  });
  const gone = (): void => {
    if (!reply.raw.writableFinished) controller.abort(kustoError('cancelled', 'The client closed the connection.'));
  };
  reply.raw.once('close', gone);
  const desist = insist(ports.startTimer, controller.signal);
  let failure: KustoError | undefined;
  let place: RunningPlace | undefined;
  try {
    const limits = kind === 'ingestion' ? {} : await limitsOf(ports);
    place = await ports.running.enter({ view, controller }, { machines: access.machines, ...limits });
    const result = await run(controller.signal, place);
    if (controller.signal.aborted) failure = failureOf(ports, undefined, controller.signal, text);
    return result;
  } catch (error) {
    failure = failureOf(ports, error, controller.signal, text);
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

/** Without the data nobody knows what was set; then the request itself says why they are not there. */
const limitsOf = (ports: DataPlanePorts): Promise<Pick<Limits, 'group' | 'ingestion'>> =>
  ports.host.data().then(setLimits, () => ({}));

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
export function failureOf(ports: DataPlanePorts, error: unknown, signal: AbortSignal, text: string): KustoError {
  const cause: unknown = signal.aborted ? signal.reason : error;
  const known = translateError(cause, text);
  if (known !== undefined) return known;
  ports.log.failure('request failed', error);
  return kustoError('internal', 'An internal error occurred.');
}

const headerText = (header: string | string[] | undefined): string =>
  typeof header === 'string' ? header.slice(0, 200) : '';
