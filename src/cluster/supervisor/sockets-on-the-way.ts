import type { Socket } from 'node:net';

/** Connections that a process was given and has not taken yet: they stay open here until it has, so that a client whose connection
 * went to a process that died meanwhile is told. (Node's own hand-over forgets them: it would wait for ever.) */
export class SocketsOnTheWay {
  readonly #sockets = new Map<number, Socket>();
  #next = 1;

  add(socket: Socket): number {
    const id = this.#next++;
    this.#sockets.set(id, socket);
    return id;
  }

  /** The other process holds it: only this end is closed. */
  taken(id: number): void {
    this.#sockets.get(id)?.destroy();
    this.#sockets.delete(id);
  }

  /** Nobody takes them any more. */
  drop(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
    this.#sockets.clear();
  }
}
