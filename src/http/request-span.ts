import type { FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import { hostOf } from './see-request.ts';
import { redactedPath, spanMethod } from './tracing/span.ts';
import { parseTraceparent } from './tracing/trace-context.ts';
import type { OpenSpan, Tracer } from './tracing/tracer.ts';

/** The span of a request that somebody answers here: part of the trace that its client names, else of what brought it about. */
export function beginRequestSpan(tracer: Tracer, request: FastifyRequest): OpenSpan {
  const { traceparent } = request.headers;
  const named = parseTraceparent(typeof traceparent === 'string' ? traceparent : undefined);
  const cause = tracer.causeOf(request.raw);
  return tracer.begin('server', named ?? cause ?? null, named === undefined ? undefined : cause);
}

/** @param route the pattern of the matched route; `none`: there is none */
export function endRequestSpan(
  span: OpenSpan,
  request: FastifyRequest,
  response: ServerResponse,
  { plane, route }: { readonly plane: string; readonly route: string },
): void {
  const method = spanMethod(request.method);
  const host = hostOf(request);
  const { statusCode: status, writableFinished } = response;
  const isMatched = route !== 'none';
  const errorType = status >= 500 ? String(status) : writableFinished ? undefined : 'aborted';
  span.end(
    isMatched ? `${method} ${route}` : method,
    {
      ...{ plane, method, status, scheme: request.protocol },
      path: isMatched ? redactedPath(route) : redactedPath('/*'),
      ...(isMatched ? { route } : {}),
      ...(/^[a-z0-9.-]+$/.test(host) ? { host } : {}),
      ...(request.operationId === undefined ? {} : { operation: request.operationId }),
    },
    errorType,
  );
}
