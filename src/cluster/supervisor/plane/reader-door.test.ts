import type { Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { east, north, openReaderDoor, readerHost, west } from '../../../../tests/support/reader-door.ts';
import { until } from '../../../../tests/support/until.ts';
import type { Guid } from '../../../base/guid.ts';
import { newGuid } from '../../../base/new-guid.ts';
import { systemRandomBytes } from '../../../base/random.ts';
import { dialNode } from '../../../http/dial-node.ts';
import { NodeLink } from '../../../http/node-link.ts';
import { secureTo } from '../../../http/node-tls.ts';
import { startSystemTimer } from '../../../http/timer.ts';
import type { NodeFrame } from '../remote-process.ts';

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));

const newReading = (): Guid => newGuid(systemRandomBytes);

/** The door, and links to it that say what the test says. */
async function open() {
  const opened = await openReaderDoor();
  closing.push(opened.close);
  const dial = async (node: string, first: NodeFrame) => {
    const socket = await new Promise<Socket | undefined>((resolve) =>
      dialNode(
        opened.node,
        { startTimer: startSystemTimer, dialMs: 2_000 },
        { to: 'reader', clientAddress: '::1' },
        resolve,
      ),
    );
    if (socket === undefined) throw new Error('The door does not answer.');
    const secured = await secureTo(socket, await opened.credentials(node, 'client'), east);
    const heard: NodeFrame[] = [];
    const state = { isClosed: false };
    const link = new NodeLink(secured, {
      startTimer: startSystemTimer,
      received: (frame) => heard.push(frame as NodeFrame),
      closed: () => (state.isClosed = true),
    });
    closing.push(() => link.close());
    link.send(first);
    return { heard, state, send: (frame: NodeFrame) => link.send(frame), close: () => link.close() };
  };
  const reads = async (node: string, reading: Guid) => {
    const link = await dial(node, { kind: 'reads', host: readerHost, version: '1', reading });
    await until(() => link.heard.length === 1);
    return link;
  };
  const follows = async (node: string, reading: Guid) => {
    const link = await dial(node, { kind: 'continues', reading });
    await until(() => link.heard.length > 0 || link.state.isClosed);
    return { ...link, isAgreed: link.heard[0]?.kind === 'follows' };
  };
  const refusals = (): number => opened.lines.filter(({ name }) => name === 'reader-link-not-continued').length;
  return { ...opened, reads, follows, refusals };
}

it('a process has a next link of its own node alone, and one at a time', async () => {
  const { reads, follows, refusals } = await open();
  const reading = newReading();
  const first = await reads(west, reading);
  expect((await follows(north, reading)).isAgreed).toBe(false);
  expect((await follows(west, newReading())).isAgreed).toBe(false);
  expect(refusals()).toBe(2);
  const next = await follows(west, reading);
  expect(next.isAgreed).toBe(true);
  expect((await follows(west, reading)).isAgreed).toBe(false);
  expect([first.state.isClosed, next.state.isClosed, refusals()]).toEqual([false, false, 3]);
});

it('a next link that ends before anything moved there leaves the one before, and another one may follow', async () => {
  const { reads, follows, open: links, processes } = await open();
  const reading = newReading();
  const first = await reads(west, reading);
  (await follows(west, reading)).close();
  await until(() => links() === 1);
  processes[0]?.send({ n: 1 }, () => undefined);
  await until(() => first.heard.length === 2);
  expect((await follows(west, reading)).isAgreed).toBe(true);
});

it('a process that is ended while two links are open is told so, and both end when it is gone', async () => {
  const { reads, follows, processes, seen } = await open();
  const reading = newReading();
  const [first, next] = [await reads(west, reading), await follows(west, reading)];
  processes[0]?.lent(60_000); // nothing else than its word ends it earlier
  processes[0]?.kill();
  await until(() => first.heard.some(({ kind }) => kind === 'kill'));
  expect([first.state.isClosed, next.state.isClosed, seen.exits]).toEqual([false, false, 0]);
  first.send({ kind: 'exit' });
  await until(() => first.state.isClosed && next.state.isClosed);
  expect(seen.exits).toBe(1);
  expect((await follows(west, reading)).isAgreed).toBe(false);
});

it('and with the lease that it has, when its node says nothing', async () => {
  const { reads, follows, processes, seen } = await open();
  const reading = newReading();
  const [first, next] = [await reads(west, reading), await follows(west, reading)];
  processes[0]?.lent(300);
  const began = performance.now();
  processes[0]?.kill();
  await until(() => first.state.isClosed && next.state.isClosed);
  expect(seen.exits).toBe(1);
  expect(performance.now() - began).toBeGreaterThanOrEqual(290);
});

it('both links of a node end that is none of the instance any more', async () => {
  const { reads, follows, door, seen } = await open();
  const reading = newReading();
  const [first, next, other] = [
    await reads(west, reading),
    await follows(west, reading),
    await reads(north, newReading()),
  ];
  door.registered = () => Promise.resolve(new Set([east, north]));
  await until(() => first.state.isClosed && next.state.isClosed && seen.exits === 1);
  expect(other.state.isClosed).toBe(false);
});

it('after a move the link before carries nothing: what comes there is not heard', async () => {
  const { reads, follows, processes } = await open();
  const messages: unknown[] = [];
  const reading = newReading();
  const first = await reads(west, reading);
  processes[0]?.onMessage((message) => messages.push(message));
  const next = await follows(west, reading);
  next.send({ kind: 'message', message: 'held' });
  first.send({ kind: 'message', message: 'before' });
  first.send({ kind: 'moved' });
  first.send({ kind: 'message', message: 'not heard' });
  await until(() => messages.length === 2);
  expect(first.heard.at(-1)).toEqual({ kind: 'moved' });
  processes[0]?.send({ n: 1 }, () => undefined);
  await until(() => next.heard.length === 2);
  first.close();
  next.send({ kind: 'message', message: 'after' });
  await until(() => messages.length === 3);
  expect(messages).toEqual(['before', 'held', 'after']);
});
