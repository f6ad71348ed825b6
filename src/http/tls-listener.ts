import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import { TLSSocket } from 'node:tls';
import type { SecureContext } from 'node:tls';
import type { HostName } from '../base/names.ts';
import { parseHostName } from '../base/names.ts';
import { invariant } from '../base/invariant.ts';
import type { Soon } from '../base/soon.ts';
import { soon, soonOr } from '../base/soon.ts';
import type { EdgeContext } from './edge-context.ts';
import { offerToPlanes } from './direct-connection.ts';
import { httpsLimits } from './edge-limits.ts';
import { lookUpHost } from './plane-lookup.ts';
import {
  answerBug,
  createConnectionFailureHandler,
  handToPlane,
  refuse,
  serverNameOf,
  servingPlane,
} from './request-admission.ts';
import { agreeOnHost } from './request-target.ts';

/** The one TLS server: it listens, and takes the sockets of tunnels through its `connection` event. Only a listening server
 * watches its timeouts, so both kinds of connection are held to them.
 * A name that no plane serves gets no certificate: the handshake fails, as does a connection to a name that is gone.
 * @param offer puts itself before TLS: a plane may end it elsewhere */
export async function createTlsListener(
  context: EdgeContext,
  offer: (context: EdgeContext, server: Server) => void = offerToPlanes,
): Promise<Server> {
  const { authority, limits, connections, log } = context;
  const local = parseHostName('localhost');
  invariant(local !== undefined, 'localhost is a host name');
  const leaf = await authority.leafFor(local);
  const server = createServer(
    {
      cert: leaf.chainPem,
      key: leaf.privateKeyPem,
      SNICallback: (servername, done) => {
        contextForName(context, servername).then(
          (secureContext) => done(null, secureContext),
          (error: unknown) => done(error instanceof Error ? error : new Error('no certificate')),
        );
      },
      ...httpsLimits(limits),
    },
    (request, response) => {
      connections.addAnswer(response);
      const admitted = soonOr(
        () => admit(context, request, response),
        (error) => answerBug(context, error, response),
      );
      void admitted;
    },
  );
  server.maxConnections = limits.socketsMax;
  server.on('connection', (socket) => connections.addSocket(socket));
  offer(context, server);
  server.on('drop', () => log.warning('too many connections', { listener: 'tls' }));
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => noteFailedHandshake(context, error, socket));
  server.on(
    'clientError',
    createConnectionFailureHandler(context, (socket) =>
      servingPlane(context, socket instanceof TLSSocket ? serverNameOf(socket.servername) : undefined),
    ),
  );
  return server;
}

class NoSuchHostError extends Error {
  override readonly name = 'NoSuchHostError';
}

async function contextForName(context: EdgeContext, servername: string): Promise<SecureContext> {
  const host = serverNameOf(servername);
  const found = host === undefined ? undefined : await lookUpHost(context.planes, host);
  if (host === undefined || found?.outcome !== 'serve' || found.plane.plainHttp) {
    context.log.warning('no such host', { host: host ?? 'malformed', listener: 'tls' });
    throw new NoSuchHostError('No plane serves this name.');
  }
  return context.authority.contextFor(host);
}

function admit(context: EdgeContext, request: IncomingMessage, response: ServerResponse): Soon<void> {
  const socket = request.socket;
  invariant(socket instanceof TLSSocket, 'the TLS listener gets TLS sockets');
  const connection = connectionNames(context, socket);
  const agreement = agreeOnHost({ connection, rawHeaders: request.rawHeaders, target: request.url ?? '' });
  if (!agreement.agreed) {
    context.log.warning('host names disagree', { status: agreement.status });
    refuse(response, agreement.status, agreement.text);
    return;
  }
  return soon(lookUpHost(context.planes, agreement.host), (found) => {
    if (found.outcome !== 'serve') {
      // Gone since the handshake. A new connection will be told so; this one ends as if the machine were gone.
      context.log.warning('no such host', { host: agreement.host, listener: 'tls' });
      socket.destroy();
      return;
    }
    request.url = agreement.path;
    handToPlane(context, found.plane, request, response);
  });
}

const namesOfConnections = new WeakMap<TLSSocket, readonly HostName[]>();

/** What the connection was made for: known before its first request, and the same for all of them. */
function connectionNames({ connections }: EdgeContext, socket: TLSSocket): readonly HostName[] {
  const known = namesOfConnections.get(socket);
  if (known !== undefined) return known;
  const both = [serverNameOf(socket.servername), connections.tunnelName(socket)];
  const names = both.filter((name): name is HostName => name !== undefined);
  namesOfConnections.set(socket, names);
  return names;
}

/** The usual cause is a client that was not told about our root: worth a line of its own. */
function noteFailedHandshake(context: EdgeContext, error: NodeJS.ErrnoException, socket: TLSSocket): void {
  const code = error.code ?? '';
  if (!/^ERR_SSL_[A-Z0-9_]+$/.test(code)) return;
  const distrusts = /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN)/.test(code);
  const host = serverNameOf(socket.servername) ?? 'malformed';
  context.log.warning(distrusts ? 'client does not trust our root certificate' : 'handshake failed', { code, host });
}
