import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { parseGuid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Log } from '../../http/logging.ts';
import { createPlaneApp } from '../../http/plane-app.ts';
import type { PlaneAnswer, PlaneFailureKind } from '../../http/plane-failure.ts';
import type { Plane } from '../../http/plane.ts';
import type { Grant, GrantOptions } from './client-credentials.ts';
import { grantClientCredentials, sharedTenantNames } from './client-credentials.ts';
import type { DocumentTenant } from './discovery.ts';
import {
  entraHosts,
  instanceDocument,
  keySetDocument,
  openIdConfigurationV1,
  openIdConfigurationV2,
} from './discovery.ts';
import { EntraError, entraError, renderEntraError } from './entra-error.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface EntraPlaneOptions extends GrantOptions {
  readonly signingKeys: SigningKeys;
  readonly log: Log;
  readonly randomBytes: RandomBytes;
}

/** The largest requests are client assertions of a few KiB. */
const bodyBytesMax = 64 * 1024;

const answerHeaders = {
  'cache-control': 'no-store, no-cache',
  pragma: 'no-cache',
  expires: '-1',
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
  'x-content-type-options': 'nosniff',
} as const;

const documentHeaders = {
  'cache-control': 'max-age=86400, private',
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, OPTIONS',
} as const;

/** Without a form Entra ID misses the first parameter it looks for. */
const errorOfFailure: Record<PlaneFailureKind, () => EntraError> = {
  notFound: () => entraError('PathNotBuilt'),
  badUrl: () => entraError('RequestMalformed'),
  bodyTooLarge: () => entraError('RequestMalformed'),
  badJson: () => entraError('RequestMalformed'),
  badBody: () => entraError('RequestMalformed'),
  unsupportedMediaType: () => entraError('ParameterMissing', 'grant_type'),
  internal: () => entraError('Internal'),
};

/** Entra ID: token endpoints of both versions, discovery, signing keys. */
export function createEntraPlane(options: EntraPlaneOptions): Plane {
  const answer = (error: EntraError, request?: FastifyRequest, status = error.status): PlaneAnswer => ({
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: renderEntraError(error, {
      traceId: request?.correlation.requestId ?? '00000000-0000-0000-0000-000000000000',
      correlationId:
        (request && clientRequestId(request)) ??
        request?.correlation.correlationId ??
        '00000000-0000-0000-0000-000000000000',
      now: options.wallClock(),
    }),
  });
  const { app, toPlane } = createPlaneApp({
    name: 'entra',
    log: options.log,
    bodyBytesMax,
    randomBytes: options.randomBytes,
    answerHeaders: ({ requestId }) => ({ ...answerHeaders, 'x-ms-request-id': requestId }),
    renderError: (error, request) => (error instanceof EntraError ? answer(error, request) : undefined),
    renderFailure: (failure, request) =>
      answer(errorOfFailure[failure.kind](), request, failure.kind === 'unsupportedMediaType' ? 400 : failure.status),
  });
  app.addHook('onSend', (request, reply, _payload, done) => {
    const id = request.headers['return-client-request-id'] === 'true' ? clientRequestId(request) : undefined;
    if (id !== undefined) void reply.header('client-request-id', id);
    done();
  });
  addTokenRoutes(app, options);
  addDocumentRoutes(app, options);
  addRefusedRoutes(app);
  return toPlane((host) => (entraHosts.some((name) => name === host) ? 'serve' : undefined));
}

function addTokenRoutes(app: FastifyInstance, options: EntraPlaneOptions): void {
  const versions = [
    { path: '/:tenant/oauth2/token', version: 1, render: renderGrantV1 },
    { path: '/:tenant/oauth2/v2.0/token', version: 2, render: renderGrantV2 },
  ] as const;
  for (const { path, version, render } of versions) {
    app.all<{ Params: { tenant: string } }>(path, async (request) => {
      if (request.method !== 'POST') throw entraError('PostOnly', request.method);
      const form = request.body instanceof URLSearchParams ? request.body : new URLSearchParams();
      const { tenant } = request.params;
      return render(
        await grantClientCredentials({ version, tenant, form, authorization: request.headers.authorization }, options),
      );
    });
  }
}

/** Version 1 writes numbers as strings. */
function renderGrantV1(grant: Grant): JsonObject {
  return {
    token_type: 'Bearer',
    expires_in: String(grant.expiresIn),
    ext_expires_in: String(grant.expiresIn),
    expires_on: String(grant.expires),
    not_before: String(grant.notBefore),
    resource: grant.resource,
    access_token: grant.token,
  };
}

function renderGrantV2(grant: Grant): JsonObject {
  return {
    token_type: 'Bearer',
    expires_in: grant.expiresIn,
    ext_expires_in: grant.expiresIn,
    access_token: grant.token,
  };
}

function addDocumentRoutes(app: FastifyInstance, { tenants, signingKeys }: EntraPlaneOptions): void {
  const documents: Record<string, (tenant: DocumentTenant) => JsonObject | Promise<JsonObject>> = {
    '/:tenant/.well-known/openid-configuration': openIdConfigurationV1,
    '/:tenant/v2.0/.well-known/openid-configuration': openIdConfigurationV2,
    '/:tenant/discovery/keys': async (tenant) => keySetDocument(await signingKeys.load(), 1, tenant),
    '/:tenant/discovery/v2.0/keys': async (tenant) => keySetDocument(await signingKeys.load(), 2, tenant),
  };
  for (const [path, document] of Object.entries(documents)) {
    app.get<{ Params: { tenant: string } }>(path, async (request, reply) => {
      const name = request.params.tenant;
      const tenant = sharedTenantNames.find((known) => known === name.toLowerCase());
      const found = tenant === undefined ? await tenants.find(name) : { shared: tenant };
      if (found === undefined) throw entraError('DiscoveryTenantNotFound', name);
      return sendDocument(reply, await document(found));
    });
  }
  app.get<{ Querystring: Record<string, unknown> }>('/common/discovery/instance', (request, reply) => {
    const { authorization_endpoint: endpoint, 'api-version': version } = request.query;
    return sendDocument(reply, instanceDocument(asText(endpoint), asText(version)));
  });
}

function sendDocument(reply: FastifyReply, document: JsonObject): FastifyReply {
  return reply.headers(documentHeaders).send(document);
}

/** The sign-in of users, by name. */
function addRefusedRoutes(app: FastifyInstance): void {
  const endpoints = [
    'oauth2/authorize',
    'oauth2/v2.0/authorize',
    'oauth2/devicecode',
    'oauth2/v2.0/devicecode',
    'oauth2/logout',
    'oauth2/v2.0/logout',
  ];
  for (const endpoint of endpoints) {
    app.all(`/:tenant/${endpoint}`, () => Promise.reject(entraError('SignInNotBuilt', endpoint)));
  }
  app.all('/common/userrealm/*', () => Promise.reject(entraError('SignInNotBuilt', 'common/userrealm')));
}

/** The client's own id of its request: a header, a query parameter (MSAL for JavaScript) or a form field. */
function clientRequestId(request: FastifyRequest): string | undefined {
  const query: unknown = request.query;
  const inQuery =
    typeof query === 'object' && query !== null && 'client-request-id' in query
      ? query['client-request-id']
      : undefined;
  const inForm = request.body instanceof URLSearchParams ? request.body.get('client-request-id') : undefined;
  return parseGuid(asText(request.headers['client-request-id']) ?? asText(inQuery) ?? inForm ?? '');
}

const asText = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
