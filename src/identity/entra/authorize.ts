import { toBase64Url } from '../../base/base64url.ts';
import type { RandomBytes } from '../../base/random.ts';
import { requireTenant, sharedTenantNames } from './client-credentials.ts';
import type { AskedScope } from './delegated-scope.ts';
import { parseDelegatedScope, scopeOfResource } from './delegated-scope.ts';
import { EntraError, entraError } from './entra-error.ts';
import type { PublicClient } from './public-clients.ts';
import { isRedirectOfPublicClient } from './public-clients.ts';
import { formPostPage, messagePage, redirect, signInPage } from './sign-in-page.ts';
import type { PageAnswer } from './sign-in-page.ts';
import type { UserGrantOptions } from './user-grants.ts';
import type { SignedIn } from './user-sign-in.ts';
import { requirePublicClient } from './user-sign-in.ts';
import { clientInfoOf } from './user-claims.ts';

export interface AuthorizeRequest {
  readonly method: string;
  readonly tenant: string;
  readonly version: 1 | 2;
  readonly query: (name: string) => string | undefined;
  readonly form: URLSearchParams;
}

export interface AuthorizeOptions extends UserGrantOptions {
  readonly randomBytes: RandomBytes;
}

/** The authorization endpoint with a page of its own: it asks for user and password, and leads back with a code. Nothing is kept
 * of a page that was shown; its form carries the whole request in its address. What is wrong with client or redirect is told here and
 * sent nowhere. */
export async function authorize(request: AuthorizeRequest, options: AuthorizeOptions): Promise<PageAnswer> {
  const parsed = await readRequest(request, options).catch((error: unknown) => refusal(error));
  if ('html' in parsed) return parsed;
  const { client, redirectUri } = parsed;
  const answer = (fields: Readonly<Record<string, string>>): PageAnswer =>
    lead(request, redirectUri, fields, options.randomBytes);
  try {
    const scope = readScope(request);
    if (request.query('prompt') === 'none') throw entraError('SignInRequired');
    const title = `Sign in to ${client.displayName}`;
    if (request.method !== 'POST') return signInPage({ title, userName: request.query('login_hint') });
    const signedIn = await signIn(request, options);
    if (typeof signedIn === 'string')
      return signInPage({ title, error: signedIn, userName: request.form.get('username') ?? '' });
    const code = options.pendingSignIns.codes.issue(authorizedCode(request, parsed, scope, signedIn));
    const info = request.query('client_info') === '1' ? { client_info: clientInfoOf(signedIn) } : {};
    return answer({ code, ...info });
  } catch (error) {
    if (!(error instanceof EntraError)) throw error;
    return answer({ error: error.error, error_description: error.message });
  }
}

interface ReadRequest {
  readonly client: PublicClient;
  readonly redirectUri: string;
}

async function readRequest(request: AuthorizeRequest, options: AuthorizeOptions): Promise<ReadRequest> {
  const isShared = sharedTenantNames.includes(request.tenant.toLowerCase());
  const tenant = isShared ? undefined : await requireTenant(request.tenant, options.tenants);
  const clientId = request.query('client_id');
  if (clientId === undefined) throw entraError('ParameterMissing', 'client_id');
  const client = await requirePublicClient(clientId, tenant, options.directory);
  const redirectUri = request.query('redirect_uri') ?? '';
  if (redirectUri.length > 2_048 || !isRedirectOfPublicClient(redirectUri))
    throw entraError('RedirectUnknown', redirectUri.slice(0, 256), client.appId);
  return { client, redirectUri };
}

function refusal(error: unknown): PageAnswer {
  if (error instanceof EntraError)
    return messagePage('Sorry, but we are having trouble signing you in.', error.message, 400);
  throw error;
}

function readScope(request: AuthorizeRequest): AskedScope {
  const type = request.query('response_type');
  if (type === undefined) throw entraError('ParameterMissing', 'response_type');
  if (type !== 'code') throw entraError('ResponseTypeNotBuilt', type.slice(0, 64));
  const method = request.query('code_challenge_method');
  if (method !== undefined && method !== 'S256' && method !== 'plain') throw entraError('RequestMalformed');
  if (request.version === 2) return parseDelegatedScope(request.query('scope'));
  return scopeOfResource(request.query('resource') ?? 'https://graph.microsoft.com');
}

/** @returns what to tell the user when name or password is wrong */
async function signIn(request: AuthorizeRequest, { userSignIn }: AuthorizeOptions): Promise<SignedIn | string> {
  const [name, password] = [request.form.get('username') ?? '', request.form.get('password') ?? ''];
  try {
    return await userSignIn.withPassword(request.tenant, name, password);
  } catch (error) {
    if (error instanceof EntraError) return error.message;
    throw error;
  }
}

function authorizedCode(
  request: AuthorizeRequest,
  { client, redirectUri }: ReadRequest,
  scope: AskedScope,
  { user, tenant }: SignedIn,
) {
  const text = request.query('code_challenge');
  const method = request.query('code_challenge_method') === 'S256' ? 'S256' : 'plain';
  return {
    ...{ userId: user.objectId, tenantId: tenant.tenantId, clientId: client.appId, redirectUri, scope },
    nonce: request.query('nonce')?.slice(0, 512),
    challenge: text === undefined ? undefined : ({ method, text } as const),
  };
}

/** Back to the client, in the way that it asked for. */
function lead(
  request: AuthorizeRequest,
  redirectUri: string,
  fields: Readonly<Record<string, string>>,
  randomBytes: RandomBytes,
): PageAnswer {
  const state = request.query('state');
  const all = { ...fields, ...(state === undefined ? {} : { state }), session_state: toBase64Url(randomBytes(16)) };
  const mode = request.query('response_mode') ?? 'query';
  if (mode === 'form_post') return formPostPage(redirectUri, all, toBase64Url(randomBytes(16)));
  const url = new URL(redirectUri);
  if (mode === 'fragment') url.hash = new URLSearchParams(all).toString();
  else for (const [name, value] of Object.entries(all)) url.searchParams.append(name, value);
  return redirect(url.href);
}
