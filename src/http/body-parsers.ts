import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { zeroBytes } from '../base/bytes.ts';
import type { Json } from '../base/json.ts';
import { hasMemberNamed, parseAnyJson, parseLongJson, parseRelaxedJson } from '../base/relaxed-json.ts';
import type { BodyRoom } from './body-room.ts';
import { discardedBytesMax } from './leftover-body.ts';

/** A body that could not be taken in; becomes the plane failure of the same kind. */
export class BodyError extends Error {
  override readonly name = 'BodyError';
  constructor(readonly kind: 'badJson' | 'badBody' | 'bodyTooLarge' | 'busy' | 'unsupportedMediaType') {
    super(kind);
  }
}

/** Deeper than any resource, template or query needs, and shallow enough for recursive code. */
const jsonDepthMax = 100;

export interface BodyLimits {
  readonly bodyBytesMax: number;
  /** For the bodies of all requests together. */
  readonly room: BodyRoom;
  /** Comments, names without quotes and the like are no mistake. */
  readonly relaxedJson?: boolean;
  /** No body is waited for any more once it is aborted: the request fails with its reason. */
  readonly until?: AbortSignal;
}

/** JSON bodies arrive as parsed JSON and forms as `URLSearchParams` (which keeps duplicates); an empty body is `undefined`. */
export function addJsonAndFormParsers(app: FastifyInstance, limits: BodyLimits): void {
  const add = (type: string | RegExp, parse: (body: Buffer) => unknown): void => {
    app.addContentTypeParser(type, async (request: FastifyRequest, payload: Readable) => {
      // Refused before it comes, if it ever does.
      if (Number(request.headers['content-length']) > limits.bodyBytesMax) {
        discard(payload);
        throw new BodyError('bodyTooLarge');
      }
      const body = await collectBytes(payload, limits.bodyBytesMax, roomOf(limits, request));
      request.captured?.takeRequest(body);
      // No client compresses what goes to a JSON or form operation.
      const encoding = request.headers['content-encoding'] ?? 'identity';
      if (encoding.toLowerCase() !== 'identity') throw new BodyError('unsupportedMediaType');
      return body === undefined ? undefined : parse(body);
    });
  };
  for (const type of ['application/json', 'text/json', /^application\/[\w.-]+\+json/])
    add(type, (body) => readJsonBody(body, limits.relaxedJson));
  add('application/x-www-form-urlencoded', (body) => new URLSearchParams(decodeUtf8(body, 'badBody')));
}

/** Every body, whatever its content type, arrives as one Buffer of its own (`undefined` when empty), which the handler may
 * overwrite when done: the pieces it came in are overwritten here. */
export function addBytesParser(app: FastifyInstance, limits: BodyLimits): void {
  app.addContentTypeParser('*', async (request: FastifyRequest, payload: Readable) => {
    const body = await collectBytes(payload, limits.bodyBytesMax, roomOf(limits, request), limits.until);
    request.captured?.takeRequest(body);
    return body;
  });
}

const roomOf =
  ({ room }: BodyLimits, request: FastifyRequest) =>
  (bytes: number): boolean =>
    room.take(request.raw, bytes);

/** @throws BodyError `badJson` */
export function parseJsonBody(body: Uint8Array, relaxed = false): Json | undefined {
  if (body.length === 0) return undefined;
  const text = decodeUtf8(body, 'badJson');
  if (text.trim() === '') return undefined;
  // What counts as a text is not the same in relaxed JSON; its own reader counts for itself.
  const isDeep = nestsDeeperThan(text, jsonDepthMax);
  if (isDeep && !relaxed) throw new BodyError('badJson');
  let value: Json;
  try {
    value = isDeep ? parseRelaxedJson(text) : relaxed ? parseAnyJson(text) : (JSON.parse(text) as Json);
  } catch {
    throw new BodyError('badJson'); // V8's message quotes the body
  }
  // Object.assign with such a member would set a prototype.
  if (/__proto__|\\u00/i.test(text) && hasMemberNamed(value, '__proto__')) throw new BodyError('badJson');
  return value;
}

/** Larger ones let others have their turn while they are read. */
const atOnceBytesMax = 256 * 1024;

/** The same for a body of any size, without holding up everybody else. @throws BodyError `badJson` */
export async function readJsonBody(body: Uint8Array, relaxed = false): Promise<Json | undefined> {
  if (!relaxed || body.length <= atOnceBytesMax) return parseJsonBody(body, relaxed);
  const text = decodeUtf8(body, 'badJson');
  if (text.trim() === '') return undefined;
  try {
    return await parseLongJson(text);
  } catch {
    throw new BodyError('badJson');
  }
}

function decodeUtf8(body: Uint8Array, kind: 'badJson' | 'badBody'): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body); // takes off a byte order mark
  } catch {
    throw new BodyError(kind);
  }
}

/** Counts brackets outside strings, in one pass and without recursion. */
function nestsDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      for (at++; at < text.length; at++) {
        const within = text.charCodeAt(at);
        if (within === quote) break;
        if (within === backslash) at++;
      }
    } else if (code === openingBrace || code === openingBracket) {
      if (++depth > limit) return true;
    } else if (code === closingBrace || code === closingBracket) depth--;
  }
  return false;
}

const [quote = 0, backslash = 0] = Buffer.from('"\\');
const [openingBrace = 0, openingBracket = 0, closingBrace = 0, closingBracket = 0] = Buffer.from('{[}]');

/** Reads what is left, for nobody, and ends the connection where that is too much. */
function discard(payload: Readable): void {
  let length = 0;
  payload
    .on('error', () => undefined)
    .on('data', (piece: Buffer) => {
      length += piece.length;
      if (length > discardedBytesMax) payload.destroy();
    });
}

/** Listens instead of iterating: leaving a loop early would destroy the connection and with it the answer.
 * @param hasRoom whether there is room for so many bytes more
 * @param until the body is not waited for once it is aborted
 * @throws BodyError `bodyTooLarge` | `busy` | `badBody`; the reason of `until` */
export function collectBytes(
  payload: Readable,
  bodyBytesMax: number,
  hasRoom: (bytes: number) => boolean,
  until?: AbortSignal,
): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let length = 0;
    const finish = (failure?: Error): void => {
      until?.removeEventListener('abort', giveUp);
      payload.off('data', take).off('end', end).off('error', fail).off('close', fail);
      if (failure) {
        discard(payload);
        reject(failure);
      } else {
        payload.resume();
        resolve(length === 0 ? undefined : Buffer.concat(pieces, length));
      }
      zeroBytes(...pieces);
    };
    const take = (piece: Buffer): void => {
      pieces.push(piece);
      length += piece.length;
      if (length > bodyBytesMax) finish(new BodyError('bodyTooLarge'));
      else if (!hasRoom(piece.length)) finish(new BodyError('busy'));
    };
    const end = (): void => finish();
    const fail = (): void => finish(new BodyError('badBody'));
    const giveUp = (): void => finish(until?.reason instanceof Error ? until.reason : new BodyError('badBody'));
    payload.on('data', take).on('end', end).on('error', fail).on('close', fail);
    if (until?.aborted === true) giveUp();
    else until?.addEventListener('abort', giveUp);
  });
}
