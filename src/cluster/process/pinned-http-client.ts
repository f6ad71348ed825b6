import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Agent, RequestOptions } from 'node:https';
import type { HttpClient, PipelineRequest, PipelineResponse } from '@azure/core-rest-pipeline';
import { createHttpHeaders } from '@azure/core-rest-pipeline';
import type { HostName } from '../../base/names.ts';
import { redactedPath, spanMethod } from '../../http/tracing/span.ts';
import { formatTraceparent } from '../../http/tracing/trace-context.ts';
import type { Tracer } from '../../http/tracing/tracer.ts';
import type { Route } from './host-route.ts';
import { agentFor, routeOptions } from './host-route.ts';

/** The only host that a client speaks to, and the way there. */
export interface PinnedHost {
  readonly host: HostName;
  readonly route: Route;
  /** Each request is a span of it, which its receiver is told. */
  readonly tracer?: Tracer | undefined;
}

/** Answers of vaults and authorities are small: a key with its metadata, a token. */
const answerBytesMax = 256 * 1024;

/** Hears of every answer and every broken request, in order. */
export interface HttpObserver {
  began(): void;
  answered(status: number, headers: IncomingMessage['headers'], body: Buffer): void;
  broke(message: string): void;
}

/** An HTTP client for one call to one host: no proxy but the route's, no redirects, no retries, and no socket outlives it. */
export function createPinnedHttpClient(to: PinnedHost, observer: HttpObserver): HttpClient & { close(): void } {
  const agent = agentFor(to.route);
  return {
    sendRequest: (request) => send(request, to, agent, observer),
    close: () => {
      agent.destroy();
    },
  };
}

async function send(
  request: PipelineRequest,
  to: PinnedHost,
  agent: Agent,
  observer: HttpObserver,
): Promise<PipelineResponse> {
  observer.began();
  const url = new URL(request.url);
  const body = bodyOf(request);
  const span = to.tracer?.begin('client');
  const [method, route] = [spanMethod(request.method), vaultRoute(url.pathname)];
  const ended = (status?: number, errorType?: string): void =>
    span?.end(
      `${method} ${route}`,
      {
        ...{ method, host: to.host, port: 443, url: `https://${to.host}${redactedPath(route)}` },
        ...(status === undefined ? {} : { status }),
      },
      errorType,
    );
  try {
    const sent = optionsFor(url, request, to, agent, body, span && { traceparent: formatTraceparent(span.context) });
    const answer = await exchange(sent, body, request.abortSignal);
    ended(answer.status, answer.status >= 400 ? String(answer.status) : undefined);
    observer.answered(answer.status, answer.headers, answer.body);
    return {
      request,
      status: answer.status,
      headers: createHttpHeaders(flat(answer.headers)),
      bodyAsText: answer.body.toString('utf8'),
    };
  } catch (error) {
    ended(undefined, error instanceof Error ? error.name : '_OTHER');
    observer.broke(error instanceof Error ? error.message : 'unknown error');
    throw error;
  }
}

/** Of the two operations and the reading of a key: what a path says besides is somebody's name. */
function vaultRoute(path: string): string {
  const [, version, operation] = /^\/keys\/[^/]+(\/[^/]*)?(\/(?:wrapkey|unwrapkey))?$/i.exec(path) ?? [];
  if (!path.startsWith('/keys/')) return '/*';
  return `/keys/{name}${version === undefined ? '' : '/{version}'}${operation?.toLowerCase() ?? ''}`;
}

function optionsFor(
  url: URL,
  request: PipelineRequest,
  { host, route }: PinnedHost,
  agent: Agent,
  body: Buffer,
  trace: Readonly<Record<string, string>> = {},
): RequestOptions {
  if (url.protocol !== 'https:') throw new Error('Vaults and their authorities are reached over HTTPS only.');
  if (url.hostname !== host || url.port !== '') throw new Error(`This client speaks to ${host} only.`);
  const headers: Record<string, string> = { ...request.headers.toJSON(), ...trace, host: url.host };
  headers['content-length'] = String(body.byteLength);
  return {
    agent,
    method: request.method,
    path: url.pathname + url.search,
    hostname: url.hostname,
    servername: url.hostname,
    headers,
    ...routeOptions(route),
  };
}

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

function exchange(options: RequestOptions, body: Buffer, signal: PipelineRequest['abortSignal']): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(options, (incoming) => {
      const pieces: Buffer[] = [];
      let length = 0;
      incoming.on('data', (piece: Buffer) => {
        length += piece.byteLength;
        if (length > answerBytesMax) outgoing.destroy(new Error('The answer is too long.'));
        else pieces.push(piece);
      });
      incoming.on('end', () => {
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(pieces) });
      });
      incoming.on('error', reject);
    });
    const abort = (): void => {
      outgoing.destroy(new Error('The request took too long.'));
    };
    outgoing.on('error', reject);
    outgoing.on('close', () => signal?.removeEventListener('abort', abort));
    signal?.addEventListener('abort', abort);
    if (signal?.aborted === true) abort();
    outgoing.end(body);
  });
}

function bodyOf(request: PipelineRequest): Buffer {
  if (typeof request.body === 'string') return Buffer.from(request.body, 'utf8');
  if (request.body === undefined || request.body === null) return Buffer.alloc(0);
  throw new Error('Only text bodies are sent.');
}

function flat(headers: IncomingMessage['headers']): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === 'string' ? value : (value[0] ?? '')] as const],
  );
  return Object.fromEntries(entries);
}
