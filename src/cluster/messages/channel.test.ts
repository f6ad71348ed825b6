import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it, vi } from 'vitest';
import { Channel } from './channel.ts';

const wide = { inFlightMax: 8, queueMax: 8 };
const wideLanes = { requests: wide, log: wide, control: wide };

function pair(serve: (operation: string, body: unknown) => Promise<unknown>, lanes = wideLanes) {
  const sent: unknown[] = [];
  const near: Channel = new Channel({
    send: (message) => {
      sent.push(message);
      far.receive(structuredClone(message));
    },
    serve: () => Promise.reject(new Error('nobody calls')),
    lanes,
  });
  const far: Channel = new Channel({
    send: (message) => {
      near.receive(structuredClone(message));
    },
    serve,
    lanes,
  });
  return { near, far, sent };
}

const never = (): Promise<never> => new Promise(() => undefined);

describe('Channel', () => {
  it('answers calls in any order, bytes included', async () => {
    const waiting = new Map<unknown, () => void>();
    const { near } = pair(
      (operation, body) => new Promise((resolve) => waiting.set(body, () => resolve({ operation, body }))),
    );
    const calls = [near.call('a', Buffer.from([1])), near.call('b', 2)];
    for (const answer of [...waiting.values()].reverse()) answer();
    expect(await Promise.all(calls)).toEqual([
      { operation: 'a', body: Uint8Array.from([1]) },
      { operation: 'b', body: 2 },
    ]);
    expect(near.inFlight).toBe(0);
  });

  it('tells an error of the other side by its name only', async () => {
    const { near } = pair(() => Promise.reject(new RangeError('secret')));
    await expect(near.call('a', undefined)).rejects.toThrow('The other process failed: RangeError.');
    await expect(near.call('a', undefined)).rejects.not.toThrow('secret');
  });

  it('tells a call of what the other side asks for its sake, and of nothing else', async () => {
    const { near, far } = pair(async (operation) => {
      if (operation === 'asks') await far.call('x', undefined).catch(() => undefined);
      return operation;
    });
    const heard: string[] = [];
    await near.call('asks', undefined, () => heard.push('asks'));
    await near.call('does not', undefined, () => heard.push('does not'));
    await far.call('x', undefined).catch(() => undefined);
    expect(heard).toEqual(['asks']);
  });

  it('has no promise of the process followed but while it answers calls', async () => {
    // Whether promises are followed cannot be asked: other storages of the process have them followed, too.
    const disabled = vi.spyOn(AsyncLocalStorage.prototype, 'disable');
    const answers: (() => void)[] = [];
    const { near } = pair(() => new Promise((resolve) => answers.push(() => resolve(undefined))));
    const counts: number[] = [];
    try {
      const calls = ['a', 'log'].map((operation) => near.call(operation, undefined));
      for (const [at, answer] of answers.entries()) {
        answer();
        await calls[at];
        counts.push(disabled.mock.calls.length);
      }
    } finally {
      disabled.mockRestore();
    }
    expect(counts).toEqual([0, 1]);
  });

  it('fails what is in flight when it closes, and everything after', async () => {
    const { near } = pair(never);
    const call = near.call('a', undefined);
    near.close('gone');
    await expect(call).rejects.toMatchObject({ name: 'ChannelClosedError', message: 'gone' });
    await expect(near.call('b', undefined)).rejects.toMatchObject({ name: 'ChannelClosedError' });
  });

  it('closes when nothing can be sent', async () => {
    const channel = new Channel({
      send: () => {
        throw new Error('EPIPE');
      },
      serve: never,
    });
    await expect(channel.call('a', undefined)).rejects.toMatchObject({ name: 'ChannelClosedError' });
  });

  it('makes so many calls at a time, lets others wait in line, and refuses what does not fit there', async () => {
    const answers: (() => void)[] = [];
    const narrow = { inFlightMax: 2, queueMax: 1 };
    const lanes = { ...wideLanes, control: narrow };
    const { near, sent } = pair(
      (_operation, body) => new Promise((resolve) => answers.push(() => resolve(body))),
      lanes,
    );
    const calls = [1, 2, 3].map((body) => near.call('stateCommit', body));
    await expect(near.call('stateCommit', 4)).rejects.toMatchObject({ name: 'ChannelBusyError' });
    expect([sent.length, near.inFlight]).toEqual([2, 3]);
    answers[1]?.();
    expect(await calls[1]).toBe(2);
    expect([sent.length, near.inFlight]).toEqual([3, 2]);
    for (const answer of answers) answer();
    expect(await Promise.all(calls)).toEqual([1, 2, 3]);
    expect(near.inFlight).toBe(0);
    const later = near.call('stateCommit', 5);
    answers.at(-1)?.();
    expect(await later).toBe(5);
  });

  it('lets a commit through although requests and log lines take all the room they have', async () => {
    const narrow = { inFlightMax: 2, queueMax: 2 };
    const { near } = pair((operation, body) => (operation === 'stateCommit' ? Promise.resolve(body) : never()), {
      requests: narrow,
      log: narrow,
      control: narrow,
    });
    const flood = ['authorize', 'log'].flatMap((operation) =>
      Array.from({ length: 10 }, () => near.call(operation, undefined).catch((error: unknown) => error)),
    );
    expect(await near.call('stateCommit', 'kept')).toBe('kept');
    expect(near.inFlight).toBe(8);
    near.close('over');
    const names = (await Promise.all(flood)).map((error) => (error as Error).name);
    expect(names.filter((name) => name === 'ChannelBusyError')).toHaveLength(12);
    expect(names.filter((name) => name === 'ChannelClosedError')).toHaveLength(8);
  });

  it('does not serve more than its own limit, and says so', async () => {
    const narrow = { inFlightMax: 2, queueMax: 2 };
    const replies: unknown[] = [];
    const channel = new Channel({
      send: (message) => replies.push(message),
      serve: never,
      lanes: { requests: narrow, log: narrow, control: narrow },
    });
    for (const id of [1, 2, 3]) channel.receive({ kind: 'call', id, operation: 'adopt', body: undefined });
    await Promise.resolve();
    expect(replies).toEqual([{ kind: 'busy', id: 3 }]);
    const asking = pair(never);
    const call = asking.near.call('a', undefined);
    asking.near.receive({ kind: 'busy', id: 1 });
    await expect(call).rejects.toMatchObject({ name: 'ChannelBusyError' });
  });

  it.each([
    undefined,
    null,
    'text',
    {},
    { kind: 'reply' },
    { kind: 'reply', id: 'x' },
    { kind: 'reply', id: 7, body: 1 },
    { kind: 'call', id: 1 },
    { kind: 'broken', id: 1, error: 5 },
    { kind: 'other', id: 1 },
  ])('passes over what is no message: %o', async (message) => {
    const { near } = pair((_operation, body) => Promise.resolve(body));
    near.receive(message);
    expect(await near.call('a', 'alive')).toBe('alive');
  });
});
