import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { expect, it } from 'vitest';
import { NodeKeys } from './node-keys.ts';

it('keys by which nodes prove themselves: the one before counts until others have seen the next, and no longer', () => {
  const timers: [number, () => void][] = [];
  const keys = new NodeKeys((milliseconds, run) => {
    timers.push([milliseconds, run]);
    return () => undefined;
  });
  const [first, second] = [1, 2].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer];
  keys.sign(first);
  expect([keys.all, timers]).toEqual([[first], []]);
  keys.sign(second);
  expect([keys.all, timers[0]?.[0]]).toEqual([[second, first], 6_000]);
  timers[0]?.[1]();
  expect(keys.all).toEqual([second]);
});

it('keys by which nodes prove themselves: what is open under one ends when it counts no more', async () => {
  const timers: (() => void)[] = [];
  const keys = new NodeKeys((_, run) => {
    timers.push(run);
    return () => undefined;
  });
  const [first, second, third] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte)) as [Buffer, Buffer, Buffer];
  const came: Socket[] = [];
  const server = createServer((socket) => came.push(socket.on('error', () => undefined)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const link = async (key: Uint8Array): Promise<Socket> => {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
    const [[taken]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [[Socket], unknown];
    keys.outlivesNot(key, taken);
    return socket.resume();
  };
  keys.sign(first);
  keys.sign(Buffer.from(first)); // the same one
  expect(timers).toHaveLength(0);
  const old = await link(first);
  keys.sign(second);
  const next = await link(second);
  keys.sign(third);
  const newest = await link(third);
  timers[0]?.(); // of the second, which is no longer signed with
  expect([keys.all, old.destroyed]).toEqual([[third, second], false]);
  const ends = Promise.all([once(old, 'close'), once(next, 'close')]);
  timers[1]?.();
  await ends;
  const late = await link(first);
  if (!late.destroyed) await once(late, 'close');
  expect([keys.all, newest.destroyed]).toEqual([[third], false]);
  for (const socket of [...came, newest]) socket.destroy();
  server.close();
});
