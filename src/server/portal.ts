import type { FastifyInstance, FastifyRequest } from 'fastify';
import { dirname } from 'node:path';
import { isKustoPath, refuseLocalhost } from '../cluster/supervisor/plane/kusto-plane.ts';
import type { Plane } from '../http/plane.ts';
import { createPortalPlane, isPortalPath } from '../portal/portal-plane.ts';
import { pageTokenHeader, requireSession, sessionCookieOf } from '../portal/request-session.ts';
import { PortalSessions, sessionLimits } from '../portal/sessions.ts';
import { routeOf } from '../http/route-rows.ts';
import { ControlError } from './control-plane.ts';
import { controlRows } from './control-rows.ts';
import type { InstanceEnvironment } from './instance-environment.ts';
import { localToken } from './local-client.ts';
import { isPortalBuilt, portalDirectory } from './portal-pages.ts';
import type { ServerParts } from './server-parts.ts';

export interface Portal {
  /** Whether a request to the control API has a session, and may have what it asks for.
   * @returns false for a request that does not come from the portal
   * @throws PortalError, ControlError for one that does, and may not */
  readonly admits: (request: FastifyRequest) => boolean;
  /** `POST /portal-links`, for the holder of the control token: a link that opens the portal once, and whether it has pages. */
  readonly routes: (app: FastifyInstance) => void;
  /** The control API and the portal, which share a host. */
  readonly beside: (control: Plane) => Plane;
}

/** What sessions may have of the control API: nothing that holds a secret (`/environment`, endpoints of identities), or makes links. */
const sessionRoutes: ReadonlySet<string> = new Set(
  controlRows.filter(({ access }) => access === 'session').map(routeOf),
);

/** A token serves many calls of a page; one that was taken away meanwhile is refused by the plane. */
const tokenKeptMs = 5 * 60_000;

export function openPortal(parts: ServerParts, environment: () => Promise<InstanceEnvironment>): Portal {
  const { monotonic } = parts.clocks;
  const folder = dirname(parts.settings.scripts.kqlProcess);
  const sessions = new PortalSessions(parts.randomBytes, monotonic);
  const tokens = new Map<string, { readonly token: Promise<string>; readonly madeAt: number }>();
  const token = (resource: string): Promise<string> => {
    const kept = tokens.get(resource);
    if (kept !== undefined && monotonic.now() - kept.madeAt < tokenKeptMs) return kept.token;
    const made = environment().then((described) => localToken(described, resource));
    tokens.set(resource, { token: made, madeAt: monotonic.now() });
    made.catch(() => tokens.delete(resource));
    return made;
  };
  const plane = createPortalPlane({
    ...{ log: parts.log, sessions, token },
    edge: () => ({ address: parts.settings.listen.host, port: parts.ports().port, ca: parts.certificatePem }),
    directory: portalDirectory(folder),
  });
  return {
    admits: (request) => {
      const { headers, routeOptions, method } = request;
      if (headers[pageTokenHeader] === undefined && sessionCookieOf(headers) === undefined) return false;
      requireSession(sessions, headers);
      if (routeOptions.url === undefined || sessionRoutes.has(`${method} ${routeOptions.url}`)) return true;
      throw new ControlError(
        403,
        'NotForPortal',
        'Sessions of the portal do not get this: it needs the control token.',
      );
    },
    routes: (app) => {
      app.post('/portal-links', () => ({
        path: `/portal/#open=${sessions.newLink()}`,
        expiresInSeconds: sessionLimits.linkMs / 1000,
        isBuilt: isPortalBuilt(folder),
      }));
    },
    beside: (control) => ({
      ...control,
      handle: (request, response) => {
        if (isPortalPath(request.url)) plane.handle(request, response);
        // TLS of this port has ended here when a path is read, so Kusto's have one of their own.
        else if (isKustoPath(request.url)) {
          const { kustoPort } = parts.ports();
          refuseLocalhost(
            response,
            `On localhost, clusters are served at https://localhost:${kustoPort}, not on this port.`,
          );
        } else control.handle(request, response);
      },
    }),
  };
}
