import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import { issuerV1, issuerV2 } from './claims.ts';
import { entraError } from './entra-error.ts';
import type { SigningKeySet } from './signing-keys.ts';

/** The names of one and the same service. */
export const entraHosts = [
  'login.microsoftonline.com',
  'login.windows.net',
  'login.microsoft.com',
  'sts.windows.net',
] as const;
const authority = 'https://login.microsoftonline.com';

/** In documents for `common` and `organizations` the issuer holds a placeholder. */
export type DocumentTenant = { readonly tenantId: Guid } | { readonly shared: string };

const pathOf = (tenant: DocumentTenant): string => ('shared' in tenant ? tenant.shared : tenant.tenantId);
const issuerTenant = (tenant: DocumentTenant): Guid | '{tenantid}' =>
  'shared' in tenant ? '{tenantid}' : tenant.tenantId;

const shared = {
  token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
  response_modes_supported: ['query', 'fragment', 'form_post'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['RS256'],
} as const;

const cloud = {
  cloud_instance_name: 'microsoftonline.com',
  cloud_graph_host_name: 'graph.windows.net',
  msgraph_host: 'graph.microsoft.com',
  rbac_url: 'https://pas.windows.net',
  tls_client_certificate_bound_access_tokens: true,
} as const;

const commonClaims = [
  'sub',
  'iss',
  'cloud_instance_name',
  'cloud_instance_host_name',
  'cloud_graph_host_name',
  'msgraph_host',
] as const;

/** `/{tenant}/v2.0/.well-known/openid-configuration`, as Entra ID has it. */
export function openIdConfigurationV2(tenant: DocumentTenant): JsonObject {
  const base = `${authority}/${pathOf(tenant)}`;
  return {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: shared.token_endpoint_auth_methods_supported,
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: shared.response_modes_supported,
    subject_types_supported: shared.subject_types_supported,
    id_token_signing_alg_values_supported: shared.id_token_signing_alg_values_supported,
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: issuerV2(issuerTenant(tenant)),
    request_uri_parameter_supported: false,
    userinfo_endpoint: 'https://graph.microsoft.com/oidc/userinfo',
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `${base}/oauth2/v2.0/logout`,
    claims_supported: [
      ...commonClaims,
      'aud',
      'exp',
      'iat',
      'auth_time',
      'acr',
      'nonce',
      'preferred_username',
      'name',
      'tid',
      'ver',
      'at_hash',
      'c_hash',
      'email',
    ],
    kerberos_endpoint: `${base}/kerberos`,
    tenant_region_scope: regionOf(tenant),
    ...cloud,
  };
}

/** `/{tenant}/.well-known/openid-configuration`. */
export function openIdConfigurationV1(tenant: DocumentTenant): JsonObject {
  const base = `${authority}/${pathOf(tenant)}`;
  return {
    token_endpoint: `${base}/oauth2/token`,
    token_endpoint_auth_methods_supported: shared.token_endpoint_auth_methods_supported,
    jwks_uri: `${authority}/common/discovery/keys`,
    response_modes_supported: shared.response_modes_supported,
    subject_types_supported: shared.subject_types_supported,
    id_token_signing_alg_values_supported: shared.id_token_signing_alg_values_supported,
    response_types_supported: ['code', 'id_token', 'code id_token', 'token id_token', 'token'],
    scopes_supported: ['openid'],
    issuer: issuerV1(issuerTenant(tenant)),
    microsoft_multi_refresh_token: true,
    authorization_endpoint: `${base}/oauth2/authorize`,
    device_authorization_endpoint: `${base}/oauth2/devicecode`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `${base}/oauth2/logout`,
    claims_supported: [
      ...commonClaims,
      'aud',
      'exp',
      'iat',
      'auth_time',
      'acr',
      'amr',
      'nonce',
      'email',
      'given_name',
      'family_name',
      'nickname',
    ],
    check_session_iframe: `${base}/oauth2/checksession`,
    userinfo_endpoint: `${base}/openid/userinfo`,
    kerberos_endpoint: `${base}/kerberos`,
    tenant_region_scope: regionOf(tenant),
    ...cloud,
  };
}

const regionOf = (tenant: DocumentTenant): string | null => ('shared' in tenant ? null : 'WW');

/** The public signing keys (RFC 7517). The v2 document also names the issuer. */
export function keySetDocument(keys: SigningKeySet, version: 1 | 2, tenant: DocumentTenant): JsonObject {
  return {
    keys: keys.published.map(({ kid, n, e, certificate }) => ({
      kty: 'RSA',
      use: 'sig',
      kid,
      x5t: kid,
      n,
      e,
      x5c: [certificate],
      cloud_instance_name: cloud.cloud_instance_name,
      ...(version === 2 ? { issuer: issuerV2(issuerTenant(tenant)) } : {}),
    })),
  };
}

/** `/common/discovery/instance`: whether an authority can be trusted, and where its documents are.
 * @param authorizationEndpoint such as `https://login.windows.net/{tenant}/oauth2/v2.0/authorize`
 * @throws EntraError `InstanceUnknown` for any host that is not Entra ID's */
export function instanceDocument(
  authorizationEndpoint: string | undefined,
  apiVersion: string | undefined,
): JsonObject {
  const url = authorizationEndpoint === undefined ? null : URL.parse(authorizationEndpoint);
  const tenant = url?.pathname.split('/')[1];
  const known = url?.protocol === 'https:' && url.port === '' && entraHosts.some((host) => host === url.hostname);
  if (!known || !tenant) throw entraError('InstanceUnknown');
  const document = url.pathname.includes('/v2.0/')
    ? 'v2.0/.well-known/openid-configuration'
    : '.well-known/openid-configuration';
  const discovery = { tenant_discovery_endpoint: `https://${url.hostname}/${tenant}/${document}` };
  if (apiVersion === undefined || apiVersion === '1.0') return discovery;
  return {
    ...discovery,
    'api-version': '1.1',
    metadata: [{ preferred_network: entraHosts[0], preferred_cache: entraHosts[1], aliases: [...entraHosts] }],
  };
}
