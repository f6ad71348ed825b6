import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { until } from '../../tests/support/until.ts';
import { createNodeAuthority, issueNodeCertificate } from './node-authority.ts';
import { NodeLink } from './node-link.ts';
import { secureFrom, secureTo } from './node-tls.ts';
import { startSystemTimer } from './timer.ts';

const [east, west] = ['6a5c9f0e-0000-4000-8000-00000000000e', '6a5c9f0e-0000-4000-8000-00000000000f'];

/** Two ends of a connection. */
async function ends() {
  const wallMs = Date.now();
  const root = await createNodeAuthority(wallMs);
  const own = await issueNodeCertificate(root, { node: east, role: 'server', wallMs });
  const received: Record<'here' | 'there', unknown[]> = { here: [], there: [] };
  const links: NodeLink[] = [];
  let closed = 0;
  const linked = (at: 'here' | 'there') => ({
    ...{ startTimer: startSystemTimer, received: (frame: unknown) => void received[at].push(frame) },
    closed: () => void (closed += 1),
  });
  const take = secureFrom({
    ...{ own: () => Promise.resolve(own), registered: () => Promise.resolve(new Set([west])) },
    ...{ startTimer: startSystemTimer, monotonicMs: () => performance.now(), wallMs: () => Date.now() },
    secured: (socket) => links.push(new NodeLink(socket, linked('there'))),
    refused: () => undefined,
  });
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => undefined));
    take(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  const close = (): void => {
    server.close();
    for (const one of [socket, ...sockets]) one.destroy();
  };
  const secured = await secureTo(
    socket,
    await issueNodeCertificate(root, { node: west, role: 'client', wallMs }),
    east,
  );
  const here = new NodeLink(secured, linked('here'));
  await until(() => links.length === 1);
  return { here, there: links[0] as NodeLink, received, socket, close, closed: () => closed };
}

describe('a link between nodes', () => {
  it('carries values of any size, in their order, both ways', async () => {
    const { here, there, received, close } = await ends();
    const large = { kind: 'message', bytes: Buffer.alloc(3_000_000, 7) };
    for (let n = 0; n < 100; n += 1) here.send({ n });
    here.send(large);
    there.send(['back', undefined, 5n]);
    await until(() => received.there.length === 101 && received.here.length === 1);
    expect(received.there.slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, n) => ({ n })));
    expect(Buffer.from((received.there[100] as typeof large).bytes).equals(large.bytes)).toBe(true);
    expect(received.here).toEqual([['back', undefined, 5n]]);
    close();
  });

  it('ends at both ends when the connection does, and then takes nothing', async () => {
    const { here, closed, socket, close } = await ends();
    socket.destroy();
    await until(() => closed() === 2);
    expect(await new Promise((resolve) => here.send({}, resolve))).toBeInstanceOf(Error);
    close();
  });
});
