import { Buffer } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import type { RequestOptions } from 'node:https';
import type { LookupFunction } from 'node:net';
import type { HttpClient, PipelineRequest, PipelineResponse } from '@azure/core-rest-pipeline';
import { createHttpHeaders } from '@azure/core-rest-pipeline';

/** Our own listener: whatever a vault is called, the connection goes there and nowhere else. */
export interface Edge {
  /** An IP address. */
  readonly address: string;
  readonly port: number;
  /** PEM of the only authority that is trusted. */
  readonly ca: string;
}

/** Answers of a vault are small: a key with its metadata. */
const answerBytesMax = 256 * 1024;

/** Hears of every answer and every broken request, in order. */
export interface HttpObserver {
  began(): void;
  answered(status: number, headers: IncomingMessage['headers'], body: Buffer): void;
  broke(message: string): void;
}

/** An HTTP client for one call: no proxy, no redirects, no retries, no name look-up when pinned, and no socket outlives it.
 * @param edge undefined: the real host by its name, with the public authorities */
export function createPinnedHttpClient(edge: Edge | undefined, observer: HttpObserver): HttpClient & { close(): void } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    sendRequest: (request) => send(request, edge, agent, observer),
    close: () => {
      agent.destroy();
    },
  };
}

async function send(
  request: PipelineRequest,
  edge: Edge | undefined,
  agent: Agent,
  observer: HttpObserver,
): Promise<PipelineResponse> {
  observer.began();
  const url = new URL(request.url);
  const body = bodyOf(request);
  try {
    const answer = await exchange(optionsFor(url, request, edge, agent, body), body, request.abortSignal);
    observer.answered(answer.status, answer.headers, answer.body);
    return {
      request,
      status: answer.status,
      headers: createHttpHeaders(flat(answer.headers)),
      bodyAsText: answer.body.toString('utf8'),
    };
  } catch (error) {
    observer.broke(error instanceof Error ? error.message : 'unknown error');
    throw error;
  }
}

function optionsFor(
  url: URL,
  request: PipelineRequest,
  edge: Edge | undefined,
  agent: Agent,
  body: Buffer,
): RequestOptions {
  if (url.protocol !== 'https:') throw new Error('Vaults are reached over HTTPS only.');
  const headers: Record<string, string> = { ...request.headers.toJSON(), host: url.host };
  headers['content-length'] = String(body.byteLength);
  const shared: RequestOptions = {
    agent,
    method: request.method,
    path: url.pathname + url.search,
    hostname: url.hostname,
    servername: url.hostname,
    headers,
  };
  if (edge === undefined) return { ...shared, port: url.port === '' ? 443 : Number(url.port) };
  return { ...shared, port: edge.port, ca: edge.ca, lookup: pinnedLookup(edge.address) };
}

const pinnedLookup =
  (address: string): LookupFunction =>
  (_host, options, callback) => {
    const family = address.includes(':') ? 6 : 4;
    if (options.all === true) callback(null, [{ address, family }]);
    else callback(null, address, family);
  };

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
  throw new Error('Only text bodies are sent to a vault.');
}

function flat(headers: IncomingMessage['headers']): Record<string, string> {
  const entries = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, typeof value === 'string' ? value : (value[0] ?? '')] as const],
  );
  return Object.fromEntries(entries);
}
