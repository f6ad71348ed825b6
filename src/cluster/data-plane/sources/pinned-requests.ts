import type { IncomingMessage } from 'node:http';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { LookupFunction } from 'node:net';

/** An address that was looked at. */
export interface KnownAddress {
  readonly address: string;
  readonly family: number;
}

/** Nothing comes for so long: the source is gone. */
const silentMs = 30_000;
const errorBytesMax = 64 * 1024;

export interface SourceRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal: SourceSignal | undefined;
}

/** As Azure's SDK has it. */
interface SourceSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** A body where one was asked for and is there, else what is said beside the status. */
export interface SourceAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: IncomingMessage;
  readonly text?: string;
}

export type AskSource = (request: SourceRequest) => Promise<SourceAnswer>;

/** Asks one origin, at addresses that were looked at, and nobody else: what an answer says of other places is not followed.
 * @param addresses undefined: those that its name has, since the user named it */
export const createSourceClient =
  (origin: string, addresses: readonly KnownAddress[] | undefined): AskSource =>
  async (request) => {
    const url = new URL(request.url);
    if (url.origin !== origin) throw new Error('The source leads to another host.');
    const answer = await ask(request, url, addresses);
    const status = answer.statusCode ?? 0;
    const headers = flat(answer.headers);
    if (status === 200 || status === 206) return { status, headers, body: answer };
    return { status, headers, text: await textOf(answer) };
  };

function ask(
  { method, headers, body, signal }: SourceRequest,
  url: URL,
  addresses: readonly KnownAddress[] | undefined,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = {
      method,
      headers,
      agent: false,
      ...(addresses === undefined ? {} : { lookup: pinned(addresses) }),
    };
    const sent = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, (answer) => {
      answer.once('close', () => signal?.removeEventListener('abort', abort));
      resolve(answer);
    });
    const abort = (): void => {
      sent.destroy(new Error('The request was stopped.'));
    };
    sent.setTimeout(silentMs, () => sent.destroy(new Error('Nothing came for too long.')));
    sent.on('error', (error) => {
      signal?.removeEventListener('abort', abort);
      reject(error);
    });
    signal?.addEventListener('abort', abort);
    if (signal?.aborted === true) abort();
    sent.end(body);
  });
}

const pinned =
  (addresses: readonly KnownAddress[]): LookupFunction =>
  (_host, options, callback) => {
    const [first = { address: '', family: 4 }] = addresses;
    if (options.all === true) callback(null, [...addresses]);
    else callback(null, first.address, first.family);
  };

async function textOf(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    if ((bytes += piece.byteLength) > errorBytesMax) break;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}

const flat = (headers: IncomingMessage['headers']): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === 'string' ? value : value.join(', ')] as const],
    ),
  );
