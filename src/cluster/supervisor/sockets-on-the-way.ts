import type { Socket } from 'node:net';

interface OnTheWay {
  readonly socket: Socket;
  readonly settle: (taken: boolean) => void;
}

/** Connections that a process was given and has not taken yet: they stay open here until it has, so that a client whose connection
 * went to a process that died meanwhile is told. (Node's own hand-over forgets them: it would wait for ever.) */
export class SocketsOnTheWay {
  readonly #sockets = new Map<number, OnTheWay>();
  #next = 1;

  /** @param settle told whether it was taken: if not, it is as it was */
  add(socket: Socket, settle: (taken: boolean) => void): number {
    const id = this.#next++;
    this.#sockets.set(id, { socket, settle });
    return id;
  }

  /** The other process holds it: only this end is closed. */
  taken(id: number): void {
    const found = this.#sockets.get(id);
    this.#sockets.delete(id);
    found?.socket.destroy();
    found?.settle(true);
  }

  /** Nobody takes them any more. */
  giveBack(): void {
    const all = [...this.#sockets.values()];
    this.#sockets.clear();
    for (const { settle } of all) settle(false);
  }
}
