import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { invariant } from '../base/invariant.ts';
import type { Log } from './logging.ts';
import { isLoopbackAddress } from './loopback.ts';
import type { StartTimer } from './timer.ts';
import type { PassedTo } from './pass-header.ts';
import { dialNode } from './dial-node.ts';
import type { PassedNode } from './dial-node.ts';
import { passedTo } from './pass-header.ts';
import { readServerName } from './client-hello.ts';

export interface PassLimits {
  /** At one time, on all listeners. */
  readonly connectionsMax: number;
  /** So long a connection waits for a node that serves; then it is closed. */
  readonly heldMs: number;
  /** Between two attempts to reach it. */
  readonly retryMs: number;
  /** To reach it and hear its hello. */
  readonly dialMs: number;
  /** Silence, longer than the longest query may take. */
  readonly idleMs: number;
}

/** A takeover takes some ten seconds, with the start. */
export const defaultPassLimits: PassLimits = {
  connectionsMax: 2_000,
  heldMs: 20_000,
  retryMs: 250,
  dialMs: 2_000,
  idleMs: 65 * 60_000,
};

/** Takes a client's connection in place of the node that serves. @param head what it has said already @returns whether it did */
export type TakeConnection = (socket: Socket, name: string, head: Buffer) => Promise<boolean>;

export interface PasserOptions {
  readonly limits?: Partial<PassLimits>;
  readonly startTimer: StartTimer;
  readonly log: Pick<Log, 'warning' | 'failure'>;
  /** Asked first, for TLS with a server name. Absent: all are passed on. */
  readonly take?: TakeConnection | undefined;
}

/** Listens where a node would serve, and passes each connection on to the node that does, byte by byte: TLS ends there, and this process has
 * no key of it. Nothing is read from a client before that node has said hello, so attempts can be repeated. */
export class Passer {
  readonly #options: PasserOptions;
  readonly #limits: PassLimits;
  readonly #servers: Server[] = [];
  readonly #clients = new Set<Socket>();
  readonly #joined = new Map<Socket, { readonly remote: Socket; readonly node: string }>();
  /** Of clients that wait for a node. */
  readonly #waiting = new Map<Socket, () => void>();
  #node: PassedNode | undefined;
  #whenGone: () => void = () => undefined;

  constructor(options: PasserOptions) {
    this.#options = options;
    this.#limits = { ...defaultPassLimits, ...options.limits };
  }

  /** @throws Node's own error (`code` EADDRINUSE, EACCES) when an address cannot be had */
  async listen(at: Readonly<Record<PassedTo, { readonly host: string; readonly port: number }>>) {
    const ports = {} as Record<PassedTo, number>;
    for (const to of passedTo) {
      const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
      const { take } = this.#options;
      server.on('connection', (client) => {
        if (to === 'tls' && take !== undefined) this.#offer(client, take);
        else this.#accept(client, to);
      });
      ports[to] = await this.#listenOn(server, at[to]);
    }
    return ports;
  }

  /** Programs of this machine that mean the node that serves, whatever is taken here. @returns the port, on 127.0.0.1 */
  listenWithin(): Promise<number> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    server.on('connection', (client) => this.#accept(client, 'tls'));
    return this.#listenOn(server, { host: '127.0.0.1', port: 0 });
  }

  async #listenOn(server: Server, at: { readonly host: string; readonly port: number }): Promise<number> {
    this.#servers.push(server);
    server.listen(at);
    await once(server, 'listening');
    const address = server.address();
    invariant(address !== null && typeof address === 'object', 'a TCP server has an address');
    return address.port;
  }

  /** Who serves now. Connections to one that no longer does are ended. @param node undefined: nobody, or one that nobody can reach */
  passTo(node: PassedNode | undefined): void {
    this.#node = node;
    if (node === undefined) return;
    for (const [client, joined] of this.#joined) if (joined.node !== node.id) abort(client, joined.remote);
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const attempt of waiting) attempt();
  }

  get knowsNode(): boolean {
    return this.#node !== undefined;
  }

  /** Its ports are free then. Connections go on, those that wait as well. */
  async stopListening(): Promise<void> {
    // A server closes with its last connection; its port is free at once.
    for (const server of this.#servers.splice(0)) server.close();
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Takes none any more, ends those that wait, and the others when they are over or after so many milliseconds. */
  async close(graceMs: number): Promise<void> {
    await this.stopListening();
    for (const client of this.#clients) if (!this.#joined.has(client)) client.destroy();
    if (this.#joined.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.startTimer(graceMs, () => {
        for (const [client, { remote }] of this.#joined) abort(client, remote);
      });
      this.#whenGone = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Reads until the server name is known. */
  #offer(client: Socket, take: TakeConnection): void {
    const { startTimer, log } = this.#options;
    if (this.#clients.size >= this.#limits.connectionsMax) {
      log.warning('too many connections', { listener: 'passing' });
      client.destroy();
      return;
    }
    this.#clients.add(client);
    const pieces: Buffer[] = [];
    const giveUp = (): void => void client.destroy();
    const cancel = startTimer(this.#limits.heldMs, giveUp);
    client.once('close', () => {
      cancel();
      this.#clients.delete(client);
    });
    const read = (): void => {
      const piece = client.read() as Buffer | null;
      if (piece === null) return;
      pieces.push(piece);
      const head = Buffer.concat(pieces);
      const found = readServerName(head);
      if (found.outcome === 'more') return;
      cancel();
      client.off('readable', read).off('end', giveUp);
      const taken = found.outcome === 'named' ? take(client, found.name.toLowerCase(), head) : Promise.resolve(false);
      taken.then(
        (isTaken) => {
          this.#clients.delete(client);
          if (!isTaken && !client.destroyed) this.#accept(client, 'tls', head);
        },
        (error: unknown) => {
          log.failure('edge failed', error);
          client.destroy();
        },
      );
    };
    client.on('readable', read).on('error', giveUp).on('end', giveUp);
  }

  #accept(client: Socket, to: PassedTo, head = Buffer.alloc(0)): void {
    const { startTimer, log } = this.#options;
    client.on('error', () => client.destroy());
    const from = client.remoteAddress;
    if (from === undefined || this.#clients.size >= this.#limits.connectionsMax) {
      if (from !== undefined) log.warning('too many connections', { listener: 'passing' });
      client.destroy();
      return;
    }
    this.#clients.add(client);
    const cancel = startTimer(this.#limits.heldMs, () => client.destroy());
    client.once('close', () => {
      cancel();
      this.#waiting.delete(client);
      this.#clients.delete(client);
    });
    const attempt = (): void => {
      const node = this.#node;
      if (client.destroyed) return;
      if (node === undefined) {
        this.#waiting.set(client, attempt);
        return;
      }
      dialNode(
        node,
        { ...this.#options, dialMs: this.#limits.dialMs },
        { to, clientAddress: shownAddress(from) },
        (remote) => {
          if (remote === undefined) startTimer(this.#limits.retryMs, attempt);
          else if (client.destroyed) remote.destroy();
          // Another has taken over meanwhile.
          else if (this.#node !== undefined && this.#node.id !== node.id) {
            remote.destroy();
            attempt();
          } else {
            cancel();
            if (head.length > 0) remote.write(head);
            this.#join(client, remote, node.id);
          }
        },
      );
    };
    attempt();
  }

  #join(client: Socket, remote: Socket, node: string): void {
    this.#joined.set(client, { remote, node });
    const gone = (): void => {
      if (!client.destroyed || !remote.destroyed) return;
      this.#joined.delete(client);
      if (this.#joined.size === 0) this.#whenGone();
    };
    for (const [from, to] of [
      [client, remote],
      [remote, client],
    ] as const) {
      from.setKeepAlive(true, 30_000);
      from.setTimeout(this.#limits.idleMs, () => abort(client, remote));
      from.pipe(to); // an end of one direction is passed on, and leaves the other as it is
      from.once('close', () => {
        // What has come whole goes out whole; what broke off does so at the other end, too.
        if (from.readableEnded) to.destroySoon();
        else to.resetAndDestroy();
      });
      from.once('close', gone);
    }
  }
}

function abort(client: Socket, remote: Socket): void {
  client.resetAndDestroy();
  remote.resetAndDestroy();
}

/** This machine's own programs have no address that means anything on another one. `::1` says so, and no rule of a firewall lets it in: those
 * are of IPv4. */
const shownAddress = (address: string): string =>
  isLoopbackAddress(address) ? '::1' : address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '');
