import type { FastifyRequest } from 'fastify';
import type { ServerResponse } from 'node:http';
import { isJsonObject } from '../base/json.ts';
import { keptMessage, keptTarget } from './kept-target.ts';
import type { PlaneAnswer, Refusal } from './plane-failure.ts';
import type { SeenRequest } from './recent-requests.ts';

/** What is kept of a request's path: all but what `keptTarget` hides; the pattern of its route, where paths have secrets; or the request is not listed. */
export type SeenAs = 'path' | 'route' | 'nothing';

/** Who sent a request, as a verified token says. */
export interface Sender {
  readonly objectId: string;
  readonly appId?: string | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** A plane sets it once it knows. */
    sender: Sender | undefined;
    /** Why it was refused, once it was. */
    refusal: Refusal | undefined;
  }
}

const [hostCharsMax, idCharsMax] = [253, 128];

/** @param route what the log calls it */
export function seeRequest(request: FastifyRequest, response: ServerResponse, route?: string): SeenRequest {
  const { sender, correlation } = request;
  const refusal = response.statusCode < 400 ? undefined : (request.refusal ?? refusalOfHeaders(response));
  return {
    host: hostOf(request),
    path: route ?? keptTarget(request.raw.url ?? ''),
    ...(correlation.clientRequestId === undefined
      ? {}
      : { clientRequestId: keptMessage(correlation.clientRequestId).slice(0, idCharsMax) }),
    ...refusal,
    ...(sender === undefined ? {} : { callerId: sender.objectId }),
    ...(sender?.appId === undefined ? {} : { appId: sender.appId }),
  };
}

/** Of the Host header, without a port. */
export const hostOf = (request: FastifyRequest): string =>
  (request.headers.host ?? '')
    .replace(/:\d{1,5}$/, '')
    .toLowerCase()
    .slice(0, hostCharsMax);

function refusalOfHeaders(response: ServerResponse): Refusal | undefined {
  const code = response.getHeader('x-ms-error-code');
  return typeof code === 'string' ? { code: code.slice(0, idCharsMax) } : undefined;
}

/** What an answer says of why: `{"error": {"code", "message"}}`, or OAuth's `{"error", "error_description"}`. */
export function refusalOf({ told, body }: PlaneAnswer): Refusal | undefined {
  if (told !== undefined) return shortened(told.code, told.message);
  if (!isJsonObject(body)) return undefined;
  const { error } = body;
  if (isJsonObject(error)) return shortened(error['code'], error['message']);
  return shortened(error, body['error_description']);
}

const shortened = (code: unknown, message: unknown): Refusal | undefined =>
  typeof code === 'string'
    ? {
        code: code.slice(0, idCharsMax),
        ...(typeof message === 'string' ? { message: keptMessage(message) } : {}),
      }
    : undefined;
