import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import type { VerifyToken } from '../authz/caller.ts';
import type { Authorizer } from '../authz/role-assignments.ts';
import { subscriptions } from '../authz/subscription-record.ts';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Correlation } from '../http/correlation.ts';
import { correlationHeaders } from '../http/correlation.ts';
import type { Log } from '../http/logging.ts';
import { armBodyRules } from './body-rules.ts';
import { clientAddressOf } from '../http/client-address.ts';
import { createPlaneApp } from '../http/plane-app.ts';
import type { PlaneAnswer, PlaneFailure } from '../http/plane-failure.ts';
import type { Plane } from '../http/plane.ts';
import type { State } from '../state/state.ts';
import { StateConflictError } from '../state/state-store.ts';
import { ArmError } from './arm-error.ts';
import { armErrors } from './arm-errors.ts';
import type { ArmAudit } from './arm-audit.ts';
import type { ArmProvider } from './arm-operation.ts';
import { authenticate } from './authentication.ts';
import type { Admitted, ArmPipeline } from './pipeline.ts';
import { cloudMetadata, metadataPath } from './cloud-metadata.ts';
import { createArmPipeline, requireApiVersion } from './pipeline.ts';
import { containersOfPath, parsePath } from './resource-path.ts';

export interface ArmPlaneOptions {
  readonly providers: readonly ArmProvider[];
  readonly state: State;
  readonly verifyToken: VerifyToken;
  readonly authorizer: Authorizer;
  readonly audit: ArmAudit;
  /** Named in the challenge when the path names no subscription of ours. */
  readonly tenantId: Guid;
  readonly log: Log;
  readonly randomBytes: RandomBytes;
  /** Milliseconds since 1970, for the routing id. */
  readonly wallClock: () => number;
  readonly monotonicMs?: () => number;
}

interface Target {
  readonly segments: readonly string[];
  readonly query: ReadonlyMap<string, string>;
  readonly origin: string;
}

export const armHost = 'management.azure.com';

/** Azure's own limit for a request. */
const bodyBytesMax = 4 * 1024 * 1024;

/** The resource manager: one wildcard route, dispatched by the rows of all providers. */
export function createArmPlane(options: ArmPlaneOptions): Plane {
  const pipeline = createArmPipeline(options);
  const admitted = new WeakMap<FastifyRequest, Admitted>();
  const { app, toPlane } = createPlaneApp({
    name: 'arm',
    log: options.log,
    bodyRules: armBodyRules,
    bodyBytesMax,
    relaxedJson: true,
    randomBytes: options.randomBytes,
    ...(options.monotonicMs === undefined ? {} : { monotonicMs: options.monotonicMs }),
    authenticate: async (request, reply) => {
      if (isForEverybody(request)) return;
      admitted.set(request, await admit(options, pipeline, request, reply));
    },
    renderError,
    renderFailure,
    answerHeaders: (correlation) => commonHeaders(correlation, options.wallClock()),
  });
  app.get(metadataPath, (request) => cloudMetadata(requireApiVersion(readTarget(request).query)));
  app.route<{ Body: Json | undefined }>({
    method: ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE'],
    url: '/*',
    handler: async (request, reply) => {
      const admission = admitted.get(request);
      invariant(admission !== undefined, 'a request is admitted before its body is read');
      const answer = await pipeline.run(admission, request.body);
      await reply
        .code(answer.status)
        .headers(answer.headers ?? {})
        .send(answer.body);
    },
  });
  return toPlane((host) => (host === armHost ? 'serve' : undefined));
}

/** Clients ask for where things are before they have a token. Nothing else is served by that route, so nothing else goes unchallenged. */
const isForEverybody = (request: FastifyRequest): boolean =>
  request.method === 'GET' && request.routeOptions.url === metadataPath;

/** Everything that is decided before the body is read; the order says which error wins. */
async function admit(
  options: ArmPlaneOptions,
  pipeline: ArmPipeline,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<Admitted> {
  const target = readTarget(request);
  requireApiVersion(target.query);
  const caller = await authenticate(options.verifyToken, request.headers.authorization, () =>
    tenantToChallengeWith(options, target),
  );
  request.sender = caller;
  const message = {
    segments: target.segments,
    query: target.query,
    origin: target.origin,
    caller,
    method: request.method,
    headers: headersOf(request),
    url: request.raw.url ?? '/',
    correlationId: request.correlation.correlationId,
    clientAddress: clientAddressOf(request.raw.socket)?.replace(/^::ffff:/, ''),
    whenGone: () => whenGone(reply.raw),
  };
  return pipeline.admit(message, (operationId) => {
    request.operationId = operationId;
  });
}

/** Only what can take long asks for it. */
function whenGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  if (response.destroyed) gone.abort();
  return gone.signal;
}

/** @throws ArmError 400 for a URL that no client of Azure sends */
function readTarget(request: FastifyRequest): Target {
  const url = request.raw.url ?? '/';
  const [path = '', ...rest] = url.split('?');
  const query = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(rest.join('?'))) {
    if (!query.has(name.toLowerCase())) query.set(name.toLowerCase(), value);
  }
  const host = request.headers.host ?? armHost;
  if (!/^[a-z0-9.-]+(:\d{1,5})?$/i.test(host)) throw armErrors.InvalidRequestUri();
  return { segments: parsePath(path), query, origin: `https://${host.toLowerCase()}` };
}

async function tenantToChallengeWith(options: ArmPlaneOptions, target: Target): Promise<Guid> {
  const subscriptionId = parseGuid(containersOfPath(target.segments).subscriptionId ?? '');
  const found = subscriptionId === undefined ? undefined : await options.state.get(subscriptions, subscriptionId);
  return found?.value.tenantId ?? options.tenantId;
}

function headersOf(request: FastifyRequest): Record<string, string | undefined> {
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

/** As recorded answers have them, `x-ms-ratelimit-…` left out: Kustody has no such limits. */
function commonHeaders(correlation: Correlation, wallClockMs: number): Record<string, string> {
  const headers = correlationHeaders(correlation);
  headers['x-ms-routing-request-id'] =
    `KUSTODY:${stampOf(Math.floor(wallClockMs / 1000))}:${correlation.correlationId}`;
  headers['cache-control'] = 'no-cache';
  headers['pragma'] = 'no-cache';
  headers['expires'] = '-1';
  headers['strict-transport-security'] = 'max-age=31536000; includeSubDomains';
  headers['x-content-type-options'] = 'nosniff';
  return headers;
}

/** Of the second before: `20260131T120000Z`. */
let lastStamp = { second: NaN, text: '' };

function stampOf(second: number): string {
  if (lastStamp.second !== second) {
    const text = new Date(second * 1000).toISOString().replaceAll(/[-:]|\.\d+/g, '');
    lastStamp = { second, text };
  }
  return lastStamp.text;
}

function renderError(error: unknown): PlaneAnswer | undefined {
  if (error instanceof StateConflictError) return renderError(armErrors.Conflict());
  if (!(error instanceof ArmError)) return undefined;
  const { target, details, additionalInfo, headers } = error.extra;
  const body = {
    error: {
      code: error.code,
      message: error.message,
      ...(target === undefined ? {} : { target }),
      ...(details === undefined ? {} : { details: details.map((detail) => ({ ...detail })) }),
      ...(additionalInfo === undefined ? {} : { additionalInfo }),
    },
  };
  return { status: error.status, ...(headers === undefined ? {} : { headers }), body };
}

const failureCodes: Readonly<Record<PlaneFailure['kind'], string>> = {
  notFound: 'NotFound',
  badUrl: 'InvalidRequestUri',
  bodyTooLarge: 'RequestContentTooLarge',
  badJson: 'InvalidRequestContent',
  badBody: 'InvalidRequestContent',
  busy: 'TooManyRequests',
  storageFull: 'InsufficientStorage',
  unsupportedMediaType: 'UnsupportedMediaType',
  internal: 'InternalServerError',
};

/** The service's own words, from public issue trackers. */
const failureTexts: Partial<Record<PlaneFailure['kind'], string>> = {
  bodyTooLarge: 'The request content size exceeds the maximum size of 4 MB.',
};

const renderFailure = ({ kind, status, text }: PlaneFailure): PlaneAnswer => ({
  status,
  body: { error: { code: failureCodes[kind], message: failureTexts[kind] ?? text } },
});
