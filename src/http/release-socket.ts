import type { Socket } from 'node:net';

/** Gets a socket ready to be handed to another process: nothing more is read from it here, and its server no longer waits for it
 * to close. Node's hand-over (`child.send(message, socket)`) would lose what arrives between the two.
 * @returns what was read from it and not yet used */
export function releaseSocket(socket: Socket): Buffer {
  callHandle(socket, 'readStop');
  // With a server set, closing that server would wait for the other process to close its sockets.
  Object.assign(socket, { server: null });
  const parts: Buffer[] = [];
  for (let part = socket.read() as Buffer | null; part !== null; part = socket.read() as Buffer | null)
    parts.push(part);
  return Buffer.concat(parts);
}

/** Undoes that: nobody else took it. @param unread what `releaseSocket` gave */
export function takeBackSocket(socket: Socket, unread: Buffer): void {
  if (socket.destroyed) return;
  if (unread.length > 0) socket.unshift(unread);
  callHandle(socket, 'readStart');
}

function callHandle(socket: Socket, method: 'readStop' | 'readStart'): void {
  const handle: unknown = '_handle' in socket ? socket._handle : undefined;
  const own: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, method) : undefined;
  if (typeof own === 'function') Reflect.apply(own, handle, []);
}
