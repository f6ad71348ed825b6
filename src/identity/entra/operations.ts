import type { JsonObject } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import { authorize } from './authorize.ts';
import type { Grant, GrantOptions, GrantRequest } from './client-credentials.ts';
import { grantClientCredentials, sharedTenantNames } from './client-credentials.ts';
import type { DocumentTenant } from './discovery.ts';
import { instanceDocument, keySetDocument, openIdConfigurationV1, openIdConfigurationV2 } from './discovery.ts';
import { deviceSignInPage, startDeviceSignIn } from './device-sign-in.ts';
import { entraError } from './entra-error.ts';
import { messagePage } from './sign-in-page.ts';
import type { PageAnswer } from './sign-in-page.ts';
import { grantOnBehalfOf, onBehalfOfGrant } from './on-behalf-of.ts';
import type { UserGrant, UserGrantOptions } from './user-grants.ts';
import { grantForUser, isUserGrant } from './user-grants.ts';

export interface OperationOptions extends GrantOptions, UserGrantOptions {
  readonly randomBytes: RandomBytes;
}

export interface EntraRequest {
  readonly method: string;
  /** First segment of the path where the row has `:tenant`, else empty. */
  readonly tenant: string;
  /** What stands for `*` in the row's path. */
  readonly rest: string;
  /** The first value of each parameter. */
  readonly query: (name: string) => string | undefined;
  /** Empty when the body is no form. */
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

type Answer = JsonObject | PageAnswer;
type Run = (request: EntraRequest, options: OperationOptions) => Answer | Promise<Answer>;

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

const grantBy = (
  name: string | null,
): ((asked: GrantRequest, options: OperationOptions) => Promise<Grant | UserGrant>) =>
  isUserGrant(name) ? grantForUser : name === onBehalfOfGrant ? grantOnBehalfOf : grantClientCredentials;

const grant =
  (version: 1 | 2): Run =>
  async (request, options) => {
    if (request.method !== 'POST') throw entraError('PostOnly', request.method);
    const asked = { version, ...request };
    const granted = await grantBy(request.form.get('grant_type'))(asked, options);
    return version === 1 ? grantV1(granted) : grantV2(granted);
  };

const userPart = (granted: Grant | UserGrant, scope: (user: UserGrant) => string) =>
  'permissions' in granted
    ? {
        scope: scope(granted),
        ...(granted.refreshToken === undefined ? {} : { refresh_token: granted.refreshToken }),
        ...(granted.idToken === undefined ? {} : { id_token: granted.idToken }),
        ...(granted.clientInfo === undefined ? {} : { client_info: granted.clientInfo }),
      }
    : {};

/** Version 1 writes numbers as strings. */
const grantV1 = (granted: Grant | UserGrant): JsonObject => ({
  token_type: 'Bearer',
  expires_in: String(granted.expiresIn),
  ext_expires_in: String(granted.expiresIn),
  expires_on: String(granted.expires),
  not_before: String(granted.notBefore),
  resource: granted.resource,
  access_token: granted.token,
  ...userPart(granted, (user) => user.permissions.join(' ')),
});

const grantV2 = (granted: Grant | UserGrant): JsonObject => ({
  token_type: 'Bearer',
  expires_in: granted.expiresIn,
  ext_expires_in: granted.expiresIn,
  access_token: granted.token,
  ...userPart(granted, (user) => user.scope),
});

const authorizing =
  (version: 1 | 2): Run =>
  (request, options) =>
    authorize({ ...request, version }, options);

const deviceSignIn =
  (version: 1 | 2): Run =>
  (request, options) =>
    startDeviceSignIn({ ...request, version }, options);

const devicePageShown: Run = (request, options) => deviceSignInPage(request, options);

/** Nobody stays signed in here, so there is nothing to end. */
const signedOut: Run = () =>
  messagePage('You signed out of your account.', "It's a good idea to close all browser windows.");

/** How a user signs in: with a password, here. @see [MS-OAPX], user realm discovery as MSAL does it */
const userRealm: Run = async ({ rest }, { tenants }) => {
  const domain = rest.split('@')[1]?.toLowerCase() ?? '';
  const tenant = await tenants.find(domain);
  const cloud = { cloud_instance_name: 'microsoftonline.com', cloud_audience_urn: 'urn:federation:MicrosoftOnline' };
  return tenant === undefined
    ? { ver: '1.0', account_type: 'Unknown', ...cloud }
    : { ver: '1.0', account_type: 'Managed', domain_name: domain, ...cloud };
};

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

/** All that is served under the names of Entra ID. */
export const entraOperations: readonly EntraOperation[] = [
  { id: 'TokenV1', method: 'any', path: '/:tenant/oauth2/token', document: false, run: grant(1) },
  { id: 'TokenV2', method: 'any', path: '/:tenant/oauth2/v2.0/token', document: false, run: grant(2) },
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
  { id: 'AuthorizeV1', method: 'any', path: '/:tenant/oauth2/authorize', document: false, run: authorizing(1) },
  { id: 'AuthorizeV2', method: 'any', path: '/:tenant/oauth2/v2.0/authorize', document: false, run: authorizing(2) },
  { id: 'DeviceCodeV1', method: 'any', path: '/:tenant/oauth2/devicecode', document: false, run: deviceSignIn(1) },
  { id: 'DeviceCodeV2', method: 'any', path: '/:tenant/oauth2/v2.0/devicecode', document: false, run: deviceSignIn(2) },
  { id: 'DevicePage', method: 'any', path: '/device', document: false, run: devicePageShown },
  { id: 'DeviceAuth', method: 'any', path: '/common/oauth2/deviceauth', document: false, run: devicePageShown },
  { id: 'LogoutV1', method: 'any', path: '/:tenant/oauth2/logout', document: false, run: signedOut },
  { id: 'LogoutV2', method: 'any', path: '/:tenant/oauth2/v2.0/logout', document: false, run: signedOut },
  { id: 'UserRealm', method: 'any', path: '/common/userrealm/*', document: false, run: userRealm },
];
