import type { OutgoingHttpHeaders } from 'node:http';
import type { FastifyRequest } from 'fastify';
import type { MintToken } from '../../authz/caller.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant, toUnixSeconds } from '../../clock/clock.ts';
import type { PlaneAnswer } from '../../http/plane-failure.ts';
import type { Principal } from '../principals/principal.ts';

/** @see Microsoft Learn "How to use managed identities on an Azure VM to acquire an access token", error handling */
export class ImdsError extends Error {
  override readonly name = 'ImdsError';
  constructor(
    readonly status: number,
    readonly error: string,
    message: string,
    readonly headers?: OutgoingHttpHeaders,
  ) {
    super(message);
  }
}

export const imdsAnswer = ({ status, error, message, headers }: ImdsError): PlaneAnswer => ({
  status,
  ...(headers === undefined ? {} : { headers }),
  body: { error, error_description: message },
});

/** Parameters that name the identity, by what they name it with. */
const names: Readonly<Record<string, (identity: Principal) => string>> = {
  client_id: ({ appId }) => appId,
  object_id: ({ objectId }) => objectId,
  principal_id: ({ objectId }) => objectId,
  mi_res_id: ({ resourceId }) => resourceId ?? '',
  msi_res_id: ({ resourceId }) => resourceId ?? '',
};

const imdsVersions: readonly string[] = ['2018-02-01', '2019-08-01'];

/** The only identity of the machine needs no name. Requests that went through a proxy are refused, so that no service can be talked into
 * asking: `Metadata: true` is what such a service does not send.
 * @throws ImdsError */
export async function grantAsImds(
  { mintToken, wallClock }: { readonly mintToken: MintToken; readonly wallClock: () => Instant },
  identity: Principal | undefined,
  { query, headers }: Pick<FastifyRequest, 'query' | 'headers'>,
  apiVersions = imdsVersions,
): Promise<JsonObject> {
  if (identity === undefined) throw new ImdsError(404, 'not_found', 'There is no such endpoint.');
  if (String(headers['metadata']).toLowerCase() !== 'true')
    throw new ImdsError(400, 'invalid_request', 'Required metadata header not specified');
  if (headers['x-forwarded-for'] !== undefined)
    throw new ImdsError(400, 'invalid_request', 'Requests that carry X-Forwarded-For are not allowed');
  const asked = query as Readonly<Record<string, unknown>>;
  const { resource, 'api-version': version } = asked;
  if (typeof version !== 'string' || !apiVersions.includes(version))
    throw new ImdsError(400, 'invalid_request', `Bad api-version: the newest is ${apiVersions[0] ?? ''}`);
  if (typeof resource !== 'string' || resource === '')
    throw new ImdsError(400, 'invalid_request', "Required query variable 'resource' is missing");
  const isMeant = Object.entries(names).every(([name, valueOf]) => {
    const sent = asked[name];
    return sent === undefined || (typeof sent === 'string' && sent.toLowerCase() === valueOf(identity).toLowerCase());
  });
  if (!isMeant) throw new ImdsError(400, 'invalid_request', 'Identity not found');
  const minted = await mintToken(identity.objectId, resource);
  if (minted.outcome === 'refused') throw new ImdsError(400, 'invalid_resource', minted.reason);
  const now = toUnixSeconds(wallClock());
  const expires = toUnixSeconds(instant(minted.expiresOn));
  return {
    access_token: minted.token,
    client_id: identity.appId,
    expires_in: String(expires - now),
    expires_on: String(expires),
    ext_expires_in: String(expires - now),
    not_before: String(now),
    resource,
    token_type: 'Bearer',
  };
}
