import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { afterEach, expect, it } from 'vitest';
import { until } from '../../tests/support/until.ts';
import { createNodeAuthority, issueNodeCertificate } from './node-authority.ts';
import { secureFrom, secureTo } from './node-tls.ts';

const [east, west, north] = [14, 15, 16].map((n) => `6a5c9f0e-0000-4000-8000-0000000000${n}`) as [
  string,
  string,
  string,
];
const hourMs = 3_600_000;

const opened: { destroy: () => unknown }[] = [];
afterEach(() => opened.splice(0).forEach((one) => one.destroy()));

/** The door of `east` with links of real sockets, and a clock that goes when told to. */
async function openDoor() {
  const time = { monotonicMs: 1_000, wallMs: Date.now() };
  const root = await createNodeAuthority(time.wallMs);
  const own = await issueNodeCertificate(root, { node: east, role: 'server', wallMs: time.wallMs });
  const seen = { refused: [] as string[], asked: 0 };
  const timers = new Set<() => void>();
  const door = { registered: (): Promise<ReadonlySet<string>> => Promise.resolve(new Set([east, west, north])) };
  const taken: TLSSocket[] = [];
  const take = secureFrom({
    ...{ own: () => Promise.resolve(own), monotonicMs: () => time.monotonicMs, wallMs: () => time.wallMs },
    registered: () => {
      seen.asked += 1;
      return door.registered();
    },
    startTimer: (_, run) => {
      timers.add(run);
      return () => void timers.delete(run);
    },
    secured: (socket) => {
      taken.push(socket);
      socket.resume().write('taken');
    },
    refused: (why) => seen.refused.push(why),
  });
  const server = createServer((socket) => {
    opened.push(socket);
    take(socket);
  });
  server.listen(0, '127.0.0.1');
  opened.push({ destroy: () => server.close() });
  await once(server, 'listening');
  /** @param agoMs when its certificate was made @returns an open link of the node */
  const link = async (node: string, agoMs = 0): Promise<TLSSocket> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    opened.push(socket.on('error', () => undefined));
    await once(socket, 'connect');
    const mine = await issueNodeCertificate(root, { node, role: 'client', wallMs: time.wallMs - agoMs });
    const secured = (await secureTo(socket, mine, east)).on('error', () => undefined);
    await once(secured, 'data');
    return secured.resume();
  };
  const pass = async (milliseconds: number, wallMs = milliseconds): Promise<void> => {
    time.monotonicMs += milliseconds;
    time.wallMs += wallMs;
    for (const run of [...timers]) {
      timers.delete(run);
      run();
    }
    await new Promise(setImmediate);
  };
  return { link, pass, door, seen, timers, taken };
}

it('a link that is open ends when the other node is none of the instance any more, and others go on', async () => {
  const { link, pass, door, seen } = await openDoor();
  const [first, second, other] = [await link(west), await link(west), await link(north)];
  await pass(1_000);
  expect(seen).toEqual({ refused: [], asked: 4 }); // one question for all three
  door.registered = () => Promise.resolve(new Set([east, north]));
  const ends = Promise.all([once(first, 'close'), once(second, 'close')]);
  await pass(1_000);
  await ends;
  expect(seen.refused).toEqual(['NODE_NOT_REGISTERED', 'NODE_NOT_REGISTERED']);
  expect(other.destroyed).toBe(false);
});

it('a link that is open ends with the certificate that it was opened with', async () => {
  const { link, pass, seen } = await openDoor();
  const [old, next] = [await link(west, 23 * hourMs), await link(west)];
  await pass(1_000, hourMs - 60_000);
  expect(old.destroyed).toBe(false);
  const ends = once(old, 'close');
  await pass(1_000, 60_000);
  await ends;
  expect([seen.refused, next.destroyed]).toEqual([['CERT_HAS_EXPIRED'], false]);
});

it('links end when for five seconds nobody has said which nodes there are, who is asked once at a time', async () => {
  const { link, pass, door, seen } = await openDoor();
  const open = await link(west);
  door.registered = () => Promise.reject(new Error('The state is gone.'));
  await pass(1_000);
  door.registered = () => new Promise(() => undefined);
  const { asked } = seen;
  for (let second = 2; second < 5; second += 1) await pass(1_000);
  expect([open.destroyed, seen.refused, seen.asked - asked]).toEqual([false, [], 1]);
  const ends = once(open, 'close');
  await pass(1_000);
  await ends;
  expect(seen.refused).toEqual(['NODES_NOT_KNOWN']);
});

it('nothing is asked, and no timer goes, without a link', async () => {
  const { link, timers, taken } = await openDoor();
  expect(timers.size).toBe(0);
  const open = await link(west);
  expect(timers.size).toBe(1);
  open.destroy();
  await until(() => taken[0]?.destroyed === true && timers.size === 0);
});
