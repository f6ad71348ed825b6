import type { JsonObject } from '../../base/json.ts';
import type { Grant, GrantOptions } from './client-credentials.ts';
import { grantClientCredentials, sharedTenantNames } from './client-credentials.ts';
import type { DocumentTenant } from './discovery.ts';
import { instanceDocument, keySetDocument, openIdConfigurationV1, openIdConfigurationV2 } from './discovery.ts';
import { entraError } from './entra-error.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface OperationOptions extends GrantOptions {
  readonly signingKeys: SigningKeys;
}

export interface EntraRequest {
  readonly method: string;
  /** First segment of the path where the row has `:tenant`, else empty. */
  readonly tenant: string;
  /** The first value of each parameter. */
  readonly query: (name: string) => string | undefined;
  /** Empty when the body is no form. */
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

type Run = (request: EntraRequest, options: OperationOptions) => JsonObject | Promise<JsonObject>;

export interface EntraOperation {
  readonly id: string;
  /** `any`: the operation itself says what it thinks of other methods. */
  readonly method: 'GET' | 'any';
  readonly path: string;
  /** Public and the same for everyone: may be cached and read by scripts of any origin. */
  readonly document: boolean;
  /** @throws EntraError */
  readonly run: Run;
}

const grant =
  (version: 1 | 2, render: (grant: Grant) => JsonObject): Run =>
  async (request, options) => {
    if (request.method !== 'POST') throw entraError('PostOnly', request.method);
    return render(await grantClientCredentials({ ...request, version }, options));
  };

/** Version 1 writes numbers as strings. */
const grantV1 = grant(1, (granted) => ({
  token_type: 'Bearer',
  expires_in: String(granted.expiresIn),
  ext_expires_in: String(granted.expiresIn),
  expires_on: String(granted.expires),
  not_before: String(granted.notBefore),
  resource: granted.resource,
  access_token: granted.token,
}));

const grantV2 = grant(2, ({ expiresIn, token }) => ({
  token_type: 'Bearer',
  expires_in: expiresIn,
  ext_expires_in: expiresIn,
  access_token: token,
}));

const tenantDocument =
  (make: (tenant: DocumentTenant, options: OperationOptions) => JsonObject | Promise<JsonObject>): Run =>
  async ({ tenant: name }, options) => {
    const shared = sharedTenantNames.find((known) => known === name.toLowerCase());
    const tenant = shared === undefined ? await options.tenants.find(name) : { shared };
    if (tenant === undefined) throw entraError('DiscoveryTenantNotFound', name);
    return make(tenant, options);
  };

const keySet = (version: 1 | 2): Run =>
  tenantDocument(async (tenant, { signingKeys }) => keySetDocument(await signingKeys.load(), version, tenant));

const instance: Run = ({ query }) => instanceDocument(query('authorization_endpoint'), query('api-version'));

/** The sign-in of users, refused by name. */
const refuse =
  (endpoint: string): Run =>
  () => {
    throw entraError('SignInNotBuilt', endpoint);
  };

/** All that is served under the names of Entra ID. */
export const entraOperations: readonly EntraOperation[] = [
  { id: 'TokenV1', method: 'any', path: '/:tenant/oauth2/token', document: false, run: grantV1 },
  { id: 'TokenV2', method: 'any', path: '/:tenant/oauth2/v2.0/token', document: false, run: grantV2 },
  {
    id: 'OpenIdConfigurationV1',
    method: 'GET',
    path: '/:tenant/.well-known/openid-configuration',
    document: true,
    run: tenantDocument(openIdConfigurationV1),
  },
  {
    id: 'OpenIdConfigurationV2',
    method: 'GET',
    path: '/:tenant/v2.0/.well-known/openid-configuration',
    document: true,
    run: tenantDocument(openIdConfigurationV2),
  },
  { id: 'KeysV1', method: 'GET', path: '/:tenant/discovery/keys', document: true, run: keySet(1) },
  { id: 'KeysV2', method: 'GET', path: '/:tenant/discovery/v2.0/keys', document: true, run: keySet(2) },
  { id: 'InstanceDiscovery', method: 'GET', path: '/common/discovery/instance', document: true, run: instance },
  {
    id: 'AuthorizeV1',
    method: 'any',
    path: '/:tenant/oauth2/authorize',
    document: false,
    run: refuse('oauth2/authorize'),
  },
  {
    id: 'AuthorizeV2',
    method: 'any',
    path: '/:tenant/oauth2/v2.0/authorize',
    document: false,
    run: refuse('oauth2/v2.0/authorize'),
  },
  {
    id: 'DeviceCodeV1',
    method: 'any',
    path: '/:tenant/oauth2/devicecode',
    document: false,
    run: refuse('oauth2/devicecode'),
  },
  {
    id: 'DeviceCodeV2',
    method: 'any',
    path: '/:tenant/oauth2/v2.0/devicecode',
    document: false,
    run: refuse('oauth2/v2.0/devicecode'),
  },
  { id: 'LogoutV1', method: 'any', path: '/:tenant/oauth2/logout', document: false, run: refuse('oauth2/logout') },
  {
    id: 'LogoutV2',
    method: 'any',
    path: '/:tenant/oauth2/v2.0/logout',
    document: false,
    run: refuse('oauth2/v2.0/logout'),
  },
  { id: 'UserRealm', method: 'any', path: '/common/userrealm/*', document: false, run: refuse('common/userrealm') },
];
