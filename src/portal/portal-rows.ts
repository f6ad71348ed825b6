import { Type } from '@sinclair/typebox';
import type { RouteRow } from '../http/route-rows.ts';

/** What the page of the portal speaks beside the control API. */
export const portalRows: readonly RouteRow[] = [
  {
    ...{ method: 'POST', path: '/portal/session', access: 'anybody' },
    body: Type.Object({ link: Type.String() }),
    answer: Type.Object({ pageToken: Type.String() }),
    errors: { InvalidLink: 400, LinkOver: 403, ForeignOrigin: 403 },
    says: 'Takes the secret of a link, once, for a session: a cookie, and the token of the page.',
  },
  {
    ...{ method: 'DELETE', path: '/portal/session', access: 'page', status: 204 },
    says: 'Ends the session.',
  },
  {
    ...{ method: 'ANY', path: '/portal/planes/*', access: 'page', mediaType: '*/*' },
    errors: { UnknownHost: 400, TooManyCalls: 429, NoAnswer: 502 },
    says: "`/portal/planes/{host}/{path}` passes the request on to a host of this instance, with a token of the instance's application; the answer is that of the host.",
  },
  {
    ...{ method: 'GET', path: '/portal', access: 'anybody', mediaType: 'text/html', errors: { NotBuilt: 503 } },
    says: 'The page of the portal.',
  },
  {
    ...{ method: 'GET', path: '/portal/*', access: 'anybody', mediaType: '*/*', errors: { NoSuchFile: 404 } },
    says: 'Its files.',
  },
];
