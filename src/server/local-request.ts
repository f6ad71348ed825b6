import { request as httpsRequest } from 'node:https';

/** Where our own edge listens, and whom to trust there. */
export interface LocalEdge {
  readonly address: string;
  readonly port: number;
  readonly ca: string;
}

export interface LocalRequest {
  /** A host name that the edge serves; also the TLS server name. */
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly timeoutMs: number;
  readonly answerBytesMax: number;
}

export interface LocalAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

/** One HTTPS request to our own edge, as any client would send it, but past proxies and DNS.
 * @throws Node's own errors, and on a timeout or an answer that is too long */
export function sendLocal(edge: LocalEdge, request: LocalRequest): Promise<LocalAnswer> {
  const { host, body } = request;
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      {
        host: edge.address,
        port: edge.port,
        servername: host,
        ca: edge.ca,
        agent: false,
        method: request.method,
        path: request.path,
        headers: {
          host,
          ...(body === undefined ? {} : { 'content-length': String(body.byteLength) }),
          ...request.headers,
        },
        signal: AbortSignal.timeout(request.timeoutMs),
      },
      (response) => {
        const parts: Buffer[] = [];
        let length = 0;
        response.on('data', (part: Buffer) => {
          length += part.byteLength;
          if (length > request.answerBytesMax) sent.destroy(new Error('The answer is too long.'));
          else parts.push(part);
        });
        response.on('error', reject);
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) });
        });
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** @returns undefined for what is no JSON */
export function parseJsonBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
