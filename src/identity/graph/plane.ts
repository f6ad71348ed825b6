import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller, TokenVerdict, VerifyToken } from '../../authz/caller.ts';
import { parseGuid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import type { Log } from '../../http/logging.ts';
import { graphBodyRules } from './body-rules.ts';
import { createPlaneApp } from '../../http/plane-app.ts';
import type { PlaneAnswer, PlaneFailureKind } from '../../http/plane-failure.ts';
import type { Plane } from '../../http/plane.ts';
import { GraphError, graphErrors, renderGraphError } from './graph-error.ts';
import type { GraphDependencies, GraphReply, GraphVersion } from './graph-operation.ts';
import { graphHost } from './graph-operation.ts';
import { matchGraphPath } from './operations.ts';
import { authorize } from './rights.ts';

export interface GraphPlaneOptions extends GraphDependencies {
  readonly log: Log;
  readonly verifyToken: VerifyToken;
}

const audiences = [`https://${graphHost}`, `https://${graphHost}/`, '00000003-0000-0000-c000-000000000000'] as const;
const bodyBytesMax = 256 * 1024;
const answerType = 'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8';
const challenge =
  'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"';
/** When no request could be read. */
const noId = '00000000-0000-0000-0000-000000000000';

const unreadable = graphErrors.malformed(
  'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.',
);
const errorOfFailure: Readonly<Record<PlaneFailureKind, GraphError>> = {
  notFound: graphErrors.malformed('The request path is malformed.'),
  badUrl: graphErrors.malformed('The request path is malformed.'),
  bodyTooLarge: new GraphError(413, 'RequestEntityTooLarge', 'The request body is too large.'),
  badJson: unreadable,
  badBody: unreadable,
  busy: new GraphError(429, 'TooManyRequests', 'Too many requests.'),
  storageFull: new GraphError(507, 'InsufficientStorage', 'The disk of the server is full. Nothing was changed.'),
  unsupportedMediaType: new GraphError(
    415,
    'UnsupportedMediaType',
    'The content type of the request body is not supported.',
  ),
  internal: new GraphError(500, 'InternalServerError', 'An internal error occurred.'),
};

const versions: readonly GraphVersion[] = ['v1.0', 'beta'];

/** Microsoft Graph v1.0 (and of beta what has no other way), the part that the Azure CLI and the SDKs touch: the directory of a tenant. */
export function createGraphPlane(options: GraphPlaneOptions): Plane {
  const callers = new WeakMap<FastifyRequest, Caller>();
  const answer = (error: GraphError, request?: FastifyRequest): PlaneAnswer => {
    const requestId = request?.correlation.requestId ?? noId;
    const clientRequestId = (request && clientRequestIdOf(request)) ?? requestId;
    return {
      status: error.status,
      headers: {
        'content-type': 'application/json',
        'client-request-id': clientRequestId,
        ...(error.status === 401 ? { 'www-authenticate': challenge } : {}),
      },
      body: renderGraphError(error, { requestId, clientRequestId, now: options.wallClock() }),
    };
  };
  const { app, toPlane } = createPlaneApp({
    name: 'graph',
    log: options.log,
    bodyRules: graphBodyRules,
    bodyBytesMax,
    randomBytes: options.randomBytes,
    answerHeaders: ({ requestId }) => ({
      'cache-control': 'no-cache',
      'request-id': requestId,
      'strict-transport-security': 'max-age=31536000',
    }),
    authenticate: async (request) => {
      const verdict = await options.verifyToken(request.headers.authorization, audiences);
      if (verdict.outcome !== 'valid') throw graphErrors.invalidToken(refusalText(verdict));
      request.sender = verdict.caller;
      callers.set(request, verdict.caller);
    },
    renderError: (error, request) => (error instanceof GraphError ? answer(error, request) : undefined),
    renderFailure: (failure, request) => answer(errorOfFailure[failure.kind], request),
  });
  app.route<{ Body: Json | undefined }>({
    method: app.supportedMethods,
    url: '/*',
    handler: (request, reply) => {
      const caller = callers.get(request);
      if (caller === undefined) throw graphErrors.invalidToken('Access token is empty.');
      return serve(options, caller, request, reply);
    },
  });
  return toPlane((host) => (host === graphHost ? 'serve' : undefined));
}

async function serve(
  options: GraphPlaneOptions,
  caller: Caller,
  request: FastifyRequest<{ Body: Json | undefined }>,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const [path = '', query = ''] = request.url.split(/\?(.*)/s, 2);
  const [, version = '', rest = ''] = /^\/+([^/]*)(.*)$/.exec(path) ?? [];
  const asked = versions.find((one) => one === version.toLowerCase());
  if (asked === undefined) throw graphErrors.notBuilt(`the version '${version}'`);
  const match = matchGraphPath(request.method, rest);
  if (match === undefined) throw graphErrors.malformed('The request path is malformed.');
  if (match.outcome === 'otherMethods') throw graphErrors.methodNotAllowed(request.method);
  if (match.outcome === 'none') throw graphErrors.notBuilt(`'${request.method} ${rest}'`);
  const { operation, params } = match;
  if (asked === 'beta' && operation.isInBeta !== true)
    throw graphErrors.notBuilt(`'${request.method} ${rest}' of the version '${version}'`);
  request.operationId = operation.id;
  const graphRequest = { caller, version: asked, params, query: new URLSearchParams(query), body: request.body };
  await authorize(options, operation, graphRequest);
  const { status, body, headers } = inVersion(asked, await operation.handle(options, graphRequest));
  const clientRequestId = clientRequestIdOf(request) ?? request.correlation.requestId;
  void reply.code(status).headers({ 'client-request-id': clientRequestId, ...headers });
  if (body === undefined) return reply.send();
  void reply.headers({ 'content-type': answerType, 'odata-version': '4.0' });
  return reply.send(JSON.stringify(body));
}

/** Replies name addresses of v1.0. */
function inVersion(version: GraphVersion, reply: GraphReply): GraphReply {
  if (version === 'v1.0') return reply;
  const moved = <T>(text: T): T | string =>
    typeof text === 'string' ? text.replace(`${graphHost}/v1.0/`, `${graphHost}/${version}/`) : text;
  const { body, headers } = reply;
  const links = ['@odata.context', '@odata.nextLink'].filter((name) => body?.[name] !== undefined);
  return {
    ...reply,
    ...(body && { body: { ...body, ...Object.fromEntries(links.map((name) => [name, moved(body[name] ?? null)])) } }),
    ...(headers?.['location'] === undefined ? {} : { headers: { ...headers, location: moved(headers['location']) } }),
  };
}

function clientRequestIdOf(request: FastifyRequest): string | undefined {
  const sent = request.headers['client-request-id'];
  return typeof sent === 'string' ? parseGuid(sent) : undefined;
}

function refusalText(verdict: Exclude<TokenVerdict, { outcome: 'valid' }>): string {
  switch (verdict.outcome) {
    case 'missing':
      return 'Access token is empty.';
    case 'malformed':
      return 'IDX14100: JWT is not well formed.';
    case 'expired':
      return 'Lifetime validation failed, the token is expired.';
    case 'wrongAudience':
      return 'Access token validation failure. Invalid audience.';
    case 'wrongIssuer':
      return 'Access token validation failure. Invalid issuer.';
    case 'badSignature':
      return 'Access token validation failure. Invalid signature.';
    case 'unknownPrincipal':
      return 'Access token validation failure.';
  }
}
