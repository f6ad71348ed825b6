import { Socket } from 'node:net';
import type { Server } from 'node:net';
import { invariant } from '../base/invariant.ts';
import { readAbsoluteHost } from './absolute-request.ts';
import { readServerName } from './client-hello.ts';
import type { ServerName } from './client-hello.ts';
import type { EdgeContext } from './edge-context.ts';
import { lookUpHost } from './plane-lookup.ts';
import { isLoopbackAddress } from './loopback.ts';
import { isPassedOn } from './client-address.ts';
import type { RawConnection } from './plane.ts';
import { parseHost } from './request-target.ts';

/** Puts itself before the TLS of a server: a direct connection whose server name belongs to a plane that ends TLS elsewhere goes
 * there; every other one goes on as it came. Sockets of tunnels have been offered already and pass. */
export function offerToPlanes(context: EdgeContext, server: Server): void {
  if (context.planes.some((plane) => plane.takeOver !== undefined))
    beforeServer(context, server, (_, socket, goOn) => offer(context, socket, goOn, { read: readServerName }));
}

/** The same for the proxy: requests for https in absolute form go, unread but for their first line, to the plane of their host. */
export function offerAbsoluteRequests(context: EdgeContext, proxy: Server): void {
  beforeServer(context, proxy, (_, socket, goOn) => {
    if (isLoopbackAddress(socket.remoteAddress) && !isPassedOn(socket))
      offer(context, socket, goOn, { read: readAbsoluteHost, inTheClear: true });
    else goOn();
  });
}

/** The same for a port whose only plane has all of it, whatever name clients come with: `localhost`, 127.0.0.1, ::1. */
export function offerWholePort(context: EdgeContext, server: Server): void {
  beforeServer(context, server, (_, socket, goOn) => {
    context.connections.addSocket(socket);
    settle(context, socket, { head: Buffer.alloc(0) }, 'localhost', goOn);
  });
}

function beforeServer(
  context: EdgeContext,
  server: Server,
  offerOne: (context: EdgeContext, socket: Socket, goOn: () => void) => void,
): void {
  const secure = server.listeners('connection');
  server.removeAllListeners('connection');
  server.on('connection', (socket: unknown) => {
    invariant(socket instanceof Socket, 'the listener accepts TCP sockets');
    const goOn = (): void => {
      for (const listener of secure) Reflect.apply(listener, server, [socket]);
    };
    if (context.connections.tunnelName(socket) !== undefined) goOn();
    else offerOne(context, socket, goOn);
  });
}

interface Peek {
  readonly read: (bytes: Uint8Array) => ServerName;
  readonly inTheClear?: true;
}

/** Reads until the host is known, within the time of a handshake. */
function offer(context: EdgeContext, socket: Socket, goOn: () => void, { read: readHost, ...kind }: Peek): void {
  context.connections.addSocket(socket);
  const cancel = context.startTimer(context.limits.handshakeTimeoutMs, () => socket.destroy());
  const pieces: Buffer[] = [];
  const giveUp = (): void => void socket.destroy();
  const done = (name: string | undefined): void => {
    cancel();
    socket.off('readable', read).off('error', giveUp).off('end', giveUp).off('close', cancel);
    settle(context, socket, { ...kind, head: Buffer.concat(pieces) }, name, goOn);
  };
  const read = (): void => {
    const piece = socket.read() as Buffer | null;
    if (piece === null) return;
    pieces.push(piece);
    const found = readHost(pieces.length === 1 ? piece : Buffer.concat(pieces));
    if (found.outcome !== 'more') done(found.outcome === 'named' ? found.name : undefined);
  };
  socket.on('readable', read).on('error', giveUp).on('end', giveUp).on('close', cancel);
}

type Opening = Pick<RawConnection, 'inTheClear'> & { readonly head: Buffer };

function settle(
  context: EdgeContext,
  socket: Socket,
  opening: Opening,
  name: string | undefined,
  goOn: () => void,
): void {
  decide(context, socket, opening, name).then(
    (taken) => {
      if (taken || socket.destroyed) return;
      if (opening.head.length > 0) socket.unshift(opening.head);
      goOn();
    },
    (error: unknown) => {
      context.log.failure('edge failed', error);
      socket.destroy();
    },
  );
}

async function decide(
  context: EdgeContext,
  socket: Socket,
  opening: Opening,
  name: string | undefined,
): Promise<boolean> {
  const host = name === undefined ? undefined : parseHost(name);
  if (host === undefined || context.connections.closing) return false;
  const ignore = (): void => undefined; // an error closes it, and nobody else listens now
  socket.on('error', ignore);
  try {
    const found = await lookUpHost(context.planes, host);
    if (found.outcome !== 'serve' || found.plane.takeOver === undefined) return false;
    return await found.plane.takeOver({ ...opening, socket, host, greeting: '' });
  } finally {
    socket.off('error', ignore);
  }
}
