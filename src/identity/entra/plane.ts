import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseGuid } from '../../base/guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Log } from '../../http/logging.ts';
import { entraBodyRules } from './body-rules.ts';
import { createPlaneApp } from '../../http/plane-app.ts';
import type { PlaneAnswer, PlaneFailureKind } from '../../http/plane-failure.ts';
import type { Plane } from '../../http/plane.ts';
import { entraHosts } from './discovery.ts';
import { EntraError, entraError, renderEntraError } from './entra-error.ts';
import type { EntraOperation, EntraRequest, OperationOptions } from './operations.ts';
import { entraOperations } from './operations.ts';
import { PageAnswer } from './sign-in-page.ts';

export interface EntraPlaneOptions extends OperationOptions {
  readonly log: Log;
  readonly randomBytes: RandomBytes;
}

/** The largest requests are client assertions of a few KiB. */
const bodyBytesMax = 64 * 1024;

const answerHeaders = {
  'cache-control': 'no-store, no-cache',
  pragma: 'no-cache',
  expires: '-1',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
} as const;

const documentHeaders = {
  'cache-control': 'max-age=86400, private',
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, OPTIONS',
} as const;

/** When no request could be read. */
const noId = '00000000-0000-0000-0000-000000000000';

/** Without a form Entra ID misses the first parameter it looks for. */
const errorOfFailure: Record<PlaneFailureKind, () => EntraError> = {
  notFound: () => entraError('PathNotBuilt'),
  badUrl: () => entraError('RequestMalformed'),
  bodyTooLarge: () => entraError('RequestMalformed'),
  badJson: () => entraError('RequestMalformed'),
  badBody: () => entraError('RequestMalformed'),
  busy: () => entraError('RequestMalformed'),
  storageFull: () => entraError('StorageFull'),
  unsupportedMediaType: () => entraError('ParameterMissing', 'grant_type'),
  internal: () => entraError('Internal'),
};

/** Entra ID: token endpoints of both versions, discovery, signing keys, and the pages that users sign in on. */
export function createEntraPlane(options: EntraPlaneOptions): Plane {
  const answer = (error: EntraError, request?: FastifyRequest, status = error.status): PlaneAnswer => ({
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: renderEntraError(error, {
      traceId: request?.correlation.requestId ?? noId,
      correlationId: (request && clientRequestId(request)) ?? request?.correlation.correlationId ?? noId,
      now: options.wallClock(),
    }),
  });
  const { app, toPlane } = createPlaneApp({
    name: 'entra',
    log: options.log,
    bodyRules: entraBodyRules,
    bodyBytesMax,
    randomBytes: options.randomBytes,
    answerHeaders: ({ requestId }) => ({ 'x-ms-request-id': requestId, ...answerHeaders }),
    renderError: (error, request) => (error instanceof EntraError ? answer(error, request) : undefined),
    renderFailure: (failure, request) =>
      answer(errorOfFailure[failure.kind](), request, failure.kind === 'unsupportedMediaType' ? 400 : failure.status),
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    const id = request.headers['return-client-request-id'] === 'true' ? clientRequestId(request) : undefined;
    if (id !== undefined) void reply.header('client-request-id', id);
    done();
  });
  for (const operation of entraOperations) addRoute(app, operation, options);
  return toPlane((host) => (entraHosts.some((name) => name === host) ? 'serve' : undefined));
}

function addRoute(app: FastifyInstance, operation: EntraOperation, options: OperationOptions): void {
  app.route<{ Params: { tenant?: string; '*'?: string } }>({
    method: operation.method === 'any' ? app.supportedMethods : operation.method,
    url: operation.path,
    handler: async (request, reply) => {
      request.operationId = operation.id;
      const { tenant = '', '*': rest = '' } = request.params;
      const answer = await operation.run(toEntraRequest(request, tenant, rest), options);
      if (answer instanceof PageAnswer) return reply.code(answer.status).headers(answer.headers).send(answer.html);
      if (operation.document) void reply.removeHeader('pragma').removeHeader('expires').headers(documentHeaders);
      return reply.send(answer);
    },
  });
}

function toEntraRequest(request: FastifyRequest, tenant: string, rest: string): EntraRequest {
  return {
    method: request.method,
    tenant,
    rest,
    query: (name) => queryValue(request.query, name),
    form: request.body instanceof URLSearchParams ? request.body : new URLSearchParams(),
    authorization: request.headers.authorization,
  };
}

/** The client's own id of its request: a header, a query parameter (MSAL for JavaScript) or a form field. */
function clientRequestId(request: FastifyRequest): string | undefined {
  const name = 'client-request-id';
  const inHeader = request.headers[name];
  const inForm = request.body instanceof URLSearchParams ? request.body.get(name) : undefined;
  const sent = typeof inHeader === 'string' ? inHeader : (queryValue(request.query, name) ?? inForm);
  return parseGuid(sent ?? '');
}

function queryValue(query: unknown, name: string): string | undefined {
  const value: unknown = typeof query === 'object' && query !== null ? Reflect.get(query, name) : undefined;
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : undefined;
}
