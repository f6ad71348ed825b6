import type { PlaneApp, PlaneAppOptions } from './plane-app.ts';
import { correlationHeaders } from './correlation.ts';
import { createPlaneApp } from './plane-app.ts';

/** The app of the host `localhost`, whose routes the server adds. `/healthz` (it runs) and `/readyz` (it serves) answer everybody, so
 * that a supervisor needs no token, and write no log: a supervisor may ask ten times a second.
 * @param options.authenticate applies to every other request */
export function createControlApp(options: PlaneAppOptions): PlaneApp {
  const planeApp = createPlaneApp({
    ...options,
    seenAs: 'nothing',
    answerHeaders: (correlation) => ({ ...correlationHeaders(correlation), ...privateHeaders }),
    log: {
      ...options.log,
      request: (line) => {
        if (!openPaths.has(line.route)) options.log.request(line);
      },
    },
    authenticate: async (request, reply) => {
      if (!openPaths.has(request.routeOptions.url ?? '')) await options.authenticate?.(request, reply);
    },
  });
  planeApp.app.get(healthPath, () => ({ status: 'ok' }));
  return planeApp;
}

/** Browsers ask, too: what they get is for the page that asked, and for no cache. */
const privateHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;
const healthPath = '/healthz';
const openPaths: ReadonlySet<string> = new Set([healthPath, '/readyz']);
