import { createHash } from 'node:crypto';
import { equalBytes, utf8 } from '../../base/bytes.ts';
import { toBase64Url } from '../../base/base64url.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { Directory } from '../principals/directory.ts';
import { passwordCharsMax } from '../principals/password.ts';
import type { Principals } from '../principals/principals.ts';
import type { GrantRequest } from './client-credentials.ts';
import { requireTenant, sharedTenantNames } from './client-credentials.ts';
import type { ConditionalAccessOptions } from './conditional-access.ts';
import { requirePoliciesMet } from './conditional-access.ts';
import type { AskedScope } from './delegated-scope.ts';
import { grantScope, parseDelegatedScope, scopeOfResource } from './delegated-scope.ts';
import { entraError } from './entra-error.ts';
import type { AuthorizedCode, PendingSignIns } from './pending-sign-ins.ts';
import type { PublicClient } from './public-clients.ts';
import type { RefreshTokens } from './refresh-token.ts';
import { readField, refuseAmbiguity } from './token-request.ts';
import type { IdTokenFor, IssueUserToken, UserTokens } from './token-service.ts';
import type { SignedIn, UserSignIn } from './user-sign-in.ts';
import { requirePublicClient } from './user-sign-in.ts';
import type { UserSubject } from './user-claims.ts';
import { clientInfoOf } from './user-claims.ts';
import type { Tenants } from '../tenants.ts';

export interface UserGrantOptions extends ConditionalAccessOptions {
  readonly tenants: Tenants;
  readonly principals: Principals;
  readonly directory: Directory;
  readonly userSignIn: UserSignIn;
  readonly pendingSignIns: PendingSignIns;
  readonly refreshTokens: RefreshTokens;
  readonly issueUserToken: IssueUserToken;
  readonly wallClock: () => Instant;
}

export interface UserGrant extends UserTokens {
  /** As the client named it. */
  readonly resource: string;
  readonly permissions: readonly string[];
  readonly scope: string;
  readonly refreshToken: string | undefined;
  readonly clientInfo: string | undefined;
}

interface Wanted {
  readonly scope: AskedScope;
  readonly nonce?: string | undefined;
}

type UserGrantType = (
  request: GrantRequest,
  client: PublicClient,
  options: UserGrantOptions,
) => Promise<SignedIn & Wanted>;

const refreshDays = 90;

/** How users come to tokens. No prototype: `constructor` is no grant. */
const userGrants: ReadonlyMap<string, UserGrantType> = new Map([
  ['password', passwordGrant],
  ['refresh_token', refreshGrant],
  ['authorization_code', codeGrant],
  ['device_code', deviceGrant],
  ['urn:ietf:params:oauth:grant-type:device_code', deviceGrant],
]);

export const isUserGrant = (grant: string | null): boolean => grant !== null && userGrants.has(grant);

/** A token for what an application does in a user's name. @throws EntraError */
export async function grantForUser(request: GrantRequest, options: UserGrantOptions): Promise<UserGrant> {
  const { form, version } = request;
  refuseAmbiguity(form);
  const grantType = userGrants.get(form.get('grant_type') ?? '');
  if (grantType === undefined) throw entraError('ParameterMissing', 'grant_type');
  const clientId = readField(form, 'client_id');
  if (clientId === undefined) throw entraError('ParameterMissing', 'client_id');
  const isShared = sharedTenantNames.includes(request.tenant.toLowerCase());
  const named = isShared ? undefined : await requireTenant(request.tenant, options.tenants);
  const client = await requirePublicClient(clientId, named, options.directory);
  const { user, tenant, scope: asked, nonce } = await grantType(request, client, options);
  const scope = await grantScope(asked, client, user, options.directory);
  const subject = { user, tenant, clientId: client.appId, clientClass: '0', scope } as const;
  requirePoliciesMet(options, subject, version);
  const idTokenFor = await idTokenForClient(asked, subject, options.directory);
  const tokens = await options.issueUserToken(subject, { version, nonce, idTokenFor });
  const grant = { userId: user.objectId, tenantId: tenant.tenantId, clientId: client.appId };
  return {
    ...tokens,
    resource: asked.resource,
    permissions: scope.permissions,
    scope: scope.shown,
    refreshToken: asked.offline
      ? await options.refreshTokens.issue({ ...grant, issuedAt: options.wallClock() })
      : undefined,
    clientInfo: form.get('client_info') === '1' ? clientInfoOf(subject) : undefined,
  };
}

/** What the client's own registration says of ID tokens is read only where there will be one. */
export const idTokenForClient = async (
  { openId }: AskedScope,
  { tenant, clientId }: UserSubject,
  { applications }: Pick<Directory, 'applications'>,
): Promise<IdTokenFor> => (openId ? { client: await applications.findByName(tenant.tenantId, clientId) } : 'none');

/** What is asked for: `scope` of a version 2 request, `resource` of a version 1 request. */
export function readAskedScope(form: URLSearchParams, version: 1 | 2): AskedScope {
  if (version === 2) return parseDelegatedScope(readField(form, 'scope'));
  const resource = readField(form, 'resource');
  if (resource === undefined) throw entraError('ParameterMissing', 'resource');
  return scopeOfResource(resource);
}

async function passwordGrant(
  { form, tenant, version }: GrantRequest,
  _client: PublicClient,
  { userSignIn }: UserGrantOptions,
): Promise<SignedIn & Wanted> {
  const name = readField(form, 'username');
  if (name === undefined) throw entraError('ParameterMissing', 'username');
  const password = form.get('password');
  if (password === null || password === '') throw entraError('ParameterMissing', 'password');
  if (password.length > passwordCharsMax) throw entraError('PasswordInvalid');
  const scope = readAskedScope(form, version);
  return { ...(await userSignIn.withPassword(tenant, name, password)), scope };
}

async function refreshGrant(
  { form, tenant, version }: GrantRequest,
  client: PublicClient,
  { refreshTokens, userSignIn, wallClock }: UserGrantOptions,
): Promise<SignedIn & Wanted> {
  const token = readField(form, 'refresh_token');
  if (token === undefined) throw entraError('ParameterMissing', 'refresh_token');
  const grant = await refreshTokens.open(token);
  if (grant?.clientId !== client.appId) throw entraError('GrantInvalid');
  if (wallClock() - grant.issuedAt >= refreshDays * 86_400_000) throw entraError('GrantExpired');
  const scope = readAskedScope(form, version);
  const signedIn = await userSignIn.again(tenant, grant.tenantId, grant.userId);
  if (grant.issuedAt < instant(signedIn.user.sessionsValidFrom)) throw entraError('GrantRevoked');
  return { ...signedIn, scope: { ...scope, offline: true } };
}

async function codeGrant(
  { form, tenant, version }: GrantRequest,
  client: PublicClient,
  { pendingSignIns, userSignIn }: UserGrantOptions,
): Promise<SignedIn & Wanted> {
  const code = readField(form, 'code');
  if (code === undefined) throw entraError('ParameterMissing', 'code');
  // A code that somebody else tries is spent as well: it was seen where it should not be.
  const redeemed = pendingSignIns.codes.redeem(code);
  if (redeemed === 'redeemed') throw entraError('CodeRedeemed');
  if (redeemed === 'expired') throw entraError('GrantExpired');
  if (redeemed === 'unknown' || redeemed.value.clientId !== client.appId) throw entraError('GrantInvalid');
  const authorized = redeemed.value;
  const redirectUri = readField(form, 'redirect_uri') ?? '';
  if (redirectUri !== authorized.redirectUri)
    throw entraError('RedirectMismatch', redirectUri.slice(0, 256), authorized.redirectUri);
  requireVerifier(authorized, readField(form, 'code_verifier'));
  const asksAgain = form.has(version === 2 ? 'scope' : 'resource');
  const scope = asksAgain ? readAskedScope(form, version) : authorized.scope;
  const signedIn = await userSignIn.again(tenant, authorized.tenantId, authorized.userId);
  return { ...signedIn, scope, nonce: authorized.nonce };
}

/** RFC 7636. Without a challenge none is asked for, as in Entra ID. */
function requireVerifier({ challenge }: AuthorizedCode, verifier: string | undefined): void {
  if (challenge === undefined) return;
  if (verifier === undefined) throw entraError('ParameterMissing', 'code_verifier');
  const text = challenge.method === 'plain' ? verifier : toBase64Url(createHash('sha256').update(verifier).digest());
  if (!equalBytes(utf8(text), utf8(challenge.text))) throw entraError('CodeVerifierWrong');
}

async function deviceGrant(
  { form, tenant }: GrantRequest,
  client: PublicClient,
  { pendingSignIns, userSignIn }: UserGrantOptions,
): Promise<SignedIn & Wanted> {
  const code = readField(form, 'device_code') ?? readField(form, 'code');
  if (code === undefined) throw entraError('ParameterMissing', 'device_code');
  const found = pendingSignIns.devices.look(code);
  if (found === undefined) {
    const why = pendingSignIns.devices.redeem(code);
    throw entraError(why === 'redeemed' ? 'CodeRedeemed' : why === 'expired' ? 'DeviceCodeExpired' : 'GrantInvalid');
  }
  if (found.clientId !== client.appId) throw entraError('GrantInvalid');
  if (found.approvedBy === undefined) throw entraError('DevicePending');
  pendingSignIns.devices.redeem(code);
  const { tenantId, userId } = found.approvedBy;
  return { ...(await userSignIn.again(tenant, tenantId, userId)), scope: found.scope };
}
