import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { MintToken } from '../../authz/caller.ts';
import { equalBytes, utf8 } from '../../base/bytes.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant, toIso, toUnixSeconds } from '../../clock/clock.ts';
import type { Log } from '../../http/logging.ts';
import { createPlaneApp } from '../../http/plane-app.ts';
import type { PlaneAnswer } from '../../http/plane-failure.ts';
import type { Plane } from '../../http/plane.ts';
import type { IssuerKeys } from '../entra/issuer-keys.ts';
import type { TrustedIssuer } from '../principals/federated-credential.ts';
import type { Principal } from '../principals/principal.ts';
import { isUserAssigned } from '../principals/principal.ts';
import { arcKeyFile, arcPath, grantAsArc } from './arc.ts';
import type { EndpointForm } from './endpoint-form.ts';
import { imdsPath } from './endpoint-form.ts';
import { grantAsImds, imdsAnswer, ImdsError } from './imds.ts';
import type { WorkloadToken } from './workload-issuer.ts';
import { openWorkloadIssuer } from './workload-issuer.ts';

/** Below it the endpoints answer, on the port of the proxy. */
export const identityEndpointsPath = '/msi/';
const appServicePath = `${identityEndpointsPath}token`;

const arcEndpointsPath = `${identityEndpointsPath}arc/`;

/** Tokens of managed identities for programs, as their host in Azure gives them: who knows the secret of an endpoint gets tokens of its
 * one identity.
 * @see Microsoft Learn "How to use managed identities for App Service", REST endpoint reference; "How to use managed identities on an
 * Azure VM to acquire an access token"; "Microsoft Entra Workload ID with AKS" */
export interface IdentityEndpoints {
  /** Serves what is below `identityEndpointsPath`. */
  readonly plane: Plane;
  /** @returns undefined when there are as many as there may be */
  open(identity: Principal, form?: EndpointForm): OpenedEndpoint | undefined;
  /** A fresh token for the file of a program in AKS. @returns undefined when no such endpoint is open */
  workloadToken(id: Guid): Promise<WorkloadToken | undefined>;
  close(id: Guid): void;
  /** Whose tokens stand for an identity as long as its endpoints of AKS are open. @param resourceId compared without case */
  trustOf(resourceId: string): readonly TrustedIssuer[];
  /** The keys of the issuer of such tokens, and of all others. */
  issuerKeys(others: IssuerKeys): IssuerKeys;
  /** Somebody got a token of it in another way. */
  giveAway(objectId: Guid): void;
  /** Programs have been able to act as it, so what it does is not the server's own doing. */
  wasGivenAway(objectId: Guid): boolean;
}

export interface OpenedEndpoint {
  readonly id: Guid;
  readonly form: EndpointForm;
  /** On the port of the proxy. Of a virtual machine's endpoint it holds the secret, and clients add the path of IMDS; empty for AKS. */
  readonly path: string;
  /** What requests have to bring in `X-IDENTITY-HEADER`; of Arc, what belongs into `keyFile`; empty for the other forms. */
  readonly header: string;
  /** Of Arc: where clients look. */
  readonly keyFile?: string;
}

export interface IdentityEndpointOptions {
  readonly mintToken: MintToken;
  readonly randomBytes: RandomBytes;
  readonly wallClock: () => Instant;
  readonly log: Log;
}

const endpointsMax = 1_000;

interface Endpoint {
  readonly id: Guid;
  readonly form: EndpointForm;
  readonly digest: Buffer;
  readonly identity: Principal;
}

export function createIdentityEndpoints(options: IdentityEndpointOptions): IdentityEndpoints {
  const { mintToken, wallClock } = options;
  const open = new Map<Guid, Endpoint>();
  const givenAway = new Set<Guid>();
  const workloads = openWorkloadIssuer(options);
  const { app, toPlane } = createPlaneApp({
    name: 'managed identity',
    log: options.log,
    bodyBytesMax: 1024,
    seenAs: 'route', // one form has its secret in the path
    renderError: (error, request) =>
      error instanceof ImdsError
        ? imdsAnswer(error)
        : error instanceof IdentityError
          ? answer(error, request)
          : undefined,
    renderFailure: ({ status, text }, request) => answer({ status, message: text }, request),
  });
  const identityOf = (form: EndpointForm, secret: unknown): Principal | undefined => {
    const digest = digestOf(typeof secret === 'string' ? secret : '');
    const found = [...open.values()].filter((one) => equalBytes(one.digest, digest));
    return found.find((one) => one.form === form)?.identity;
  };
  app.get(appServicePath, (request) => grant(options, (secret) => identityOf('app-service', secret), request));
  app.get<{ Params: { readonly secret: string } }>(`${identityEndpointsPath}:secret${imdsPath}`, (request) =>
    grantAsImds({ mintToken, wallClock }, identityOf('vm', request.params.secret), request),
  );
  app.get<{ Params: { readonly id: string } }>(arcPath(arcEndpointsPath, ':id'), (request) => {
    const found = open.get(request.params.id as Guid);
    const endpoint = found?.form === 'arc' ? found : undefined;
    const whose = (secret: string) =>
      identityOf('arc', secret) === endpoint?.identity ? endpoint?.identity : undefined;
    return grantAsArc({ mintToken, wallClock }, endpoint?.id, whose, request);
  });
  return {
    plane: toPlane(() => undefined),
    open: (identity, form = 'app-service') => {
      if (open.size >= endpointsMax) return undefined;
      const id = newGuid(options.randomBytes);
      const digits = Buffer.from(options.randomBytes(32)).toString('hex');
      // App Service writes capitals; clients write addresses in small letters.
      const secret = form === 'vm' ? digits : digits.toUpperCase();
      open.set(id, { id, form, digest: digestOf(secret), identity });
      givenAway.add(identity.objectId);
      const told = {
        'app-service': { path: appServicePath, header: secret },
        vm: { path: `${identityEndpointsPath}${secret}`, header: '' },
        aks: { path: '', header: '' },
        arc: { path: arcPath(arcEndpointsPath, id), header: secret, keyFile: arcKeyFile(id) },
      } as const satisfies Record<EndpointForm, object>;
      return { id, form, ...told[form] };
    },
    workloadToken: async (id) => (open.get(id)?.form === 'aks' ? workloads.issue(id) : undefined),
    close: (id) => {
      open.delete(id);
    },
    trustOf: (resourceId) =>
      [...open.values()]
        .filter(({ form, identity }) => form === 'aks' && sameId(identity.resourceId, resourceId))
        .map(({ id }) => workloads.trust(id)),
    issuerKeys: (others) => ({
      find: (issuer, keyId) => (issuer === workloads.issuer ? workloads.findKey(keyId) : others.find(issuer, keyId)),
    }),
    giveAway: (objectId) => void givenAway.add(objectId),
    wasGivenAway: (objectId) => givenAway.has(objectId),
  };
}

const sameId = (left: string | undefined, right: string): boolean => left?.toLowerCase() === right.toLowerCase();

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
  identityOf: (secret: unknown) => Principal | undefined,
  { query, headers }: FastifyRequest,
): Promise<JsonObject> {
  const asked = query as Readonly<Record<string, unknown>>;
  const version = asked['api-version'];
  const protocol = typeof version === 'string' && Object.hasOwn(protocols, version) ? protocols[version] : undefined;
  const identity = identityOf(headers[protocol?.secret ?? 'x-identity-header']);
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
