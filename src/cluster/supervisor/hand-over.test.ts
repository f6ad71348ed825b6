import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parseHostName } from '../../base/names.ts';
import type { MonotonicClock, MonotonicMs } from '../../clock/monotonic-clock.ts';
import { HostMonotonicClock } from '../../clock/monotonic-clock.ts';
import { invariant } from '../../base/invariant.ts';
import { releaseSocket, takeBackSocket } from '../../http/release-socket.ts';
import { ClusterProcess } from './cluster-process.ts';

const host = parseHostName('c1.eastus.kusto.windows.net');
invariant(host !== undefined, 'it is one');
const handed = (text: string) => ({ host, head: Buffer.from(text), greeting: '' });
const monotonic = new HostMonotonicClock({ onError: () => undefined });
const directory = mkdtempSync(join(tmpdir(), 'kustody-hand-over-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** Answers every connection with the text that came along, as the process of a cluster would after its TLS. */
const answering = `
process.on('message', (message, socket) => {
  if (message.kind !== 'socket') return;
  process.send({ kind: 'taken', id: message.id });
  if (socket) socket.end(Buffer.from(message.head));
});
`;
/** Takes what it is given and never says so. */
const silent = `process.on('message', () => undefined);`;

let listener: Server;
beforeAll(async () => {
  listener = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
});
afterAll(() => {
  listener.close();
});

const started: ClusterProcess[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((process) => process.end()));
});

function start(name: string, text: string, clock: MonotonicClock = monotonic): ClusterProcess {
  const script = join(directory, `${name}.cjs`);
  writeFileSync(script, text);
  const process = new ClusterProcess({ script, monotonic: clock, vaultTimeoutMs: 1_000, output: 'ignore' });
  started.push(process);
  return process;
}

/** @returns both ends of a connection */
async function connection(): Promise<{ readonly client: Socket; readonly accepted: Socket }> {
  const accepted = once(listener, 'connection') as Promise<[Socket]>;
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => undefined);
  return { client, accepted: (await accepted)[0] };
}

describe('a connection that is handed over', () => {
  it('is the process’ own: it answers and closes it', async () => {
    const process = start('answering', answering);
    for (const text of ['first', 'second']) {
      const { client, accepted } = await connection();
      const taken = process.handOver(accepted, handed(text));
      const pieces: Buffer[] = [];
      client.on('data', (piece: Buffer) => pieces.push(piece));
      await once(client, 'end');
      expect(Buffer.concat(pieces).toString()).toBe(text);
      expect(await taken).toBe(true);
    }
  });

  it('comes back as it was when the process ends before it took it, and so do those in line behind it', async () => {
    const process = start('silent', silent);
    const pid = process.pid ?? 0;
    globalThis.process.kill(pid, 'SIGSTOP'); // alive, and reads nothing more
    const all = [await connection(), await connection(), await connection()];
    const taken = all.map(({ accepted }) => {
      const unread = releaseSocket(accepted);
      return process.handOver(accepted, handed('')).then((isTaken) => {
        if (!isTaken) takeBackSocket(accepted, unread);
        return isTaken;
      });
    });
    for (const { client } of all) client.write('first');
    globalThis.process.kill(pid, 'SIGKILL');
    expect(await Promise.all(taken)).toEqual([false, false, false]);
    for (const { client, accepted } of all) {
      accepted.resume();
      expect(String((await once(accepted, 'data'))[0])).toBe('first');
      accepted.end('last');
      expect(String((await once(client, 'data'))[0])).toBe('last');
    }
  });

  it('is not taken by a process that is gone already', async () => {
    const process = start('silent', silent);
    await process.end();
    const { accepted, client } = await connection();
    expect(await process.handOver(accepted, handed(''))).toBe(false);
    expect(accepted.destroyed).toBe(false);
    accepted.destroy();
    client.destroy();
  });
});

/** A clock that stands until it is told. */
class ToldClock extends HostMonotonicClock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => unknown }>();

  constructor() {
    super({ onError: () => undefined });
  }
  override now(): MonotonicMs {
    return this.#now as MonotonicMs;
  }
  override after(ms: number, run: () => unknown): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }
  elapse(ms: number): void {
    this.#now += ms;
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#now)) {
      this.#timers.delete(timer);
      timer.run();
    }
  }
}

describe('a call that a process does not answer', () => {
  const data = [
    ['flushQueue', {}],
    ['putBack', { now: 0 }],
    ['upkeep', { now: 0, dropped: [], destructionHeld: false }],
    ['drain', {}],
  ] as const;
  const others = [
    ['rest', { idleMs: 0 }],
    ['databaseBytes', { databaseId: host }],
    ['endedRequests', { dropTo: 0, after: 0, limit: 1 }],
  ] as const;
  it.each([
    ...data.map(([operation, body]) => [operation, body as never, 600_000] as const),
    ...others.map(([operation, body]) => [operation, body as never, 11_000] as const),
  ])('(%s) ends it when its time is over, and not before', async (operation, body, limit) => {
    const clock = new ToldClock();
    const process = start('silent', silent, clock);
    const answer = process.call(operation, body).catch((error: unknown) => error);
    clock.elapse(limit - 1);
    expect(process.silence).toBeUndefined();
    clock.elapse(1);
    expect(process.silence).toEqual({ call: operation, seconds: limit / 1_000 });
    expect(String(await answer)).toContain('The cluster process ended.');
  });

  it.each([
    ['of that call', true],
    ['of another', false],
  ])('does not end it while it asks something for the sake %s', async (_what, isOfIt) => {
    // What it is given to do it never ends; asked whether it may rest, it asks something itself first.
    const script = `
      let first;
      process.on('message', ({ kind, operation, id }) => {
        if (kind !== 'call') return;
        if (operation !== 'rest') first = id;
        else {
          process.send({ kind: 'call', id, operation: 'renew', body: {}, within: ${isOfIt ? 'first' : 'id'} });
          process.send({ kind: 'reply', id, body: { outcome: 'busy' } });
        }
      });`;
    const clock = new ToldClock();
    const process = start(`asking-${isOfIt}`, script, clock);
    const answer = process.call('endedRequests', { dropTo: 0, after: 0, limit: 1 }).catch((error: unknown) => error);
    clock.elapse(9_000);
    await process.call('rest', { idleMs: 0 });
    clock.elapse(9_000);
    expect(process.silence).toEqual(isOfIt ? undefined : { call: 'endedRequests', seconds: 18 });
    for (let waited = 0; isOfIt && waited < 3_600_000; waited += 9_000) {
      if (process.silence !== undefined) break;
      await process.call('rest', { idleMs: 0 });
      clock.elapse(9_000);
    }
    // Not for ever.
    expect(process.silence?.call).toBe('endedRequests');
    expect(String(await answer)).toContain('The cluster process ended.');
  });
});
