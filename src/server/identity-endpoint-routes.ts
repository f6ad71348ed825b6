import type { FastifyInstance } from 'fastify';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { IdentityEndpoints, OpenedEndpoint } from '../identity/managed/identity-endpoints.ts';
import { endpointForms } from '../identity/managed/endpoint-form.ts';
import type { WorkloadToken } from '../identity/managed/workload-issuer.ts';
import { namedIdentities } from '../identity/managed/named-identity.ts';
import { isUserAssigned } from '../identity/principals/principal.ts';
import type { Principals } from '../identity/principals/principals.ts';
import { ControlError } from './control-plane.ts';

/** An endpoint that gives tokens of one managed identity. Whoever has its secret is that identity. */
export interface IdentityEndpoint extends OpenedEndpoint {
  readonly clientId: string;
  readonly tenantId: string;
  readonly userAssigned: boolean;
}

/** `POST /identity-endpoints` with `{"identity": name, resource id, client id or object id, "form": "app-service" | "vm" | "aks" | "arc"}`, and
 * of what it opens `POST /identity-endpoints/{id}/token` (AKS alone) and `DELETE /identity-endpoints/{id}`. */
export const identityEndpointRoutes =
  (endpoints: IdentityEndpoints, principals: Pick<Principals, 'store'>, tenantId: Guid) =>
  (app: FastifyInstance): void => {
    app.post<{ Body: Json | undefined }>('/identity-endpoints', async ({ body }): Promise<IdentityEndpoint> => {
      const name = isJsonObject(body) ? body['identity'] : undefined;
      if (typeof name !== 'string' || name === '')
        throw new ControlError(400, 'InvalidIdentity', 'Give {"identity": name or id}.');
      const sent = isJsonObject(body) ? (body['form'] ?? endpointForms[0]) : undefined;
      const form = endpointForms.find((known) => known === sent);
      if (form === undefined)
        throw new ControlError(400, 'InvalidEndpointForm', `The form is one of ${endpointForms.join(', ')}.`);
      const [identity, ...others] = await namedIdentities(principals, tenantId, name);
      const shown = `'${name.slice(0, 300)}'`;
      if (identity === undefined)
        throw new ControlError(404, 'IdentityNotFound', `There is no managed identity ${shown}.`);
      if (others.length > 0) {
        const ids = [identity, ...others].map(({ resourceId }) => resourceId).join(', ');
        throw new ControlError(409, 'IdentityAmbiguous', `${shown} names several: ${ids}. Give the resource id.`);
      }
      if (form === 'aks' && !isUserAssigned(identity))
        throw new ControlError(
          ...([400, 'IdentityNotUserAssigned'] as const),
          `${shown} is the identity of a resource: in AKS programs have user-assigned identities alone.`,
        );
      const opened = endpoints.open(identity, form);
      if (opened === undefined)
        throw new ControlError(429, 'TooManyIdentityEndpoints', 'Too many endpoints of identities are open.');
      return {
        ...opened,
        clientId: identity.appId,
        tenantId: identity.tenantId,
        userAssigned: isUserAssigned(identity),
      };
    });
    app.post<{ Params: { readonly id: string } }>(
      '/identity-endpoints/:id/token',
      async ({ params }): Promise<WorkloadToken> => {
        const id = parseGuid(params.id);
        const token = id && (await endpoints.workloadToken(id));
        if (token === undefined) throw new ControlError(404, 'EndpointNotFound', 'There is no such endpoint of AKS.');
        return token;
      },
    );
    app.delete<{ Params: { readonly id: string } }>('/identity-endpoints/:id', ({ params }) => {
      const id = parseGuid(params.id);
      if (id !== undefined) endpoints.close(id);
      return { id: params.id };
    });
  };
