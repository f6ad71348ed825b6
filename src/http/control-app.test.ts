import { expect, it } from 'vitest';
import { createControlApp } from './control-app.ts';
import type { RequestLine } from './logging.ts';
import { silentLog } from './logging.ts';

it('writes no log of probes, which come ten times a second', async () => {
  const logged: RequestLine[] = [];
  const { app } = createControlApp({
    name: 'control',
    log: { ...silentLog, request: (line) => logged.push(line) },
    bodyBytesMax: 100,
    renderError: () => undefined,
    renderFailure: ({ status }) => ({ status, body: {} }),
  });
  app.get('/readyz', () => ({ ready: true }));
  app.get('/clock', () => ({ now: 0 }));
  for (const url of ['/healthz', '/readyz', '/clock', '/healthz?x=1']) await app.inject({ method: 'GET', url });
  expect(logged.map(({ route, status }) => [route, status])).toEqual([['/clock', 200]]);
});
