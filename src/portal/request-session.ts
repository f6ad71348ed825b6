import type { IncomingHttpHeaders } from 'node:http';
import { PortalError } from './portal-error.ts';
import type { PortalSessions } from './sessions.ts';

export const pageTokenHeader = 'x-kustody-page';
/** Tells the page that it is its session which is missing, not something of what it asked for. */
export const noSessionHeaders = { 'x-kustody-session': 'none' } as const;

/** Cookies do not know ports: each instance on this machine has a name of its own. The prefix binds it to this host, to TLS and to all paths
 * (RFC 6265bis, 4.1.3.2). @param host as the request has it */
export const sessionCookieName = (host: string): string => `__Host-kustody-${/:(\d+)$/.exec(host)?.[1] ?? '443'}`;

/** Whether a request comes from the portal's own page, with a session.
 * @throws PortalError 403 for a request from elsewhere, 401 without a session */
export function requireSession(sessions: PortalSessions, headers: IncomingHttpHeaders): void {
  requireOwnOrigin(headers);
  const cookie = sessionCookieOf(headers);
  const pageToken = headers[pageTokenHeader];
  if (cookie === undefined || typeof pageToken !== 'string' || !sessions.admits(cookie, pageToken)) {
    throw new PortalError(401, 'NoSession', "There is no session, or it has ended. 'kustody open' begins another one.");
  }
}

/** Browsers say where a request comes from, and no script can say otherwise (Fetch, forbidden request-headers). */
export function requireOwnOrigin(headers: IncomingHttpHeaders): void {
  const site = headers['sec-fetch-site'];
  const isForeign = headers.origin !== undefined && headers.origin !== `https://${headers.host ?? ''}`;
  if (isForeign || (site !== undefined && site !== 'same-origin' && site !== 'none'))
    throw new PortalError(403, 'ForeignOrigin', 'The portal takes requests from its own page only.');
}

export function sessionCookieOf({ cookie, host = '' }: IncomingHttpHeaders): string | undefined {
  const name = sessionCookieName(host);
  for (const part of (cookie ?? '').split(';')) {
    const [key, value] = part.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
}
