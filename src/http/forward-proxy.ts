import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HostName } from '../base/names.ts';
import { invariant } from '../base/invariant.ts';
import { isAllowedHost, isAllowedPort } from './allowed-hosts.ts';
import type { EdgeContext, TlsListener } from './edge-context.ts';
import { offerAbsoluteRequests } from './direct-connection.ts';
import { httpLimits } from './edge-limits.ts';
import { tunnelToForeignHost } from './foreign-tunnel.ts';
import { lookUpHost } from './plane-lookup.ts';
import type { PlaneLookup } from './plane-lookup.ts';
import { endWithAnswer, textAnswer } from './raw-answer.ts';
import { answerBug, createConnectionFailureHandler, handToPlane, refuse } from './request-admission.ts';
import type { Authority } from './request-target.ts';
import { isLoopbackAddress } from './loopback.ts';
import { isPassedOn } from './client-address.ts';
import { agreeOnHost, parseAbsoluteTarget, parseAuthority } from './request-target.ts';

/** The plain listener that clients name in `HTTPS_PROXY`, with one path of its own. Three forms: CONNECT (most clients), absolute http targets (managed
 * identity) and absolute https targets in the clear (axios 0.21), the last from this machine only. */
export function createForwardProxy(main: TlsListener, local?: TlsListener): Server {
  const { context } = main;
  /** This machine's own name may mean either; all others the first. */
  const listenerFor = (target: Authority | undefined): TlsListener =>
    local !== undefined && target?.host === 'localhost' && isOwnPort(local.server, target) ? local : main;
  const { limits, connections, log } = context;
  const proxy = createServer(
    {
      ...httpLimits(limits),
    },
    (request, response) => {
      connections.addAnswer(response);
      const target = parseAbsoluteTarget(request.url ?? '');
      forward(listenerFor(target), request, response).catch((error: unknown) => answerBug(context, error, response));
    },
  );
  proxy.maxConnections = limits.socketsMax;
  proxy.on('connection', (socket) => connections.addSocket(socket));
  offerAbsoluteRequests(context, proxy);
  proxy.on('drop', () => log.warning('too many connections', { listener: 'proxy' }));
  proxy.on(
    'clientError',
    createConnectionFailureHandler(context, () => undefined),
  );
  proxy.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    invariant(socket instanceof Socket, 'the proxy listens on plain sockets');
    socket.on('error', () => socket.destroy()); // the HTTP server no longer listens for it
    connect(listenerFor(parseAuthority(request.url ?? '')), request, socket, head).catch((error: unknown) => {
      log.failure('edge failed', error);
      socket.destroy();
    });
  });
  return proxy;
}

async function connect(
  { context, server: tlsServer }: TlsListener,
  request: IncomingMessage,
  socket: Socket,
  head: Buffer,
): Promise<void> {
  const say = (status: number, text: string, reason?: string): void =>
    endWithAnswer(socket, { ...textAnswer(status, text), ...(reason && { reason }) }, context.startTimer);
  const target = parseAuthority(request.url ?? '');
  if (context.connections.closing || target?.port === undefined) {
    if (target?.port === undefined) say(400, 'A CONNECT target is a host name and a port.');
    else say(503, 'Kustody is stopping.');
    return;
  }
  const found = await lookUpHost(context.planes, target.host);
  if (found.outcome === 'serve' && !found.plane.plainHttp && isOwnPort(tlsServer, target)) {
    const greeting = 'HTTP/1.1 200 Connection Established\r\n\r\n';
    if (await found.plane.takeOver?.({ socket, head, host: target.host, greeting })) return;
    // The socket goes to the TLS server, which owns it from here on.
    context.connections.nameTunnel(socket, target.host);
    socket.write(greeting);
    if (head.length > 0) socket.unshift(head);
    tlsServer.emit('connection', socket);
    return;
  }
  const { host, port } = target;
  if (isAllowedPort(context.allowedHosts, host, port)) {
    await tunnelToForeignHost(context, { host, port }, socket, head);
    return;
  }
  say(502, explainRefusal(context, found, target), refusalReason(host));
}

/** Services are on 443; this machine's own name leads to the port we listen on, and to nothing else. */
function isOwnPort(tlsServer: TlsServer, target: Authority): boolean {
  if (target.host !== 'localhost') return (target.port ?? 443) === 443;
  const address = tlsServer.address();
  return typeof address === 'object' && target.port === address?.port;
}

async function forward(
  { context, server: tlsServer }: TlsListener,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (isPassedOn(request.socket)) {
    refuse(
      response,
      403,
      'A request in the clear is taken from its client alone, not from another node that passes it on: use CONNECT, or the node that serves.',
    );
    return;
  }
  const target = parseAbsoluteTarget(request.url ?? '');
  const { onProxy } = context;
  if (target === undefined && onProxy !== undefined && request.url?.startsWith(onProxy.below) === true) {
    handToPlane(context, onProxy.plane, request, response);
    return;
  }
  if (target === undefined) {
    refuse(response, 400, 'This is the forward proxy of Kustody, for HTTPS_PROXY and HTTP_PROXY; it serves no pages.');
    return;
  }
  const agreement = agreeOnHost({ connection: [], rawHeaders: request.rawHeaders, target: request.url ?? '' });
  if (!agreement.agreed) {
    refuse(response, agreement.status, agreement.text);
    return;
  }
  const found = await lookUpHost(context.planes, target.host);
  if (found.outcome !== 'serve') {
    refuse(response, 502, explainRefusal(context, found, target), refusalReason(target.host));
    return;
  }
  const { plane } = found;
  if (
    target.scheme === 'http'
      ? !plane.plainHttp || (target.port ?? 80) !== 80
      : plane.plainHttp || !isOwnPort(tlsServer, target)
  ) {
    refuse(response, 502, `Host '${target.host}' does not answer on this scheme and port.`);
    return;
  }
  if (target.scheme === 'https' && !isLoopbackAddress(request.socket.remoteAddress)) {
    refuse(response, 403, 'A request for https in the clear is taken from this machine only: use CONNECT.');
    return;
  }
  // The next request may be for a host whose connections go elsewhere unread, which is decided at their first line.
  if (target.scheme === 'https') response.shouldKeepAlive = false;
  request.url = agreement.path;
  for (const name of ['proxy-authorization', 'proxy-connection']) Reflect.deleteProperty(request.headers, name);
  handToPlane(context, plane, request, response);
}

/** Many clients show of an answer to CONNECT its first line alone. */
const refusalReason = (host: HostName): string => `Kustody refuses ${host}`;

/** Names the host and says what to do. Host names are no secrets. */
function explainRefusal(context: EdgeContext, found: PlaneLookup, { host, port }: Authority): string {
  if (found.outcome === 'serve') return `Host '${host}' does not answer on this scheme and port.`;
  const allowed = isAllowedHost(context.allowedHosts, host);
  context.refusedHosts.add(host, found.outcome === 'absent' ? 'absent' : 'foreign');
  context.log.warning(found.outcome === 'absent' ? 'no such host' : 'foreign host refused', {
    host,
    listener: 'proxy',
  });
  if (allowed && (port === undefined || isAllowedPort(context.allowedHosts, host, port)))
    return `Host '${host}' is let through by CONNECT only, not by plain http.`;
  if (allowed)
    return `Host '${host}' is not let through on port ${port}. To let it through, start Kustody with: --allow ${host}:${port}`;
  if (found.outcome === 'absent') {
    return `Host '${host}' could not be resolved: Kustody serves this domain and has no host of that name.`;
  }
  return `Host '${host}' is not one of Kustody's and is not let through. To let it through, start Kustody with: --allow ${host}`;
}
