import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import type { RandomBytes } from '../base/random.ts';
import type { EdgeContext } from './edge-context.ts';
import type { PassedConnections } from './client-address.ts';
import type { PassedTo } from './pass-header.ts';
import { makeHello, passHeaderBytes, readPassHeader } from './pass-header.ts';

/** What is known of other nodes that pass connections on. */
export interface NodePassing {
  /** Each 32 bytes, which only nodes of the instance have; asked anew for each connection. */
  readonly keys: () => readonly Uint8Array[];
  /** What other nodes are told to dial; asked when the port is known. */
  readonly advertised: () => string;
  readonly randomBytes: RandomBytes;
  /** Takes connections of nodes that read clusters, each with the one of `keys` that proved it. Absent: they may not. */
  readonly readers?: ((socket: Socket, key: Uint8Array) => void) | undefined;
}

/** Connections that have not said whose they are. */
const unknownMax = 256;

/** The port where other nodes pass their clients' connections on. What follows their header goes to one of this node's own listeners as it
 * came; whoever cannot prove to be a node is cut off, and gets at nothing. */
export function createNodeListener(
  context: EdgeContext,
  { keys, advertised, randomBytes, readers }: NodePassing,
  passed: PassedConnections,
  listeners: Readonly<Record<PassedTo, Server>>,
): Server {
  const { limits, connections, log } = context;
  const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000 });
  server.maxConnections = limits.socketsMax;
  server.on('drop', () => log.warning('too many connections', { listener: 'nodes' }));
  let unknown = 0;
  server.on('connection', (socket) => {
    if (unknown === unknownMax || connections.closing) {
      socket.destroy();
      return;
    }
    connections.addSocket(socket);
    unknown += 1;
    const hello = makeHello(randomBytes);
    socket.write(hello);
    readHeader(context, socket, (bytes) => {
      unknown -= 1;
      const [proved] = keys().flatMap((key) => {
        const header = bytes && readPassHeader(key, hello, advertised(), bytes);
        return header === undefined ? [] : [{ key, header }];
      });
      if (proved === undefined) {
        if (bytes !== undefined) log.warning('no node of this instance', { listener: 'nodes' });
        socket.destroy();
        return;
      }
      const { key, header } = proved;
      if (header.to !== 'reader') {
        passed.add(socket, header.clientAddress);
        listeners[header.to].emit('connection', socket);
        return;
      }
      if (readers === undefined) log.warning('readers are not let in', { listener: 'nodes' });
      if (readers === undefined) socket.destroy();
      else readers(socket, key);
    });
  });
  return server;
}

/** @param done called once; without bytes when the connection ended, or took longer than a handshake may */
function readHeader(
  { startTimer, limits }: EdgeContext,
  socket: Socket,
  done: (header: Buffer | undefined) => void,
): void {
  const pieces: Buffer[] = [];
  const end = (header?: Buffer): void => {
    cancel();
    socket.off('readable', read).off('error', giveUp).off('end', giveUp).off('close', giveUp);
    done(header);
  };
  const giveUp = (): void => {
    socket.on('error', () => undefined); // it closes, and nobody else listens
    end();
  };
  const read = (): void => {
    const piece = socket.read() as Buffer | null;
    if (piece === null) return;
    pieces.push(piece);
    const bytes = Buffer.concat(pieces);
    if (bytes.length < passHeaderBytes) return;
    if (bytes.length > passHeaderBytes) socket.unshift(bytes.subarray(passHeaderBytes));
    end(bytes.subarray(0, passHeaderBytes));
  };
  const cancel = startTimer(limits.handshakeTimeoutMs, giveUp);
  socket.on('readable', read).on('error', giveUp).on('end', giveUp).on('close', giveUp);
}
