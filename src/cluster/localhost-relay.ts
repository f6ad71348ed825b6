import type { IncomingMessage, ServerResponse } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Log } from '../http/logging.ts';
import type { ServedCluster } from './wire-access.ts';

/** Where a cluster's own process listens. */
export interface RelayTarget {
  readonly listenPath: string;
  readonly cluster: ServedCluster;
}

/** Hop-by-hop headers belong to one connection (RFC 9110, 7.6.1). */
const ownHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
]);

/** Passes one request that came to `localhost` on to the cluster's process, and its answer back. Only for this form does TLS end in the
 * main process, since its certificate names localhost: the pieces are overwritten as soon as they have gone out, but what TLS and the
 * HTTP parser copied stays until it is used again. Who wants no row in this process uses the cluster's own host name. */
export function relay(
  target: RelayTarget,
  caPem: string,
  log: Log,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const [host] = target.cluster.hosts;
  const onward = httpsRequest({
    socketPath: target.listenPath,
    servername: host,
    ca: caPem,
    agent: false,
    method: request.method,
    path: request.url,
    headers: { ...forwarded(request.headers), host },
  });
  const fail = (error: Error): void => {
    log.failure('localhost request failed', error, { clusterId: target.cluster.clusterId });
    onward.destroy();
    if (response.headersSent) response.destroy();
    else
      response
        .writeHead(503, { 'retry-after': '1', 'content-type': 'text/plain; charset=utf-8' })
        .end('The cluster process ended. Try again.\n');
  };
  onward.on('error', fail);
  onward.on('response', (answer) => {
    answer.on('error', fail);
    response.writeHead(answer.statusCode ?? 502, forwarded(answer.headers));
    pass(answer, response);
  });
  response.once('close', () => onward.destroy());
  pass(request, onward);
}

function forwarded(headers: IncomingMessage['headers']): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || ownHeaders.has(name) ? [] : [[name, value]],
    ),
  );
}

/** A pipe that overwrites each piece once it has been written. */
function pass(from: IncomingMessage, to: ServerResponse | ReturnType<typeof httpsRequest>): void {
  from.on('data', (piece: Buffer) => {
    const more = to.write(piece, () => piece.fill(0));
    if (more) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
  from.on('end', () => to.end());
}
