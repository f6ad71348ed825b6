import type { IncomingHttpHeaders } from 'node:http';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { parseTraceparent } from './tracing/trace-context.ts';

/** The ids of one request, as clients, headers and logs know them. */
export interface Correlation {
  /** New for each request: `x-ms-request-id`. */
  readonly requestId: Guid;
  /** The caller's `x-ms-correlation-request-id` when it is a GUID, else a new one. */
  readonly correlationId: Guid;
  /** `x-ms-client-request-id` as sent, any text (Kusto's have a prefix and may be free text); undefined when missing, too
   * long or not legal in a header. Chosen by the caller: never logged. */
  readonly clientRequestId: string | undefined;
  /** Of the trace that the caller's `traceparent` says the request is part of: 32 hexadecimal digits. */
  readonly traceId: string | undefined;
  /** The caller asked to have its id echoed (`x-ms-return-client-request-id: true`). */
  readonly returnClientRequestId: boolean;
}

const clientRequestIdCharsMax = 512;

/** @param newGuid of ids that need not be secret */
export function readCorrelation(headers: IncomingHttpHeaders, newGuid: () => Guid): Correlation {
  const single = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  };
  const given = single('x-ms-correlation-request-id');
  return {
    requestId: newGuid(),
    correlationId: (given === undefined ? undefined : parseGuid(given)) ?? newGuid(),
    clientRequestId: echoable(single('x-ms-client-request-id')),
    traceId: parseTraceparent(single('traceparent'))?.traceId,
    returnClientRequestId: single('x-ms-return-client-request-id')?.toLowerCase() === 'true',
  };
}

/** What most planes send with every answer. Those that always echo the client's id add it themselves. */
export function correlationHeaders(correlation: Correlation): Record<string, string> {
  const headers: Record<string, string> = {
    'x-ms-request-id': correlation.requestId,
    'x-ms-correlation-request-id': correlation.correlationId,
  };
  if (correlation.returnClientRequestId && correlation.clientRequestId !== undefined) {
    headers['x-ms-client-request-id'] = correlation.clientRequestId;
  }
  return headers;
}

/** Node's parser hands over control characters that its writer refuses. */
function echoable(value: string | undefined): string | undefined {
  if (value === undefined || value === '' || value.length > clientRequestIdCharsMax) return undefined;
  return /^[\t\x20-\x7e\x80-\xff]+$/.test(value) ? value : undefined;
}
