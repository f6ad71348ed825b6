import { compactVerify, errors } from 'jose';
import { instant } from '../../clock/clock.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { isJsonObject } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Principal } from '../principals/principal.ts';
import type { User } from '../principals/user.ts';
import type { Tenant } from '../tenants.ts';
import type { GrantRequest } from './client-credentials.ts';
import { requireTenant } from './client-credentials.ts';
import { parseAssertion, ticksOf } from './assertion.ts';
import { issueInstantOf, issuerV1, issuerV2 } from './claims.ts';
import type { ProofOptions } from './client-proof.ts';
import { requireClient } from './client-proof.ts';
import { requirePoliciesMet } from './conditional-access.ts';
import { grantConsentedScope } from './delegated-scope.ts';
import { entraError } from './entra-error.ts';
import type { UserGrant, UserGrantOptions } from './user-grants.ts';
import { idTokenForClient, readAskedScope } from './user-grants.ts';
import { readClientCredentials, readField, refuseAmbiguity } from './token-request.ts';
import { clientInfoOf } from './user-claims.ts';

export const onBehalfOfGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

export interface OnBehalfOfOptions extends ProofOptions, UserGrantOptions {}

/** An application that a user's token was given to exchanges it for one to the next service, as the same user. The client proves itself
 * before anything is said of the token. No refresh token: who has the user's token asks again.
 * @see Microsoft identity platform "OAuth 2.0 On-Behalf-Of flow"
 * @throws EntraError */
export async function grantOnBehalfOf(request: GrantRequest, options: OnBehalfOfOptions): Promise<UserGrant> {
  const { form, version, authorization } = request;
  const tenant = await requireTenant(request.tenant, options.tenants);
  refuseAmbiguity(form);
  const credentials = readClientCredentials(form, authorization, () => entraError('ClientProofMissing'));
  const use = readField(form, 'requested_token_use');
  if (use === undefined) throw entraError('ParameterMissing', 'requested_token_use');
  if (use !== 'on_behalf_of') throw entraError('RequestMalformed');
  const assertion = readField(form, 'assertion');
  if (assertion === undefined) throw entraError('ParameterMissing', 'assertion');
  const { principal, provedBy } = await requireClient(credentials, tenant, options);
  const user = await requireUserOf(assertion, principal, tenant, options);
  const asked = readAskedScope(form, version);
  const scope = await grantConsentedScope(asked, principal, user, options.directory);
  const clientClass = provedBy === 'assertion' ? '2' : '1';
  const subject = { user, tenant, clientId: principal.appId, clientClass, scope } as const;
  requirePoliciesMet(options, subject, version);
  const idTokenFor = await idTokenForClient(asked, subject, options.directory);
  const tokens = await options.issueUserToken(subject, { version, nonce: undefined, idTokenFor });
  return {
    ...tokens,
    resource: asked.resource,
    permissions: scope.permissions,
    scope: scope.shown,
    refreshToken: undefined,
    clientInfo: form.get('client_info') === '1' ? clientInfoOf(subject) : undefined,
  };
}

/** The user whose token this is, when it was given to this application. @throws EntraError */
async function requireUserOf(
  token: string,
  client: Principal,
  tenant: Tenant,
  options: OnBehalfOfOptions,
): Promise<User> {
  const claims = await requireOwnToken(token, tenant, options);
  const now = options.wallClock();
  const { notBefore, expires } = parseAssertion(token);
  if (notBefore > now || expires <= now) throw entraError('UserAssertionExpired', ticksOf(now), ticksOf(expires));
  if (claims['appid'] === undefined && claims['azp'] === undefined) throw entraError('UserAssertionIsIdToken');
  await requireOwnAudience(typeof claims['aud'] === 'string' ? claims['aud'] : '', client, options);
  if (typeof claims['scp'] !== 'string') throw entraError('UserAssertionOfApplication', client.appId);
  const objectId = guidOf(claims, 'oid');
  const user = objectId && (await options.directory.users.get(objectId));
  if (user?.tenantId !== tenant.tenantId) throw entraError('UserNotFound', tenant.displayName);
  if (!user.enabled) throw entraError('UserDisabled');
  const issuedAt = issueInstantOf(typeof claims['uti'] === 'string' ? claims['uti'] : '');
  if (issuedAt === undefined || issuedAt < instant(user.sessionsValidFrom)) throw entraError('GrantRevoked');
  return user;
}

/** Signed by a key that is published now, for this tenant. @returns its claims. @throws EntraError */
async function requireOwnToken(token: string, tenant: Tenant, { signingKeys }: ProofOptions): Promise<JsonObject> {
  const { header, issuer } = parseAssertion(token);
  const kid = typeof header['kid'] === 'string' ? header['kid'] : '';
  const { published } = await signingKeys.load();
  const key = published.find((one) => one.kid === kid);
  const isOfTenant = issuer === issuerV1(tenant.tenantId) || issuer === issuerV2(tenant.tenantId);
  if (key === undefined || !isOfTenant) throw entraError('UserAssertionKeyNotFound', thumbprintOf(kid));
  try {
    const { payload } = await compactVerify(token, key.verify, { algorithms: ['RS256'] });
    const claims: unknown = JSON.parse(new TextDecoder().decode(payload));
    if (isJsonObject(claims)) return claims;
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
  }
  throw entraError('UserAssertionSignature', thumbprintOf(kid));
}

async function requireOwnAudience(
  audience: string,
  { appId, tenantId, displayName }: Principal,
  { directory }: ProofOptions,
): Promise<void> {
  const application = await directory.applications.findByName(tenantId, appId);
  const own = [appId, `api://${appId}`, `spn:${appId}`, ...(application?.identifierUris ?? [])];
  const name = audience.replace(/\/$/, '');
  if (!own.some((one) => one.replace(/\/$/, '') === name))
    throw entraError('UserAssertionAudience', audience.slice(0, 600), appId, displayName);
}

const guidOf = (claims: JsonObject, name: string): Guid | undefined => {
  const value = claims[name];
  return parseGuid(typeof value === 'string' ? value : '');
};

/** Entra ID writes in hexadecimal what the token has in base64url. */
const thumbprintOf = (kid: string): string => Buffer.from(kid.slice(0, 128), 'base64url').toString('hex').toUpperCase();
