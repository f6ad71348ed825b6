import type { FastifyReply, FastifyRequest } from 'fastify';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Correlation } from '../../http/correlation.ts';
import type { Log } from '../../http/logging.ts';
import type { PlaneAnswer, PlaneFailure, PlaneFailureKind } from '../../http/plane-failure.ts';
import type { PlaneApp } from '../../http/plane-app.ts';
import { createPlaneApp } from '../../http/plane-app.ts';
import { kustoBodyRules } from './body-rules.ts';
import { signInMetadata } from './auth-metadata.ts';
import type { ErrorContext, KustoErrorKind } from './errors/kusto-error.ts';
import { KustoError, kustoError, oneApiError, plainTextError } from './errors/kusto-error.ts';

export interface KustoAppOptions {
  readonly log: Log;
  readonly randomBytes: RandomBytes;
  /** ISO 8601, for errors. */
  readonly timestamp: () => string;
  readonly bodyBytesMax: number;
  readonly bodyRoomBytes?: number;
  readonly authenticate: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  readonly translate: (error: unknown) => KustoError | undefined;
  /** No body is waited for any more once it is aborted; its reason is an error of this protocol. */
  readonly until?: AbortSignal;
  /** Every answer ends its connection. */
  readonly closing?: true;
}

const metadataPath = '/v1/rest/auth/metadata';
export const pingPath = '/v1/rest/ping';

/** What every data plane answers alike, whether the cluster serves or not: sign-in metadata, errors, ids. Bodies are bytes. */
export function createKustoApp(options: KustoAppOptions): PlaneApp {
  const planeApp = createPlaneApp({
    name: 'kusto',
    log: options.log,
    bodyRules: kustoBodyRules,
    randomBytes: options.randomBytes,
    bodies: 'bytes',
    bodyBytesMax: options.bodyBytesMax,
    ...(options.bodyRoomBytes !== undefined && { bodyRoomBytes: options.bodyRoomBytes }),
    ...(options.until && { until: options.until }),
    authenticate: async (request, reply) => {
      // Clients ask it before they have a token.
      if (request.routeOptions.url !== metadataPath) await options.authenticate(request, reply);
    },
    renderError: (error, request) => {
      const known = options.translate(error);
      return known === undefined ? undefined : errorAnswer(known, request, options.timestamp());
    },
    renderFailure: (failure, request) => errorAnswer(failureError(failure), request, options.timestamp()),
    answerHeaders: (correlation) => ({
      ...kustoHeaders(correlation),
      ...(options.closing ? { connection: 'close' } : {}),
    }),
  });
  planeApp.app.get(metadataPath, (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(signInMetadata),
  );
  return planeApp;
}

/** The client's own id comes back; without one it gets a new one. */
export const clientRequestIdOf = ({ clientRequestId, correlationId }: Correlation): string =>
  clientRequestId ?? `unspecified;${correlationId}`;

function kustoHeaders(correlation: Correlation): Record<string, string> {
  return {
    'x-ms-client-request-id': clientRequestIdOf(correlation),
    'x-ms-activity-id': correlation.requestId,
  };
}

const failureKinds = {
  notFound: 'notFound',
  badUrl: 'badRequest',
  bodyTooLarge: 'payloadTooLarge',
  badJson: 'badRequest',
  badBody: 'badRequest',
  busy: 'throttled',
  storageFull: 'storageFull',
  unsupportedMediaType: 'badRequest',
  internal: 'internal',
} as const satisfies Record<PlaneFailureKind, KustoErrorKind>;

const failureError = (failure: PlaneFailure): KustoError => kustoError(failureKinds[failure.kind], failure.text);

export const errorContext = (request: FastifyRequest, timestamp: string): ErrorContext => ({
  timestamp,
  clientRequestId: clientRequestIdOf(request.correlation),
  activityId: request.correlation.requestId,
});

/** Of a connection on which no request could be read. */
export const nobody = newGuid(() => new Uint8Array(16));

/** Texts of other errors quote the query. */
const quotesNothing: ReadonlySet<number> = new Set([401, 403, 429, 503]);

/** JSON for those who say that they take it, else plain text. That the cluster is suspended is always told as JSON. */
export function errorAnswer(error: KustoError, request: FastifyRequest | undefined, timestamp: string): PlaneAnswer {
  const context =
    request === undefined ? { timestamp, clientRequestId: '', activityId: nobody } : errorContext(request, timestamp);
  const asJson = (request?.headers.accept ?? '').includes('json') || error.kind.startsWith('suspended');
  const type = asJson ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8';
  return {
    status: error.status,
    headers: {
      'content-type': type,
      ...(error.challenge === undefined ? {} : { 'www-authenticate': error.challenge }),
      ...(error.kind === 'unavailable' || error.status === 429 ? { 'retry-after': '1' } : {}),
    },
    body: asJson ? oneApiError(error, context) : plainTextError(error, context),
    told: { code: error.code, ...(quotesNothing.has(error.status) ? { message: error.message } : {}) },
  };
}

export const isKustoError = (error: unknown): KustoError | undefined =>
  error instanceof KustoError ? error : undefined;
