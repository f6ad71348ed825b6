import type { Socket } from 'node:net';

/** Of connections that another node has accepted and passed on. */
const named = new WeakMap<Socket, string>();

/** @returns the address of the client as the node saw it that accepted the connection; undefined when the connection is gone */
export const clientAddressOf = (socket: Socket): string | undefined => named.get(socket) ?? socket.remoteAddress;

/** Whether the peer of the connection is another node, not the client. */
export const isPassedOn = (socket: Socket): boolean => named.has(socket);

/** Connections that were passed on to this node. TLS is spoken by another object on the same connection, known by its ends. */
export class PassedConnections {
  readonly #clients = new Map<string, string>();

  /** Before anybody else sees the connection. */
  add(socket: Socket, clientAddress: string): void {
    const ends = endsOf(socket);
    this.#clients.set(ends, clientAddress);
    named.set(socket, clientAddress);
    socket.once('close', () => this.#clients.delete(ends));
  }

  /** Of a connection whose TLS has begun, before its first request. */
  follow(socket: Socket): void {
    const clientAddress = this.#clients.get(endsOf(socket));
    if (clientAddress !== undefined) named.set(socket, clientAddress);
  }
}

const endsOf = ({ remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 }: Socket): string =>
  `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
