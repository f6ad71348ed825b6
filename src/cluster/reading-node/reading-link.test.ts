import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { temporaryDirectory } from '../../../tests/support/kustody-command.ts';
import { hourMs, keptLog, openReaderDoor, readerHost, west } from '../../../tests/support/reader-door.ts';
import { until } from '../../../tests/support/until.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { startSystemTimer } from '../../http/timer.ts';
import { ReadingNode } from './reading-node.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0).reverse()) close();
});

const minuteMs = 60_000;

/** Answers the first half of what it is asked at once and the second half when it is told to; says back what it is told. */
const program = `
let client;
process.on('message', (message, socket) => {
  if (message.kind === 'socket') {
    client = socket;
    client.write('one half, ');
    process.send({ kind: 'taken', id: message.id });
  } else if (message.kind === 'finish') client.end('and the other');
  else if (message.kind === 'call') client?.destroy();
  else if (message.kind !== 'wake') process.send(message.n);
});
`;

/** A client's query at \`west\`, which has begun to be answered there. Links take a minute to look whether to be renewed: of this clock, of which the rest
 * of the time is none. */
async function openQuery() {
  const { close, ...opened } = await openReaderDoor([{ kind: 'wake' }]);
  closing.push(close);
  const { time, processes } = opened;
  const directory = temporaryDirectory();
  closing.push(() => directory[Symbol.dispose]());
  const processScript = join(directory.path, 'process.cjs');
  writeFileSync(processScript, program);
  const minutes = new Set<() => void>();
  const here = { monotonicMs: 1_000, own: () => opened.credentials(west, 'client') };
  const { log, lines } = keptLog();
  const nothing = undefined;
  const node = new ReadingNode({
    own: () => here.own(),
    startTimer: (milliseconds, run) => {
      if (milliseconds < minuteMs) return startSystemTimer(milliseconds, run);
      minutes.add(run);
      return () => void minutes.delete(run);
    },
    monotonicMs: () => here.monotonicMs,
    wallMs: () => time.wallMs,
    ...{ randomBytes: systemRandomBytes, log, version: '1' },
    parts: {
      ...{ processScript, parserScript: '', withinPort: () => 0 },
      ...{ startUpFiles: nothing, parserSnapshots: nothing, geoipDatabase: nothing, memoryDirectory: nothing },
    },
  });
  closing.push(() => node.close());
  node.passTo(opened.node);
  const front = createServer((socket) => void node.take(socket, readerHost, Buffer.alloc(0)));
  front.listen(0, '127.0.0.1');
  await once(front, 'listening');
  closing.push(() => front.close());
  const client = connect((front.address() as AddressInfo).port, '127.0.0.1');
  closing.push(() => client.destroy());
  const answer = { text: '', isOver: false };
  client.on('data', (piece) => (answer.text += piece.toString())).on('error', () => undefined);
  client.on('close', () => (answer.isOver = true));
  await until(() => processes.length === 1);
  const [process] = processes;
  if (process === undefined) throw new Error('No process reads.');
  const heard: unknown[] = [];
  process.onMessage((message) => heard.push(message));
  const say = (message: object): void => process.send(message, () => undefined);
  await until(() => answer.text === 'one half, ');
  /** A minute of monotonic time, and so much of the wall clock. */
  const pass = (wallMs: number): void => {
    time.wallMs += wallMs;
    here.monotonicMs += minuteMs;
    for (const run of [...minutes]) {
      minutes.delete(run);
      run();
    }
  };
  const finished = async (): Promise<string> => {
    say({ kind: 'finish' });
    await until(() => answer.isOver);
    return answer.text;
  };
  /** Links have been looked at, with what has changed by now. */
  const looked = async (): Promise<void> => {
    const { asked } = opened.seen;
    await until(() => opened.seen.asked >= asked + 3 || opened.open() === 0);
  };
  const linesOf = (...names: string[]) => lines.filter(({ name }) => names.includes(name));
  return { ...opened, here, minutes, linesOf, heard, say, answer, pass, finished, looked };
}

const whole = 'one half, and the other';

it('a query that runs over the end of the certificate of its link gets its whole answer', async () => {
  const query = await openQuery();
  query.pass(15 * hourMs);
  expect(query.minutes.size).toBe(1); // it was not time yet
  for (let n = 1; n <= 500; n += 1) query.say({ n });
  query.pass(1.5 * hourMs);
  for (let n = 501; n <= 4_000; n += 1) {
    query.say({ n });
    if (n % 100 === 0) await new Promise(setImmediate);
  }
  await until(() => query.linesOf('reader-link-renewed').length === 1);
  await until(() => query.heard.length === 4_000);
  expect(query.heard).toEqual(Array.from({ length: 4_000 }, (_, index) => index + 1));
  query.pass(8 * hourMs); // the first certificate has ended
  await query.looked();
  expect([query.open(), query.seen.exits, query.processes.length]).toEqual([1, 0, 1]);
  expect(await query.finished()).toBe(whole);
});

it('and goes on from link to link', async () => {
  const query = await openQuery();
  const beganAt = query.time.wallMs;
  for (let round = 1; round <= 4; round += 1) {
    query.here.own = () => query.credentials(west, 'client', beganAt + round * hourMs);
    query.pass(round === 1 ? 16 * hourMs : hourMs);
    await until(() => query.linesOf('reader-link-renewed').length === round && query.minutes.size === 1);
    query.pass(0); // nothing is due
    await until(() => query.open() === 1);
  }
  expect([query.sockets.length, query.linesOf('reader-link-not-renewed')]).toEqual([5, []]);
  expect(await query.finished()).toBe(whole);
});

it('a renewal that is refused is tried again after a pause that doubles, and leaves the link that there is', async () => {
  const query = await openQuery();
  const { here, door } = query;
  const failed = (count: number): Promise<void> =>
    until(() => query.linesOf('reader-link-not-renewed').length === count && query.minutes.size === 1);
  const [mine, theirs] = [here.own, door.own];
  door.own = () => Promise.reject(new Error('The other node has none.'));
  query.pass(17 * hourMs);
  await failed(1);
  expect(query.sockets.length).toBe(2);
  door.own = theirs;
  here.own = () => Promise.reject(new Error('The state does not answer.'));
  query.pass(0);
  await failed(2);
  here.own = mine;
  query.pass(0); // two minutes have to pass
  expect([query.minutes.size, query.sockets.length]).toEqual([1, 2]);
  query.pass(0);
  await until(() => query.linesOf('reader-link-renewed').length === 1);
  expect(query.linesOf('reader-link-not-renewed').map(({ againInMs }) => againInMs)).toEqual([60_000, 120_000]);
  query.pass(8 * hourMs);
  await query.looked();
  expect([query.open(), await query.finished()]).toEqual([1, whole]);
});

it('one that never comes leaves the link until the end of its certificate, and the process ends with that', async () => {
  const query = await openQuery();
  query.here.own = () => Promise.reject(new Error('The state does not answer.'));
  query.pass(23.9 * hourMs);
  await until(() => query.linesOf('reader-link-not-renewed').length === 1);
  await query.looked();
  expect([query.open(), query.answer.isOver]).toEqual([1, false]);
  query.pass(0.2 * hourMs);
  await until(() => query.answer.isOver);
  expect([query.open(), query.answer.text, query.linesOf('node refused').length]).toEqual([0, 'one half, ', 0]);
  expect(query.lines.filter(({ code }) => code === 'CERT_HAS_EXPIRED').length).toBe(1);
  query.pass(hourMs);
  expect(query.minutes.size).toBe(0);
});

it('a process that is ended while its link is renewed ends with both links', async () => {
  const query = await openQuery();
  const [process] = query.processes;
  const { registered } = query.door;
  query.door.registered = () => {
    // The next link is open, and asks to follow.
    if (query.open() === 2) process?.kill();
    return registered();
  };
  query.pass(17 * hourMs);
  await until(() => query.answer.isOver && query.open() === 0);
  expect([query.seen.exits, query.answer.text, query.minutes.size]).toEqual([1, 'one half, ', 0]);
});
