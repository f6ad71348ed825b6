import type { Server } from 'node:https';
import { Socket } from 'node:net';
import { invariant } from '../base/invariant.ts';
import { readServerName } from './client-hello.ts';
import type { EdgeContext } from './edge-context.ts';
import { lookUpHost } from './plane-lookup.ts';
import { parseHost } from './request-target.ts';

/** Puts itself before the TLS of a server: a direct connection whose server name belongs to a plane that ends TLS elsewhere goes
 * there; every other one goes on as it came. Sockets of tunnels have been offered already and pass. */
export function offerToPlanes(context: EdgeContext, server: Server): void {
  if (context.planes.some((plane) => plane.takeOver !== undefined)) beforeTls(context, server, offer);
}

/** The same for a port whose only plane has all of it, whatever name clients come with: `localhost`, 127.0.0.1, ::1. */
export function offerWholePort(context: EdgeContext, server: Server): void {
  beforeTls(context, server, (_, socket, goOn) => {
    context.connections.addSocket(socket);
    settle(context, socket, Buffer.alloc(0), 'localhost', goOn);
  });
}

function beforeTls(
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

/** Reads until the server name is known, within the time of a handshake. */
function offer(context: EdgeContext, socket: Socket, goOn: () => void): void {
  context.connections.addSocket(socket);
  const cancel = context.startTimer(context.limits.handshakeTimeoutMs, () => socket.destroy());
  const pieces: Buffer[] = [];
  const giveUp = (): void => void socket.destroy();
  const done = (name: string | undefined): void => {
    cancel();
    socket.off('readable', read).off('error', giveUp).off('end', giveUp).off('close', cancel);
    settle(context, socket, Buffer.concat(pieces), name, goOn);
  };
  const read = (): void => {
    const piece = socket.read() as Buffer | null;
    if (piece === null) return;
    pieces.push(piece);
    const found = readServerName(pieces.length === 1 ? piece : Buffer.concat(pieces));
    if (found.outcome !== 'more') done(found.outcome === 'named' ? found.name : undefined);
  };
  socket.on('readable', read).on('error', giveUp).on('end', giveUp).on('close', cancel);
}

function settle(context: EdgeContext, socket: Socket, head: Buffer, name: string | undefined, goOn: () => void): void {
  decide(context, socket, head, name).then(
    (taken) => {
      if (taken || socket.destroyed) return;
      if (head.length > 0) socket.unshift(head);
      goOn();
    },
    (error: unknown) => {
      context.log.failure('edge failed', error);
      socket.destroy();
    },
  );
}

async function decide(context: EdgeContext, socket: Socket, head: Buffer, name: string | undefined): Promise<boolean> {
  const host = name === undefined ? undefined : parseHost(name);
  if (host === undefined || context.connections.closing) return false;
  const ignore = (): void => undefined; // an error closes it, and nobody else listens now
  socket.on('error', ignore);
  try {
    const found = await lookUpHost(context.planes, host);
    if (found.outcome !== 'serve' || found.plane.takeOver === undefined) return false;
    return await found.plane.takeOver({ socket, head, host, greeting: '' });
  } finally {
    socket.off('error', ignore);
  }
}
