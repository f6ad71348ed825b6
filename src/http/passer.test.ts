import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../base/random.ts';
import { silentLog } from './logging.ts';
import { startSystemTimer } from './timer.ts';
import { makeHello, passHeaderBytes, readPassHeader } from './pass-header.ts';
import type { PassedNode } from './dial-node.ts';
import type { PassLimits } from './passer.ts';
import { Passer } from './passer.ts';

const key = systemRandomBytes(32);
const loopback = { host: '127.0.0.1', port: 0 };
const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A node that serves: says hello, checks the header, then does what the test wants. */
async function servingNode(id: string, then: (socket: Socket) => void, hello = makeHello(systemRandomBytes)) {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write(hello);
    socket.once('readable', () => {
      const header: unknown = socket.read(passHeaderBytes);
      if (!(header instanceof Buffer)) return;
      expect(readPassHeader(key, hello, id, header)).toEqual({ to: 'tls', clientAddress: '::1' });
      then(socket);
    });
  });
  server.listen(loopback);
  await once(server, 'listening');
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const node: PassedNode = { id, host: '127.0.0.1', port, advertised: id, key };
  return { node, sockets };
}

async function startPasser(limits: Partial<PassLimits> = {}) {
  const passer = new Passer({ limits, startTimer: startSystemTimer, log: silentLog });
  closers.push(() => passer.close(0));
  const { tls: port } = await passer.listen({ tls: loopback, kusto: loopback, proxy: loopback });
  const client = (): Socket => {
    const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true });
    socket.on('error', () => undefined);
    closers.push(() => socket.destroy());
    return socket;
  };
  return { passer, client };
}

/** All that comes, and leaves the other direction open. */
async function whole(socket: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  return Buffer.concat(pieces).toString();
}

describe('a node that passes connections on', () => {
  it('passes an end of one direction on, and the answer that comes after it, longer than any buffer', async () => {
    const answer = 'x'.repeat(4_000_000);
    const { node } = await servingNode('a', (socket) => void whole(socket).then((said) => socket.end(said + answer)));
    const { passer, client } = await startPasser();
    passer.passTo(node);
    const asking = client();
    asking.end('question ');
    expect(await whole(asking)).toBe(`question ${answer}`);
  });

  it('passes an abort on, in both directions', async () => {
    const seen: Socket[] = [];
    const { node } = await servingNode('a', (socket) => {
      seen.push(socket);
      socket.write('hello');
      socket.resume();
    });
    const { passer, client } = await startPasser();
    passer.passTo(node);
    const aborting = client();
    await once(aborting, 'data');
    const left = once(seen[0] ?? expect.unreachable(), 'error');
    aborting.resetAndDestroy();
    expect(await left).toMatchObject([{ code: 'ECONNRESET' }]);

    const aborted = client();
    await once(aborted, 'data');
    const end = once(aborted, 'error');
    seen[1]?.resetAndDestroy();
    expect(await end).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('holds what comes while nobody serves, or one that does not answer, and passes it to the next', async () => {
    const { node: next } = await servingNode('next', (socket) => socket.end('next'));
    const { node: paused, sockets } = await servingNode('paused', () => expect.unreachable(), Buffer.alloc(0));
    const { passer, client } = await startPasser({ dialMs: 20, retryMs: 5 });
    const early = whole(client());
    passer.passTo(paused);
    while (sockets.size < 3) await new Promise(setImmediate);
    const late = whole(client());
    passer.passTo(next);
    expect(await Promise.all([early, late])).toEqual(['next', 'next']);
  });

  it('closes what nobody has taken in time, and says nothing on it', async () => {
    const { client } = await startPasser({ heldMs: 30 });
    expect(await whole(client())).toBe('');
  });

  it('ends connections to a node that another has taken over from', async () => {
    const { node: old } = await servingNode('old', (socket) => socket.write('old'));
    const { node: next } = await servingNode('next', (socket) => socket.end('next'));
    const { passer, client } = await startPasser();
    passer.passTo(old);
    const before = client();
    await once(before, 'data');
    const end = once(before, 'error');
    passer.passTo({ ...old });
    passer.passTo(next);
    expect(await end).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(await whole(client())).toBe('next');
  });

  it('ends connections that are silent for longer than a query may take', async () => {
    const { node } = await servingNode('a', (socket) => socket.write('hello'));
    const { passer, client } = await startPasser({ idleMs: 50 });
    passer.passTo(node);
    const silent = client();
    const end = once(silent, 'error');
    silent.resume();
    expect(await end).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('takes no more than so many at one time', async () => {
    const { node } = await servingNode('a', (socket) => socket.write('hello'));
    const { passer, client } = await startPasser({ connectionsMax: 1 });
    passer.passTo(node);
    const first = client();
    await once(first, 'data');
    expect(await whole(client())).toBe('');
    first.destroy();
  });

  it('lets go of its ports first, then of connections as they end, then of the rest', async () => {
    let finish: () => void = () => undefined;
    const { node } = await servingNode('a', (socket) => {
      socket.write('hello');
      finish = () => socket.end(' and goodbye');
      socket.resume();
    });
    const { passer, client } = await startPasser();
    passer.passTo(node);
    const under = client();
    await once(under, 'readable');
    const waits = passer.close(60_000);
    const late = client();
    const [refused] = (await once(late, 'error')) as [NodeJS.ErrnoException];
    expect(refused.code).toBe('ECONNREFUSED');
    const rest = whole(under);
    finish();
    expect(await rest).toBe('hello and goodbye');
    under.end();
    await waits;
  });
});
