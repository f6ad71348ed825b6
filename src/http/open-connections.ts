import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { HostName } from '../base/names.ts';
import type { SpanContext } from './tracing/trace-context.ts';

/** One of the answers under way, which all hang together. */
interface Answering {
  readonly response: ServerResponse;
  isUnderWay: boolean;
  before: Answering | undefined;
  after: Answering | undefined;
}

/** What is under way at one edge: sockets, the names that tunnels were asked for, answers not yet out. */
export class OpenConnections {
  readonly #sockets = new Set<Duplex>();
  readonly #tunnelNames = new Map<string, HostName>();
  readonly #traces = new Map<string, SpanContext>();
  /** The newest of them. No `Set`, whose earlier tables lead to its later ones, and all to what was in them: once one is old, V8 takes everything
   * that was ever under way for alive until it next looks through the whole heap. */
  #newest: Answering | undefined;
  readonly #whenForgotten: (() => void)[] = [];
  #closing = false;
  #whenIdle: () => void = () => undefined;

  get closing(): boolean {
    return this.#closing;
  }

  get socketCount(): number {
    return this.#sockets.size;
  }

  get tunnelCount(): number {
    return this.#tunnelNames.size;
  }

  /** Every socket of the edge passes here once; it is forgotten when it closes. */
  addSocket(socket: Duplex): void {
    if (this.#sockets.has(socket)) return;
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      for (const resolve of this.#whenForgotten.splice(0)) resolve();
    });
  }

  /** Remembers the name a CONNECT asked for. TLS is spoken by another object on the same connection, known by its ports. */
  nameTunnel(socket: Socket, host: HostName): void {
    const key = connectionKey(socket);
    this.#tunnelNames.set(key, host);
    socket.once('close', () => this.#tunnelNames.delete(key));
  }

  /** @returns the name the CONNECT of this connection asked for; undefined when it is not in a tunnel */
  tunnelName(socket: Socket): HostName | undefined {
    return this.#tunnelNames.get(connectionKey(socket));
  }

  addAnswer(response: ServerResponse): void {
    const answering: Answering = { response, isUnderWay: true, before: this.#newest, after: undefined };
    if (this.#newest !== undefined) this.#newest.after = answering;
    this.#newest = answering;
    if (this.#closing) response.shouldKeepAlive = false;
    response.on('close', () => {
      this.#leave(answering);
      if (this.#newest === undefined) this.#whenIdle();
    });
  }

  /** Whoever has left leads to nobody. Safe to call twice. */
  #leave(answering: Answering): void {
    if (!answering.isUnderWay) return;
    answering.isUnderWay = false;
    const { before, after } = answering;
    if (before !== undefined) before.after = after;
    if (after !== undefined) after.before = before;
    else this.#newest = before;
    answering.before = undefined;
    answering.after = undefined;
  }

  *#answers(): Generator<ServerResponse> {
    for (let one = this.#newest; one !== undefined; one = one.before) yield one.response;
  }

  /** What the first request of a connection comes of. */
  traceFirst(socket: Socket, trace: SpanContext | undefined): void {
    if (trace === undefined) return;
    const key = connectionKey(socket);
    this.#traces.set(key, trace);
    socket.once('close', () => this.#traces.delete(key));
  }

  /** @returns it, once */
  takeTrace(socket: Socket): SpanContext | undefined {
    if (this.#traces.size === 0) return undefined;
    const key = connectionKey(socket);
    const trace = this.#traces.get(key);
    this.#traces.delete(key);
    return trace;
  }

  /** @returns true when part of an answer is out on this connection, so that nothing else can be said on it */
  isAnswering(socket: Duplex): boolean {
    return [...this.#answers()].some((response) => response.req.socket === socket && response.headersSent);
  }

  /** From now on every answer is the last of its connection. `whenIdle` runs when none is under way, at once if so. */
  startClosing(whenIdle: () => void): void {
    this.#closing = true;
    this.#whenIdle = whenIdle;
    for (const response of this.#answers()) response.shouldKeepAlive = false;
    if (this.#newest === undefined) whenIdle();
  }

  /** Resolves when every socket has closed. */
  async allClosed(): Promise<void> {
    while (this.#sockets.size > 0) await new Promise<void>((resolve) => this.#whenForgotten.push(resolve));
  }

  destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** The same for a socket and for the TLS that is spoken on it. */
export const connectionKey = (socket: Socket): string =>
  `${socket.remoteAddress ?? ''} ${socket.remotePort ?? ''} ${socket.localPort ?? ''}`;
