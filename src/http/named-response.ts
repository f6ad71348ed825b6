import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders } from 'node:http';
import { ServerResponse } from 'node:http';

/** Those that are not written with a capital at each word's beginning. `x-ms-…` and the ids of Graph are in lower case in Azure. */
const written: Readonly<Record<string, string>> = {
  etag: 'ETag',
  p3p: 'P3P',
  'www-authenticate': 'WWW-Authenticate',
  'azure-asyncoperation': 'Azure-AsyncOperation',
  'request-id': 'request-id',
  'client-request-id': 'client-request-id',
};

/** A header's name as Azure writes it. Names have no case in HTTP, but there are clients that compare them as texts: libmongocrypt
 * finds the end of an answer only by `Content-Length`. */
export function headerName(name: string): string {
  const known = namesKnown.get(name);
  if (known !== undefined) return known;
  const made = madeName(name);
  if (namesKnown.size < namesKnownMax) namesKnown.set(name, made);
  return made;
}

/** Every answer has the same few. */
const namesKnown = new Map<string, string>();
const namesKnownMax = 500;

function madeName(name: string): string {
  const lower = name.toLowerCase();
  if (lower.startsWith('x-ms-')) return lower;
  return written[lower] ?? lower.replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());
}

/** What the HTTP servers answer with: whoever sets a header, in whatever case, its name goes out as in Azure. */
export class NamedResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  override setHeader(name: string, value: number | string | readonly string[]): this {
    return super.setHeader(headerName(name), value);
  }

  override writeHead(
    status: number,
    reason?: string | OutgoingHttpHeaders | OutgoingHttpHeader[],
    headers?: OutgoingHttpHeaders | OutgoingHttpHeader[],
  ): this {
    return typeof reason === 'string'
      ? super.writeHead(status, reason, named(headers))
      : super.writeHead(status, named(reason ?? headers));
  }

  /** @param headers names as Azure writes them, each followed by its value: nothing is made of them anew */
  writeNamedHead(status: number, headers: string[]): this {
    return super.writeHead(status, headers);
  }
}

/** As `writeHead`, of names that `headerName` has made. */
export const writeNamedHead = (response: ServerResponse, status: number, headers: string[]): ServerResponse =>
  response instanceof NamedResponse ? response.writeNamedHead(status, headers) : response.writeHead(status, headers);

/** The head that was written, for whoever writes it together with the body. Node.js would do so by itself, in a piece of its own: it is made when
 * the status is given, and `_headerSent` is what keeps it from going out again. @returns '' where a Node.js keeps it elsewhere: then it goes first */
export function takeHead(response: ServerResponse): string {
  const made = response as ServerResponse & { _header?: unknown; _headerSent?: unknown };
  if (typeof made._header !== 'string' || made._headerSent !== false) {
    response.flushHeaders();
    return '';
  }
  made._headerSent = true;
  return made._header;
}

/** @param headers by name, or names and values in turn */
function named(headers: OutgoingHttpHeaders | OutgoingHttpHeader[] | undefined): typeof headers {
  if (headers === undefined) return undefined;
  if (Array.isArray(headers))
    return headers.map((item, at) => (at % 2 === 0 && typeof item === 'string' ? headerName(item) : item));
  const result: OutgoingHttpHeaders = {};
  for (const name of Object.keys(headers)) result[headerName(name)] = headers[name];
  return result;
}
