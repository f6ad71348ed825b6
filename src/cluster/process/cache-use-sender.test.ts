import { expect, it } from 'vitest';
import { readCacheUse } from '../messages/cache-use.ts';
import { CacheUseSender } from './cache-use-sender.ts';

it('what a cache does is told once a second, together, and what could not be told with the next', async () => {
  const sent: unknown[] = [];
  const timers: (() => void)[] = [];
  let isBusy = true;
  const sender = new CacheUseSender(
    (call) => {
      sent.push(readCacheUse(call));
      return isBusy ? Promise.reject(new Error('busy')) : Promise.resolve();
    },
    (_milliseconds, act) => {
      timers.push(act);
      return () => undefined;
    },
  );
  await sender.flush();
  expect(sent).toEqual([]);
  sender.add({ misses: 1 });
  sender.add({ hits: 1, readBytes: 7 });
  expect([sent.length, timers.length]).toEqual([0, 1]);
  timers.shift()?.();
  await sender.flush();
  isBusy = false;
  sender.add({ evictedBytes: 3 });
  timers.shift()?.();
  await sender.flush();
  const first = { hits: 1, misses: 1, readBytes: 7, evictedBytes: 0 };
  expect(sent).toEqual([first, { ...first, evictedBytes: 3 }]);
  expect(timers).toEqual([]);
});
