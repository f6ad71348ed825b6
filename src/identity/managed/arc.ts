import type { FastifyRequest } from 'fastify';
import type { MintToken } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Principal } from '../principals/principal.ts';
import { arcTokenDirectory, imdsPath } from './endpoint-form.ts';
import { grantAsImds, ImdsError } from './imds.ts';

/** Who can read it may act as the identity. */
export const arcKeyFile = (id: Guid): string => `${arcTokenDirectory}/${id}.key`;

/** @param below where the endpoints of Arc are */
export const arcPath = (below: string, id: string): string => `${below}${id}${imdsPath}`;

const apiVersions: readonly string[] = ['2020-06-01', '2019-11-01'];

/** Tokens as the agent of Azure Arc gives them: who asks is told a file, and shows that it can read it.
 * @param id undefined: there is no such endpoint @param identityOf whose key it is @throws ImdsError
 * @see Microsoft Learn "Authenticate against Azure resources with Azure Arc-enabled servers" */
export async function grantAsArc(
  parts: { readonly mintToken: MintToken; readonly wallClock: () => Instant },
  id: Guid | undefined,
  identityOf: (secret: string) => Principal | undefined,
  request: FastifyRequest,
): Promise<JsonObject> {
  if (id === undefined) throw new ImdsError(404, 'not_found', 'There is no such endpoint.');
  const secret = /^Basic (.+)$/.exec(request.headers.authorization ?? '')?.[1];
  const identity = secret === undefined ? undefined : identityOf(secret.trim());
  if (identity === undefined)
    throw new ImdsError(401, 'unauthorized_client', 'Missing Basic Authorization header', {
      'www-authenticate': `Basic realm=${arcKeyFile(id)}`,
    });
  const granted = await grantAsImds(parts, identity, request, apiVersions);
  const asked = request.query as Readonly<Record<string, unknown>>;
  // Clients hold the answer against the identity that they asked for.
  return {
    ...granted,
    ...(asked['object_id'] === undefined ? {} : { object_id: identity.objectId }),
    ...(asked['msi_res_id'] === undefined ? {} : { msi_res_id: identity.resourceId ?? '' }),
  };
}
