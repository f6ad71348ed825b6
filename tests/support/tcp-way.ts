import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** `open`: bytes pass. `cut`: connections are reset, new ones too. `silent`: nothing passes and nobody hears of it, as when a cable is out. */
export type WayMode = 'open' | 'cut' | 'silent';

export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Passes TCP connections on; a balancer, when it has several targets. */
export interface TcpWay {
  readonly port: number;
  set(mode: WayMode): void;
  close(): void;
}

/** @param targets asked for each connection; the first that takes it gets it
 * @param host where it listens, loopback */
export async function startTcpWay(targets: () => readonly Target[], host = '127.0.0.1'): Promise<TcpWay> {
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  let mode: WayMode = 'open';
  const hold = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    if (mode === 'silent') socket.pause();
  };
  const join = (client: Socket, [target, ...others]: readonly Target[]): void => {
    if (target === undefined || mode === 'cut' || client.destroyed) {
      client.destroy();
      return;
    }
    if (mode === 'silent') {
      waiting.add(() => join(client, [target, ...others]));
      return;
    }
    const upstream = connect(target);
    const refused = (): void => join(client, others);
    upstream.once('error', refused);
    upstream.once('connect', () => {
      upstream.off('error', refused);
      hold(upstream);
      carry(client, upstream);
      carry(upstream, client);
      if (mode === 'silent') return;
      client.resume();
      upstream.resume();
    });
  };
  const carry = (from: Socket, to: Socket): void => {
    from.on('data', (bytes) => {
      if (!to.write(bytes)) from.pause();
    });
    to.on('drain', () => {
      if (mode !== 'silent') from.resume();
    });
    from.on('end', () => to.end());
    // A reset goes on as one: an answer that ends early is no whole answer.
    from.on('close', (isBroken) => (isBroken ? to.resetAndDestroy() : to.destroySoon()));
  };
  const server = createServer({ noDelay: true, pauseOnConnect: true }, (client) => {
    hold(client);
    join(client, targets());
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('A port is a number.');
  return {
    port: address.port,
    set(next) {
      mode = next;
      if (mode === 'cut') for (const socket of sockets) socket.resetAndDestroy();
      if (mode === 'silent') for (const socket of sockets) socket.pause();
      if (mode === 'open') for (const socket of sockets) socket.resume();
      if (mode === 'silent') return;
      for (const go of waiting) go();
      waiting.clear();
    },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
