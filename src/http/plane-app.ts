import { fastify } from 'fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { performance } from 'node:perf_hooks';
import { invariant } from '../base/invariant.ts';
import type { Guid } from '../base/guid.ts';
import { createGuidSource } from '../base/new-guid.ts';
import type { RandomBytes } from '../base/random.ts';
import { systemRandomBytes } from '../base/random.ts';
import { soon, soonOr } from '../base/soon.ts';
import { addBytesParser, addJsonAndFormParsers, BodyError } from './body-parsers.ts';
import { BodyRoom } from './body-room.ts';
import type { Correlation } from './correlation.ts';
import { boundLeftover } from './leftover-body.ts';
import { CapturedBodies } from './captured-bodies.ts';
import type { BodyRules } from './shown-body.ts';
import { correlationHeaders, readCorrelation } from './correlation.ts';
import type { Log, RequestLine } from './logging.ts';
import type { PlaneAnswer, PlaneFailure, PlaneFailureKind } from './plane-failure.ts';
import { connectionFailures, planeFailure } from './plane-failure.ts';
import type { Plane } from './plane.ts';
import { beginRequestSpan, endRequestSpan } from './request-span.ts';
import type { StartTimer } from './timer.ts';
import { startSystemTimer } from './timer.ts';
import type { OpenSpan } from './tracing/tracer.ts';
import type { SeenAs } from './see-request.ts';
import { refusalOf, seeRequest } from './see-request.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before any hook or handler of the plane runs. */
    correlation: Correlation;
    /** What the log calls this request. A plane with one wildcard route sets it to the operation id once it knows. */
    operationId: string | undefined;
    /** Where the log has a tracer. */
    span: OpenSpan | undefined;
  }
}

export interface PlaneAppOptions {
  /** Used in logs and metrics: `entra`, `arm`, `vault`, `kusto`, `control`. */
  readonly name: string;
  readonly log: Log;
  /** Default 1 MiB. */
  readonly bodyBytesMax?: number;
  /** Bytes of all bodies together, at one time: what goes beyond is told to come again (429). Default 64 MiB. */
  readonly bodyRoomBytes?: number;
  /** `json` (default): parsed JSON, `URLSearchParams` for forms, 415 for other types (add parsers to `app` for more).
   * `bytes`: every body is one Buffer that the handler owns. An empty body is `undefined` in both. `stream`: no body is read, the handler
   * does. */
  readonly bodies?: 'json' | 'bytes' | 'stream';
  /** Of `bytes`: no body is waited for any more once it is aborted, and the request fails with its reason. */
  readonly until?: AbortSignal;
  /** Whether handlers ask for `request.query`; default: yes. */
  readonly parsesQueries?: boolean;
  /** Takes JSON with comments, names without quotes and the like. */
  readonly relaxedJson?: boolean;
  /** Runs first, before the body is read and also when no route matches or the path is malformed. Throw the plane's own
   * error to refuse; leave the rest of the request alone. */
  readonly authenticate?: (request: FastifyRequest, reply: FastifyReply) => void | Promise<void>;
  /** The plane's own errors in its own shape; `undefined` for anything else, which is then logged and answered as `internal`. */
  readonly renderError: (error: unknown, request: FastifyRequest) => PlaneAnswer | undefined;
  /** What went wrong around the plane's code, in its own shape. `request` is missing when none could be read. */
  readonly renderFailure: (failure: PlaneFailure, request?: FastifyRequest) => PlaneAnswer;
  /** Headers of every answer, errors included. Default: `x-ms-request-id`, `x-ms-correlation-request-id` and, when the
   * caller asked for it, `x-ms-client-request-id`. */
  readonly answerHeaders?: (correlation: Correlation) => Record<string, string>;
  /** The same, for a plane whose handlers put the headers of an answer together themselves: asked only for answers that are made here. */
  readonly lateHeaders?: (request: FastifyRequest) => Record<string, string>;
  /** What the last requests show of the path. Default: `path`. */
  readonly seenAs?: SeenAs;
  /** What is shown of bodies while somebody has asked for them. Default: nothing. */
  readonly bodyRules?: BodyRules;
  readonly randomBytes?: RandomBytes;
  /** Milliseconds that never go back, for durations in the log. */
  readonly monotonicMs?: () => number;
  /** Bounds what is read of a body after its answer; real time. */
  readonly startTimer?: StartTimer;
}

export interface PlaneApp {
  /** Routes go here: a path matches whatever its case, doubled and trailing slashes. */
  readonly app: FastifyInstance;
  /** Call when all routes are there. */
  readonly toPlane: (claim: Plane['claim']) => Plane;
}

/** Ids of requests that are drawn at a time: a draw costs more than what it draws. */
const idsDrawn = 64;

/** A Fastify of its own for one plane, with the edge's manners: errors in the plane's shape on every path, authentication
 * before parsing, correlation ids, one log line per request.
 * ```ts
 * const { app, toPlane } = createPlaneApp({
 *   name: 'greeter',
 *   log,
 *   authenticate: async (request) => { if (!(await known(request.headers.authorization))) throw greeterError('Stranger'); },
 *   renderError: (error) => error instanceof GreeterError ? { status: error.status, body: { code: error.code } } : undefined,
 *   renderFailure: (failure) => ({ status: failure.status, body: { code: greeterCodes[failure.kind] } }),
 * });
 * app.post('/greet/:name', (request) => ({ hello: request.params, id: request.correlation.requestId, body: request.body }));
 * export const greeterPlane = toPlane((host) => host === 'greeter.example' ? 'serve' : undefined);
 * ``` */
export function createPlaneApp(options: PlaneAppOptions): PlaneApp {
  const bodyBytesMax = options.bodyBytesMax ?? 1024 * 1024;
  const room = new BodyRoom(options.bodyRoomBytes ?? 64 * 1024 * 1024);
  const newId = createGuidSource(options.randomBytes ?? systemRandomBytes, idsDrawn);
  const app = fastify({
    logger: false,
    bodyLimit: bodyBytesMax,
    exposeHeadRoutes: false,
    routerOptions: {
      caseSensitive: false,
      ignoreDuplicateSlashes: true,
      ignoreTrailingSlash: true,
      maxParamLength: 4096,
      ...(options.parsesQueries === false ? { querystringParser: () => ({}) } : {}),
    },
    frameworkErrors: (error, request, reply) => {
      // Routing failed, so no hook has run: the same steps as below, in the same order.
      const malformed = failureOf(error, 'badUrl');
      beginRequest(options, newId, request, reply);
      void answerAfterAuthentication(options, malformed, request, reply);
    },
  });
  for (const name of ['operationId', 'sender', 'refusal', 'captured', 'span']) app.decorateRequest(name, undefined);
  app.removeAllContentTypeParsers();
  if (options.bodies === 'stream') app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  else if (options.bodies === 'bytes')
    addBytesParser(app, { bodyBytesMax, room, ...(options.until && { until: options.until }) });
  else addJsonAndFormParsers(app, { bodyBytesMax, room, relaxedJson: options.relaxedJson === true });
  app.addHook('onRequest', (request, reply, done) => {
    beginRequest(options, newId, request, reply, () => room.release(request.raw));
    const admit = () =>
      soonOr(
        () => soon(options.authenticate?.(request, reply), () => checkPath(request)),
        (error) => asError(error),
      );
    const admitted = request.span === undefined ? admit() : options.log.tracer?.run(request.span.context, admit);
    if (admitted instanceof Promise) void admitted.then((error) => done(error));
    else done(admitted);
  });
  const { tracer } = options.log;
  // The body has been read since then, in the context of its connection.
  if (tracer !== undefined)
    app.addHook('preHandler', (request, _reply, done) => tracer.run(request.span?.context, () => done()));
  app.setNotFoundHandler((request, reply) =>
    send(options, reply, options.renderFailure(planeFailure('notFound'), request)),
  );
  app.setErrorHandler((error, request, reply) => {
    // Fastify would end the connection, and the answer might go with it; what is left of the body is read instead.
    if (error instanceof BodyError) void reply.removeHeader('connection');
    return send(options, reply, answerFor(options, error, request));
  });
  return { app, toPlane: (claim) => toPlane(options, app, claim) };
}

function toPlane(options: PlaneAppOptions, app: FastifyInstance, claim: Plane['claim']): Plane {
  let isReady = false;
  const ready = app.ready();
  ready.then(
    () => (isReady = true),
    () => undefined, // said below, to whoever asks
  );
  return {
    name: options.name,
    claim,
    handle: (request, response) => {
      if (isReady) {
        app.routing(request, response);
        return;
      }
      ready.then(
        () => app.routing(request, response),
        (error: unknown) => {
          options.log.failure('plane not ready', error, { plane: options.name });
          response.writeHead(500, { connection: 'close' }).end();
        },
      );
    },
    answerConnectionFailure: (kind) => {
      const { status, text } = connectionFailures[kind];
      const answer = options.renderFailure({ kind: 'badUrl', status, text });
      return { ...answer, status };
    },
  };
}

/** Gives the request its ids, sets the headers of every answer and writes the log line when the answer is out.
 * @param ended called then, too */
function beginRequest(
  options: PlaneAppOptions,
  newId: () => Guid,
  request: FastifyRequest,
  reply: FastifyReply,
  ended: () => void = () => undefined,
): void {
  const monotonicMs = options.monotonicMs ?? (() => performance.now());
  const startedMs = monotonicMs();
  const { tracer } = options.log;
  request.correlation = readCorrelation(request.headers, newId);
  if (tracer !== undefined) {
    request.span = beginRequestSpan(tracer, request);
    request.correlation = { ...request.correlation, traceId: request.span.context.traceId };
  }
  if (options.lateHeaders === undefined)
    void reply.headers((options.answerHeaders ?? correlationHeaders)(request.correlation));
  const response = reply.raw;
  if (!request.raw.complete) boundLeftover(request.raw, response, options.startTimer ?? startSystemTimer);
  const { bodyRules, seenAs = 'path' } = options;
  if (bodyRules !== undefined && options.log.wantsBodies?.() === true) request.captured = new CapturedBodies(response);
  // It closes once, and a listener that takes itself away costs more.
  response.on('close', () => {
    ended();
    const pattern = routeOf(request);
    const line: RequestLine = {
      plane: options.name,
      method: request.method,
      route: request.operationId ?? pattern,
      status: response.statusCode,
      ms: Math.round((monotonicMs() - startedMs) * 100) / 100,
      requestId: request.correlation.requestId,
      correlationId: request.correlation.correlationId,
      ...(request.correlation.traceId === undefined ? {} : { traceId: request.correlation.traceId }),
      ...(response.writableFinished ? {} : { aborted: true as const }),
    };
    if (request.span !== undefined)
      endRequestSpan(request.span, request, response, { plane: options.name, route: pattern });
    const route = seenAs === 'route' ? pattern : undefined;
    const seen = seenAs === 'nothing' ? undefined : seeRequest(request, response, route);
    const bodies = bodyRules && request.captured?.finish(request, bodyRules);
    options.log.request(line, seen && bodies ? { ...seen, bodies } : seen);
  });
}

/** The one character beyond ASCII whose lower case is in ASCII: a path that has it would be taken for one that has the letter k. */
const kelvinSign = /^[^?]*%e2%84%aa/i;

/** @returns what is wrong with it */
const checkPath = (request: FastifyRequest): Error | undefined =>
  kelvinSign.test(request.raw.url ?? '') ? new MalformedPathError() : undefined;

/** Fastify takes a failure that is none for success. */
const asError = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error('failed', { cause: thrown }));

class MalformedPathError extends Error {
  override readonly name = 'MalformedPathError';
  readonly code = 'FST_ERR_BAD_URL';
}

/** @returns the pattern of the matched route; never the path that was asked for */
function routeOf(request: FastifyRequest): string {
  return request.is404 ? 'none' : (request.routeOptions.url ?? 'none');
}

async function answerAfterAuthentication(
  options: PlaneAppOptions,
  failure: PlaneFailure,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  try {
    await options.authenticate?.(request, reply);
    await send(options, reply, options.renderFailure(failure, request));
  } catch (error) {
    await send(options, reply, answerFor(options, error, request));
  }
}

function answerFor(options: PlaneAppOptions, error: unknown, request: FastifyRequest): PlaneAnswer {
  const answer = options.renderError(error, request);
  if (answer !== undefined) return answer;
  const failure = failureOf(error, 'internal');
  if (failure.kind === 'internal') {
    const { requestId, correlationId, traceId } = request.correlation;
    const trace = traceId === undefined ? {} : { traceId };
    options.log.failure('request failed', error, { plane: options.name, requestId, correlationId, ...trace });
  }
  const rendered = options.renderFailure(failure, request);
  return failure.kind === 'busy' ? { ...rendered, headers: { ...rendered.headers, 'retry-after': '1' } } : rendered;
}

/** Errors of Fastify that a client can cause, and those that are nobody's fault; all others are ours. */
const failureKindByFastifyCode = new Map<unknown, PlaneFailureKind>([
  ['FST_ERR_BAD_URL', 'badUrl'],
  ['FST_ERR_MAX_PARAM_LENGTH', 'badUrl'],
  ['FST_ERR_CTP_BODY_TOO_LARGE', 'bodyTooLarge'],
  ['FST_ERR_CTP_INVALID_MEDIA_TYPE', 'unsupportedMediaType'],
  ['FST_ERR_ROUTE_MISSING_CONTENT_TYPE', 'unsupportedMediaType'],
  ['FST_ERR_CTP_INVALID_CONTENT_LENGTH', 'badBody'],
  ['ECONNRESET', 'badBody'],
  ['ERR_STORAGE_FULL', 'storageFull'],
]);

function failureOf(error: unknown, otherwise: PlaneFailureKind): PlaneFailure {
  if (error instanceof BodyError) return planeFailure(error.kind);
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return planeFailure(failureKindByFastifyCode.get(code) ?? otherwise);
}

function send(options: PlaneAppOptions, reply: FastifyReply, answer: PlaneAnswer): FastifyReply {
  invariant(answer.status >= 200 && answer.status <= 599, 'an answer has a final HTTP status');
  if (answer.status >= 400) reply.request.refusal = refusalOf(answer);
  if (options.lateHeaders !== undefined) void reply.headers(options.lateHeaders(reply.request));
  void reply.code(answer.status).headers(answer.headers ?? {});
  return reply.send(answer.body);
}
