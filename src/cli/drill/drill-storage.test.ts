import { request } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { startDrillStorage } from './drill-storage.ts';
import type { DrillStorage } from './drill-storage.ts';

let storage: DrillStorage | undefined;
afterEach(async () => {
  await storage?.close();
  storage = undefined;
});

it('is not silent while it holds a request, so that no client takes it for gone', async () => {
  storage = await startDrillStorage((length) => new Uint8Array(length), 1);
  storage.put('held/rows.csv', Buffer.from('a,1'));
  storage.hold('held');
  const { pathname, search } = new URL(storage.address('held/rows.csv'));
  let signs = 0;
  let answered = false;
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const sent = request(`${storage?.account.endpoint ?? ''}${pathname}${search}`, (answer) => {
      answered = true;
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode));
    });
    sent.on('information', () => {
      signs += 1;
      expect(answered).toBe(false);
      if (signs === 3) storage?.release('held');
    });
    sent.on('error', reject);
    sent.end();
  });
  expect(status).toBe(200);
  expect(signs).toBeGreaterThanOrEqual(3);
});
