import type { HostName } from '../../base/names.ts';

/** Comes with a client's connection, which its cluster's process takes over before anything of it is understood. */
export interface HandedSocket {
  readonly kind: 'socket';
  /** Comes back with `TakenSocket`. */
  readonly id: number;
  /** The name that the connection was made for. */
  readonly host: HostName;
  /** Read from it already. */
  readonly head: Uint8Array;
  /** To be written first: the answer to a CONNECT. */
  readonly greeting: string;
  /** Requests come in absolute form, without TLS. */
  readonly inTheClear?: true;
  /** A `traceparent`: what handing it over is part of. */
  readonly trace?: string;
}

export const isHandedSocket = (message: unknown): message is HandedSocket =>
  typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'socket';

/** The answer: the process has the connection now, and whoever handed it over may close his end. */
export interface TakenSocket {
  readonly kind: 'taken';
  readonly id: number;
}

export const isTakenSocket = (message: unknown): message is TakenSocket =>
  typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'taken' && 'id' in message;
