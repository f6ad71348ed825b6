import type { FastifyInstance } from 'fastify';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { IdentityEndpoints } from '../identity/managed/identity-endpoints.ts';
import { identityEndpointPath } from '../identity/managed/identity-endpoints.ts';
import { isUserAssigned, namedIdentities } from '../identity/managed/named-identity.ts';
import type { Principals } from '../identity/principals/principals.ts';
import { ControlError } from './control-plane.ts';

/** An endpoint that gives tokens of one managed identity. Whoever has `header` is that identity. */
export interface IdentityEndpoint {
  readonly id: string;
  /** On the port of the proxy. */
  readonly path: string;
  readonly header: string;
  readonly clientId: string;
  readonly userAssigned: boolean;
}

/** `POST /identity-endpoints` with `{"identity": name, resource id, client id or object id}`, and `DELETE /identity-endpoints/{id}`. */
export const identityEndpointRoutes =
  (endpoints: IdentityEndpoints, principals: Pick<Principals, 'store'>, tenantId: Guid) =>
  (app: FastifyInstance): void => {
    app.post<{ Body: Json | undefined }>('/identity-endpoints', async ({ body }): Promise<IdentityEndpoint> => {
      const name = isJsonObject(body) ? body['identity'] : undefined;
      if (typeof name !== 'string' || name === '')
        throw new ControlError(400, 'InvalidIdentity', 'Give {"identity": name or id}.');
      const [identity, ...others] = await namedIdentities(principals, tenantId, name);
      const shown = `'${name.slice(0, 300)}'`;
      if (identity === undefined)
        throw new ControlError(404, 'IdentityNotFound', `There is no managed identity ${shown}.`);
      if (others.length > 0) {
        const ids = [identity, ...others].map(({ resourceId }) => resourceId).join(', ');
        throw new ControlError(409, 'IdentityAmbiguous', `${shown} names several: ${ids}. Give the resource id.`);
      }
      const opened = endpoints.open(identity);
      if (opened === undefined)
        throw new ControlError(429, 'TooManyIdentityEndpoints', 'Too many endpoints of identities are open.');
      return {
        ...opened,
        path: identityEndpointPath,
        clientId: identity.appId,
        userAssigned: isUserAssigned(identity),
      };
    });
    app.delete<{ Params: { readonly id: string } }>('/identity-endpoints/:id', ({ params }) => {
      const id = parseGuid(params.id);
      if (id !== undefined) endpoints.close(id);
      return { id: params.id };
    });
  };
