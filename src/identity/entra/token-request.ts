import { parseGuid } from '../../base/guid.ts';
import { assertionType } from './assertion.ts';
import type { EntraError } from './entra-error.ts';
import { entraError } from './entra-error.ts';

/** Who a client says that it is, and by what it means to prove it; nothing is known to be true yet. */
export type Credentials = { readonly clientId: string } & Proof;

/** More than any client sends; assertions are the longest. */
const fieldsMax = 64;
const fieldCharsMax = {
  ...{ client_id: 256, client_secret: 1024, scope: 2048, resource: 2048, grant_type: 256, username: 256 },
  ...{ refresh_token: 4096, code: 256, device_code: 256, redirect_uri: 2048, code_verifier: 256 },
  // With the whole chain of the certificate in its header.
  ...{ client_assertion: 16_384, client_assertion_type: 256 },
  ...{ assertion: 16_384, requested_token_use: 64 },
} as const;
type FieldName = keyof typeof fieldCharsMax;

/** Known to Entra ID, not built here. All others are unknown to both. */
const grantsNotBuilt = new Set([
  'urn:ietf:params:oauth:grant-type:saml2-bearer',
  'urn:ietf:params:oauth:grant-type:saml1_1-bearer',
]);

/** Reads the form of a client credentials grant. Unknown fields are ignored; the first thing wrong is the error.
 * `resource` waits until the client is known, so that strangers learn nothing of resources: see `readResource`.
 * @throws EntraError */
export function readCredentials(form: URLSearchParams, authorization: string | undefined): Credentials {
  refuseAmbiguity(form);
  const basic = basicCredentials(authorization);
  const grant = readField(form, 'grant_type');
  if (grant === undefined) throw entraError('ParameterMissing', 'grant_type');
  const clientId = readField(form, 'client_id') ?? basic?.clientId;
  if (clientId === undefined) throw entraError('ParameterMissing', 'client_id');
  if (grant !== 'client_credentials')
    throw entraError(grantsNotBuilt.has(grant) ? 'GrantNotBuilt' : 'GrantUnsupported', grant);
  return { clientId, ...readProof(form, basic, clientId, () => entraError('CredentialMissing')) };
}

/** The client's own credentials beside another grant. @param missing what is wrong without any @throws EntraError */
export function readClientCredentials(
  form: URLSearchParams,
  authorization: string | undefined,
  missing: () => EntraError,
): Credentials {
  const basic = basicCredentials(authorization);
  const clientId = readField(form, 'client_id') ?? basic?.clientId;
  if (clientId === undefined) throw entraError('ParameterMissing', 'client_id');
  return { clientId, ...readProof(form, basic, clientId, missing) };
}

type Basic = ReturnType<typeof basicCredentials>;
type Proof = { readonly clientSecret: string } | { readonly clientAssertion: string };

function readProof(form: URLSearchParams, basic: Basic, clientId: string, missing: () => EntraError): Proof {
  const inForm = readField(form, 'client_secret');
  const clientAssertion = readAssertion(form);
  if (clientAssertion !== undefined) {
    if (inForm !== undefined || basic !== undefined) throw entraError('RequestMalformed');
    return { clientAssertion };
  }
  if (basic !== undefined && (inForm !== undefined || basic.clientId !== clientId))
    throw entraError('RequestMalformed');
  const clientSecret = inForm ?? basic?.clientSecret;
  if (clientSecret === undefined) throw missing();
  return { clientSecret };
}

/** @returns undefined when there is none and none is meant. @throws EntraError */
function readAssertion(form: URLSearchParams): string | undefined {
  const assertion = readField(form, 'client_assertion');
  const type = readField(form, 'client_assertion_type');
  if (assertion === undefined && type === undefined) return undefined;
  if (assertion === undefined) throw entraError('ParameterMissing', 'client_assertion');
  if (type === undefined) throw entraError('ParameterMissing', 'client_assertion_type');
  if (type !== assertionType) throw entraError('RequestMalformed');
  return assertion;
}

/** The resource a token is asked for: `resource` of a v1 request, the one `/.default` scope of a v2 request.
 * @throws EntraError */
export function readResource(form: URLSearchParams, version: 1 | 2): string {
  if (version === 1) {
    const resource = readField(form, 'resource');
    if (resource === undefined) throw entraError('ParameterMissing', 'resource');
    return resource;
  }
  const scope = readField(form, 'scope')?.trim();
  if (scope === undefined || scope === '') throw entraError('ScopeMissing');
  return resourceOfScope(scope);
}

/** Scopes of a user's sign-in that MSAL for Go and Java add to an application's request, too: they change nothing. */
const ofSignIn = new Set(['openid', 'offline_access', 'profile']);

/** Takes off exactly one `/.default`: of `https://management.azure.com//.default` the resource ends with a slash.
 * @throws EntraError */
export function resourceOfScope(scope: string): string {
  const suffix = '/.default';
  const scopes = scope.split(/\s+/).filter((one) => !ofSignIn.has(one));
  if (scopes.length === 0 || !scopes.every((one) => one.endsWith(suffix))) throw entraError('ScopeNotDefault', scope);
  const resources = new Set(scopes.map((one) => one.slice(0, -suffix.length)));
  const [resource = ''] = resources;
  if (resources.size > 1) throw entraError('ScopeOfManyResources', scope);
  const isUri = /^[a-z][a-z0-9+.-]*:\S+$/i.test(resource);
  if (!isUri && parseGuid(resource) === undefined) throw entraError('ScopeFormat', scope);
  return resource;
}

/** Doubled fields mean two things. @throws EntraError */
export function refuseAmbiguity(form: URLSearchParams): void {
  const names = [...form.keys()];
  if (names.length > fieldsMax || new Set(names).size !== names.length) throw entraError('RequestMalformed');
}

/** @returns undefined when missing or empty, which is the same to Entra ID */
export function readField(form: URLSearchParams, name: FieldName): string | undefined {
  const value = form.get(name);
  if (value === null || value === '') return undefined;
  if (value.length > fieldCharsMax[name]) throw entraError('RequestMalformed');
  return value;
}

/** RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
 * @returns undefined for any header that is not such a pair */
export function basicCredentials(
  authorization: string | undefined,
): { readonly clientId: string; readonly clientSecret: string } | undefined {
  const encoded = /^basic +([a-z0-9+/=_-]{1,4096})$/i.exec(authorization?.trim() ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const [, id = '', secret = ''] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString('utf8')) ?? [];
  const clientId = formDecoded(id);
  const clientSecret = formDecoded(secret);
  if (clientId === undefined || clientId === '' || clientId.length > fieldCharsMax.client_id) return undefined;
  if (clientSecret === undefined || clientSecret === '' || clientSecret.length > fieldCharsMax.client_secret)
    return undefined;
  return { clientId, clientSecret };
}

function formDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}
