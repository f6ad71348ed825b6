import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { OpenConnections } from './open-connections.ts';

interface Fake {
  readonly response: ServerResponse;
  readonly socket: Socket;
  close(): void;
}

function fake(headersSent = true): Fake {
  const socket = new EventEmitter() as unknown as Socket;
  const made = Object.assign(new EventEmitter(), { req: { socket }, headersSent, shouldKeepAlive: true });
  const response = made as unknown as ServerResponse;
  return { response, socket, close: () => void response.emit('close') };
}

function under(connections: OpenConnections, count: number): readonly Fake[] {
  return Array.from({ length: count }, () => {
    const one = fake();
    connections.addAnswer(one.response);
    return one;
  });
}

describe('OpenConnections', () => {
  it.each([
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ])('knows the answers that are under way, whichever ends first: %i, %i, %i', (...order) => {
    const connections = new OpenConnections();
    const answers = under(connections, 3);
    const answering = (): readonly boolean[] => answers.map(({ socket }) => connections.isAnswering(socket));
    const open = [true, true, true];
    expect(answering()).toEqual(open);
    for (const at of order) {
      for (let time = 0; time < 2; time += 1) answers[at]?.close();
      open[at] = false;
      expect(answering()).toEqual(open);
    }
    const again = under(connections, 1);
    expect(again.map(({ socket }) => connections.isAnswering(socket))).toEqual([true]);
  });

  it('says nothing of an answer whose head is not out', () => {
    const connections = new OpenConnections();
    const one = fake(false);
    connections.addAnswer(one.response);
    expect(connections.isAnswering(one.socket)).toBe(false);
  });

  it('makes each answer the last of its connection once it closes, and tells when none is left', () => {
    const connections = new OpenConnections();
    const before = under(connections, 3);
    let idle = 0;
    connections.startClosing(() => (idle += 1));
    const answers = [...before, ...under(connections, 1)];
    expect(answers.map(({ response }) => response.shouldKeepAlive)).toEqual([false, false, false, false]);
    for (const [at, one] of answers.entries()) {
      expect(idle).toBe(0);
      one.close();
      expect(connections.isAnswering(answers[at]?.socket as Socket)).toBe(false);
    }
    expect(idle).toBe(1);
    connections.startClosing(() => (idle += 1));
    expect(idle).toBe(2);
  });

  it('leaves nothing of an answer that is out in what V8 takes for alive', () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as (options?: { readonly type: 'minor' }) => void;
    const connections = new OpenConnections();
    const [atOnce, all, bytesEach] = [32, 6_400, 4_000];
    const open: Fake[] = [];
    collect();
    const before = getHeapStatistics().used_heap_size;
    for (let count = 0; count < all; count += 1) {
      const one = fake();
      Object.assign(one.response, { numbers: Array.from({ length: bytesEach / 8 }, (_, at) => at + 0.5) });
      connections.addAnswer(one.response);
      open.push(one);
      if (open.length > atOnce) open.shift()?.close();
      // What is new is looked through now and then, the whole heap never.
      if (count % (10 * atOnce) === 0) collect({ type: 'minor' });
    }
    for (const one of open.splice(0)) one.close();
    collect({ type: 'minor' });
    collect({ type: 'minor' });
    const left = getHeapStatistics().used_heap_size - before;
    expect(left / (all * bytesEach)).toBeLessThan(0.3);
  });
});
