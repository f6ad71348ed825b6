import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { StartTimer } from '../../http/timer.ts';
import { connectionKey } from '../../http/open-connections.ts';

export interface ExpectedRequestsPorts {
  readonly monotonicMs: () => number;
  readonly startTimer: StartTimer;
}

/** After an answer the next request of a client that asks all the time comes this soon. */
const keptMs = 250;

interface Connection {
  /** What requests are read from; undefined until its TLS is there. */
  socket: Socket | undefined;
  wasAsked: boolean;
  /** Requests of it that have no whole answer yet. */
  answering: number;
  /** Bytes of the requests that were answered. */
  bytesAnswered: number;
  answeredAt: number;
}

/** Connections of clients, and on which of them a request is under way or to be expected: it has just been made, its TLS is not done, or
 * its last answer has just gone out. Who ends the cluster would leave such a client with a broken connection. */
export class ExpectedRequests {
  readonly #ports: ExpectedRequestsPorts;
  readonly #connections = new Map<string, Connection>();
  readonly #whenChanged: (() => void)[] = [];

  constructor(ports: ExpectedRequestsPorts) {
    this.#ports = ports;
  }

  /** @param isReady requests come on it as it is, without TLS */
  taken(socket: Socket, isReady: boolean): void {
    const key = connectionKey(socket);
    this.#connections.set(key, {
      ...{ socket: isReady ? socket : undefined, wasAsked: false },
      ...{ answering: 0, bytesAnswered: 0, answeredAt: 0 },
    });
    socket.once('close', () => {
      this.#connections.delete(key);
      this.#changed();
    });
  }

  /** Its TLS is done. */
  secured(socket: Socket): void {
    const connection = this.#connections.get(connectionKey(socket));
    if (connection !== undefined) connection.socket = socket;
  }

  /** A request of it has come: its headers, at least. */
  asked(response: ServerResponse): void {
    const { req: request } = response;
    const { socket } = request;
    const connection = this.#connections.get(connectionKey(socket));
    if (connection === undefined) return;
    connection.wasAsked = true;
    connection.answering += 1;
    response.once('close', () => {
      connection.answering -= 1;
      connection.answeredAt = this.#ports.monotonicMs();
      if (request.complete) connection.bytesAnswered = socket.bytesRead;
      this.#changed();
    });
    this.#changed();
  }

  /** Resolves when no request is under way or to be expected any more. */
  async settled(): Promise<void> {
    for (;;) {
      const now = this.#ports.monotonicMs();
      let nextMs = Infinity;
      let isSettled = true;
      for (const { wasAsked, answering, answeredAt } of this.#connections.values()) {
        const isIdle = wasAsked && answering === 0;
        if (isIdle && answeredAt + keptMs <= now) continue;
        isSettled = false;
        if (isIdle) nextMs = Math.min(nextMs, answeredAt + keptMs - now);
      }
      if (isSettled) return;
      await this.#change(nextMs);
    }
  }

  /** @returns connections on which the beginning of a request has come, and not all of its headers */
  halfAsked(): readonly Socket[] {
    return [...this.#connections.values()].flatMap(({ socket, answering, bytesAnswered }) =>
      socket !== undefined && answering === 0 && socket.bytesRead > bytesAnswered ? [socket] : [],
    );
  }

  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = Number.isFinite(withinMs) ? this.#ports.startTimer(withinMs, resolve) : undefined;
      this.#whenChanged.push(() => {
        cancel?.();
        resolve();
      });
    });
  }

  #changed(): void {
    for (const resolve of this.#whenChanged.splice(0)) resolve();
  }
}
