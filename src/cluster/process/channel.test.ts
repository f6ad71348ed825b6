import { describe, expect, it } from 'vitest';
import { Channel } from './channel.ts';

function pair(serve: (operation: string, body: unknown) => Promise<unknown>, inFlightMax = 8) {
  const sent: unknown[] = [];
  const near: Channel = new Channel({
    send: (message) => {
      sent.push(message);
      far.receive(structuredClone(message));
    },
    serve: () => Promise.reject(new Error('nobody calls')),
    inFlightMax,
  });
  const far: Channel = new Channel({
    send: (message) => {
      near.receive(structuredClone(message));
    },
    serve,
    inFlightMax,
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
      inFlightMax: 8,
    });
    await expect(channel.call('a', undefined)).rejects.toMatchObject({ name: 'ChannelClosedError' });
  });

  it('bounds calls in flight on both sides', async () => {
    const { near, far, sent } = pair(never, 2);
    for (const name of ['a', 'b']) near.call(name, undefined).catch(() => undefined);
    await expect(async () => near.call('c', undefined)).rejects.toThrow('bounded');
    far.receive({ kind: 'call', id: 99, operation: 'd', body: undefined });
    expect(sent).toHaveLength(2);
    expect(near.inFlight).toBe(2);
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
