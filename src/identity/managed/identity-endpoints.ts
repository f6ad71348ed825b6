import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { MintToken } from '../../authz/caller.ts';
import { equalBytes, utf8 } from '../../base/bytes.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant, toIso, toUnixSeconds } from '../../clock/clock.ts';
import type { Log } from '../../http/logging.ts';
import { createPlaneApp } from '../../http/plane-app.ts';
import type { PlaneAnswer } from '../../http/plane-failure.ts';
import type { Plane } from '../../http/plane.ts';
import type { Principal } from '../principals/principal.ts';
import { isUserAssigned } from './named-identity.ts';

/** Where the endpoint answers, on the port of the proxy. */
export const identityEndpointPath = '/msi/token';

/** Tokens of managed identities for programs, as App Service gives them to its own: who knows the secret of an endpoint gets tokens of
 * its one identity.
 * @see Microsoft Learn "How to use managed identities for App Service", REST endpoint reference */
export interface IdentityEndpoints {
  /** Serves `identityEndpointPath`. */
  readonly plane: Plane;
  /** @returns undefined when there are as many as there may be */
  open(identity: Principal): OpenedEndpoint | undefined;
  close(id: Guid): void;
  /** Programs have been able to act as it, so what it does is not the server's own doing. */
  wasOpened(objectId: Guid): boolean;
}

export interface OpenedEndpoint {
  readonly id: Guid;
  /** What requests have to bring in `X-IDENTITY-HEADER`. */
  readonly header: string;
}

export interface IdentityEndpointOptions {
  readonly mintToken: MintToken;
  readonly randomBytes: RandomBytes;
  readonly wallClock: () => Instant;
  readonly log: Log;
}

const endpointsMax = 1_000;

interface Endpoint {
  readonly digest: Buffer;
  readonly identity: Principal;
}

export function createIdentityEndpoints(options: IdentityEndpointOptions): IdentityEndpoints {
  const open = new Map<Guid, Endpoint>();
  const opened = new Set<Guid>();
  const { app, toPlane } = createPlaneApp({
    name: 'managed identity',
    log: options.log,
    bodyBytesMax: 1024,
    renderError: (error, request) => (error instanceof IdentityError ? answer(error, request) : undefined),
    renderFailure: ({ status, text }, request) => answer({ status, message: text }, request),
  });
  app.get(identityEndpointPath, (request) => grant(options, [...open.values()], request));
  return {
    plane: toPlane(() => undefined),
    open: (identity) => {
      if (open.size >= endpointsMax) return undefined;
      const [id, header] = [
        newGuid(options.randomBytes),
        Buffer.from(options.randomBytes(32)).toString('hex').toUpperCase(),
      ];
      open.set(id, { digest: digestOf(header), identity });
      opened.add(identity.objectId);
      return { id, header };
    },
    close: (id) => {
      open.delete(id);
    },
    wasOpened: (objectId) => opened.has(objectId),
  };
}

class IdentityError extends Error {
  override readonly name = 'IdentityError';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

const answer = (
  { status, message }: { readonly status: number; readonly message: string },
  request: FastifyRequest | undefined,
): PlaneAnswer => ({
  status,
  body: { statusCode: status, message, correlationId: request?.correlation.correlationId ?? '' },
});

const digestOf = (header: string): Buffer => createHash('sha256').update(utf8(header)).digest();

interface Protocol {
  readonly secret: string;
  /** Parameters that name the identity, by what they name it with. */
  readonly names: Readonly<Record<string, (identity: Principal) => string>>;
  readonly expiresOn: (expires: Instant) => string;
  readonly more: (times: { readonly issued: Instant; readonly identity: Principal }) => JsonObject;
}

const byResource = ({ resourceId }: Principal): string => resourceId ?? '';

/** By `api-version`. */
const protocols: Readonly<Record<string, Protocol>> = {
  '2019-08-01': {
    secret: 'x-identity-header',
    names: {
      client_id: ({ appId }) => appId,
      principal_id: ({ objectId }) => objectId,
      object_id: ({ objectId }) => objectId,
      mi_res_id: byResource,
    },
    expiresOn: (expires) => String(toUnixSeconds(expires)),
    more: ({ issued, identity }) => ({ client_id: identity.appId, not_before: String(toUnixSeconds(issued)) }),
  },
  '2017-09-01': {
    secret: 'secret',
    names: { clientid: ({ appId }) => appId },
    expiresOn: (expires) => {
      const [, year, month, day, time] = /^(\d+)-(\d+)-(\d+)T([\d:]+)/.exec(toIso(expires)) ?? [];
      return `${month}/${day}/${year} ${time} +00:00`;
    },
    more: ({ identity }) => ({ client_id: identity.appId }),
  },
};

/** @throws IdentityError */
async function grant(
  { mintToken, wallClock }: IdentityEndpointOptions,
  endpoints: readonly Endpoint[],
  { query, headers }: FastifyRequest,
): Promise<JsonObject> {
  const asked = query as Readonly<Record<string, unknown>>;
  const version = asked['api-version'];
  const protocol = typeof version === 'string' && Object.hasOwn(protocols, version) ? protocols[version] : undefined;
  const sent = headers[protocol?.secret ?? 'x-identity-header'];
  const digest = digestOf(typeof sent === 'string' ? sent : '');
  const identity = endpoints.find((endpoint) => equalBytes(endpoint.digest, digest))?.identity;
  if (identity === undefined)
    throw new IdentityError(401, 'The header with the secret of the endpoint is missing or wrong.');
  if (protocol === undefined) throw new IdentityError(400, 'The api-version is missing or not supported.');
  const { resource } = asked;
  if (typeof resource !== 'string' || resource === '')
    throw new IdentityError(400, 'The parameter resource is missing.');
  requireNamed(protocol, identity, asked);
  const minted = await mintToken(identity.objectId, resource);
  if (minted.outcome === 'refused') throw new IdentityError(400, minted.reason);
  return {
    access_token: minted.token,
    expires_on: protocol.expiresOn(instant(minted.expiresOn)),
    resource,
    token_type: 'Bearer',
    ...protocol.more({ issued: wallClock(), identity }),
  };
}

/** A program without a system-assigned identity has to say which one it means.
 * @throws IdentityError */
function requireNamed({ names }: Protocol, identity: Principal, asked: Readonly<Record<string, unknown>>): void {
  const named = Object.entries(names).filter(([name]) => asked[name] !== undefined);
  if (named.length === 0 && isUserAssigned(identity))
    throw new IdentityError(400, 'Unable to load the proper Managed Identity.');
  const isMeant = named.every(
    ([name, valueOf]) => String(asked[name]).toLowerCase() === valueOf(identity).toLowerCase(),
  );
  if (!isMeant)
    throw new IdentityError(
      400,
      'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
    );
}
