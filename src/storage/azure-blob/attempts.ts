import { RestError } from '@azure/storage-blob';
import { BlobsUnavailableError } from '../blob-store.ts';

const attemptsMax = 5;
const firstWaitMs = 200;
/** Of all waits of one request: whoever waits for an answer is told then. */
const waitsMsMax = 15_000;
/** A request that has brought nothing so long is given up, and so are the others: whoever waits has waited long. */
export const attemptMsMax = 30_000;

const passing: ReadonlySet<number | undefined> = new Set([408, 429, 500, 502, 503, 504]);

export interface AttemptPorts {
  /** For people: no secret in it. */
  readonly container: string;
  readonly pause: (milliseconds: number) => Promise<void>;
  /** 0 to 1: requests that failed together are not sent again together. */
  readonly random: () => number;
  /** For a request that is not sent again, and given up after so long. Default: it is, and after half a minute. */
  readonly onceWithinMs?: number | undefined;
}

/** Sends a request again while what came in its way may pass: the network, a service that is busy or throttles, which says how long to wait.
 * @param send may be called again after it was done, when its answer was lost
 * @throws what the service answers for good, as RestError with its status and code; BlobsUnavailableError otherwise */
export async function attempted<T>(
  { container, pause, random, onceWithinMs }: AttemptPorts,
  send: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  let waited = 0;
  for (let attempt = 1; ; attempt += 1) {
    const signal = AbortSignal.timeout(onceWithinMs ?? attemptMsMax);
    try {
      return await send(signal);
    } catch (error) {
      if (signal.aborted) throw new BlobsUnavailableError(`${container} did not answer in time.`);
      if (!(error instanceof RestError)) throw error;
      if (!mayPass(error)) throw error;
      const wait = retryAfterMs(error) ?? firstWaitMs * 2 ** (attempt - 1) * (1 + random());
      waited += wait;
      if (onceWithinMs !== undefined || attempt >= attemptsMax || waited > waitsMsMax)
        throw unavailable(container, error);
      await pause(wait);
    }
  }
}

/** No answer, or half of one. */
const mayPass = ({ statusCode }: RestError): boolean => statusCode === undefined || passing.has(statusCode);

/** Seconds, as Azure Storage sends them (RFC 9110, 10.2.3); dates it does not send. */
function retryAfterMs({ response }: RestError): number | undefined {
  const seconds = Number(response?.headers.get('retry-after') ?? Number.NaN);
  return seconds >= 0 ? seconds * 1_000 : undefined;
}

/** Codes of Azure Storage and of the system are names; messages may tell more. */
export function unavailable(container: string, error: RestError): BlobsUnavailableError {
  const code = codeOf(error);
  const { statusCode } = error;
  const named = /^[A-Za-z_]{1,60}$/.test(code) ? ` (${code})` : '';
  return new BlobsUnavailableError(
    statusCode === undefined
      ? `${container} cannot be reached${named}.`
      : `${container} answered ${statusCode}${named}.`,
  );
}

/** As Azure Storage names what is wrong, or the system; `` for nothing known. An answer without a body says it in a header. */
export const codeOf = ({ response, code = '' }: RestError): string => response?.headers.get('x-ms-error-code') ?? code;
