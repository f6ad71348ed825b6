import type { FastifyReply, FastifyRequest } from 'fastify';
import { isJsonObject } from '../base/json.ts';
import { collectBytes, parseJsonBody } from '../http/body-parsers.ts';
import type { Log } from '../http/logging.ts';
import type { PlaneAnswer } from '../http/plane-failure.ts';
import { createPlaneApp } from '../http/plane-app.ts';
import type { Plane } from '../http/plane.ts';
import type { PlaneCallParts } from './plane-calls.ts';
import { createPlaneCalls } from './plane-calls.ts';
import { holdToRows } from '../http/route-rows.ts';
import { PortalError } from './portal-error.ts';
import { portalRows } from './portal-rows.ts';
import {
  noSessionHeaders,
  requireOwnOrigin,
  requireSession,
  sessionCookieName,
  sessionCookieOf,
} from './request-session.ts';
import type { PortalSessions } from './sessions.ts';
import { readStatic } from './static-files.ts';

export interface PortalParts extends PlaneCallParts {
  readonly log: Log;
  readonly sessions: PortalSessions;
  /** Where the built portal lies, if it was built. */
  readonly directory: string;
}

/** Scripts, workers and requests: from here, and nothing else at all. Styles may stand in the page, for the editor. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "connect-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const pageHeaders = {
  'content-security-policy': contentSecurityPolicy,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;
/** What planes answer is for scripts to read, never a page. */
const planeAnswerHeaders = {
  'content-security-policy': "default-src 'none'; sandbox",
  'cache-control': 'no-store',
} as const;

const linkBytesMax = 1024;
const openPaths: ReadonlySet<string> = new Set(['/portal', '/portal/*', '/portal/session']);

/** `/portal` on localhost: the pages, which hold nothing of the instance and are for everybody; `POST /portal/session`, which takes the secret of
 * a link for a session; and with a session `/portal/planes/{host}/…`. */
export function createPortalPlane(parts: PortalParts): Plane {
  const { app, toPlane } = createPlaneApp({
    name: 'portal',
    log: parts.log,
    bodies: 'stream',
    seenAs: 'nothing',
    authenticate: ({ headers, routeOptions }) => {
      if (!openPaths.has(routeOptions.url ?? '/portal/*')) requireSession(parts.sessions, headers);
    },
    renderError,
    renderFailure: ({ status, kind, text }) => errorAnswer(status, kind, text),
    answerHeaders: () => pageHeaders,
  });
  const requireAll = holdToRows(app, portalRows);
  const page =
    (name: string) =>
    async ({ headers }: FastifyRequest, reply: FastifyReply) => {
      const file = await readStatic(parts.directory, name, headers['accept-encoding']);
      if (file !== undefined) return reply.headers(file.headers).send(file.content);
      if (name !== 'index.html') throw new PortalError(404, 'NoSuchFile', 'The portal has no such file.');
      throw new PortalError(503, 'NotBuilt', 'The portal is not built here: npm run build:portal builds it.');
    };
  app.get('/portal', page('index.html'));
  app.get<{ Params: { readonly '*': string } }>('/portal/*', (request, reply) =>
    page(request.params['*'])(request, reply),
  );
  app.post('/portal/session', async (request, reply) => {
    requireOwnOrigin(request.headers);
    const opened = parts.sessions.exchange(await linkOf(request));
    if (opened === undefined)
      throw new PortalError(
        403,
        'LinkOver',
        "This link was used already, or is over. 'kustody open' makes another one.",
      );
    const cookie = cookieOf(request, opened.cookie);
    return reply.headers({ 'set-cookie': cookie, 'cache-control': 'no-store' }).send({ pageToken: opened.pageToken });
  });
  app.delete('/portal/session', (request, reply) => {
    requireSession(parts.sessions, request.headers);
    parts.sessions.end(sessionCookieOf(request.headers) ?? '');
    return reply
      .header('set-cookie', `${cookieOf(request, '')}; Max-Age=0`)
      .code(204)
      .send();
  });
  const call = createPlaneCalls(parts);
  app.all('/portal/planes/*', async (request, reply) => {
    void reply.headers(planeAnswerHeaders);
    await call(request, reply);
    return reply;
  });
  requireAll();
  return toPlane((host) => (host === 'localhost' ? 'serve' : undefined));
}

export const isPortalPath = (url: string | undefined): boolean => /^\/+portal(?:[/?]|$)/i.test(url ?? '');

/** As the control API answers, too. */
export function renderError(error: unknown): PlaneAnswer | undefined {
  if (!(error instanceof PortalError)) return undefined;
  const answer = errorAnswer(error.status, error.code, error.message);
  return error.code === 'NoSession' ? { ...answer, headers: noSessionHeaders } : answer;
}

const errorAnswer = (status: number, code: string, message: string): PlaneAnswer => ({
  status,
  body: { error: { code, message } },
});

const cookieOf = ({ headers: { host = '' } }: FastifyRequest, value: string): string =>
  `${sessionCookieName(host)}=${value}; Path=/; Secure; HttpOnly; SameSite=Strict`;

async function linkOf({ raw }: FastifyRequest): Promise<string> {
  const body = await collectBytes(raw, linkBytesMax, () => true);
  const sent = body === undefined ? undefined : parseJsonBody(body);
  const link = isJsonObject(sent) ? sent['link'] : undefined;
  if (typeof link !== 'string') throw new PortalError(400, 'InvalidLink', 'Give {"link": the part behind #open=}.');
  return link;
}
