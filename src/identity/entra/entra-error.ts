import type { JsonObject } from '../../base/json.ts';
import type { Instant } from '../../clock/clock.ts';
import { toIso } from '../../clock/clock.ts';
import { assertionErrors } from './assertion-errors.ts';

/** The errors of the token service. Texts as Entra ID writes them today, unless a row says otherwise.
 * @see Microsoft Entra "authentication and authorization error codes"; answers quoted in public issue trackers */
export const entraErrors = {
  TenantNotFound: {
    code: 90002,
    status: 400,
    error: 'invalid_request',
    text: (tenant: string) =>
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
  },
  /** The same, from the discovery documents. */
  DiscoveryTenantNotFound: {
    code: 90002,
    status: 400,
    error: 'invalid_tenant',
    text: (tenant: string): string => entraErrors.TenantNotFound.text(tenant),
  },
  TenantNameInvalid: {
    code: 900023,
    status: 400,
    error: 'invalid_request',
    text: (tenant: string) =>
      `Specified tenant identifier '${tenant}' is neither a valid DNS name, nor a valid external domain.`,
  },
  NoTenant: {
    code: 50059,
    status: 400,
    error: 'invalid_request',
    text: () => 'No tenant-identifying information found in either the request or implied by any provided credentials.',
  },
  ParameterMissing: {
    code: 900144,
    status: 400,
    error: 'invalid_request',
    text: (name: string) => `The request body must contain the following parameter: '${name}'.`,
  },
  ScopeMissing: {
    code: 90014,
    status: 400,
    error: 'invalid_request',
    text: () =>
      "The required field 'scope' is missing from the credential. Ensure that you have all the necessary parameters for the login request.",
  },
  RequestMalformed: {
    code: 9002313,
    status: 400,
    error: 'invalid_request',
    text: () => 'Invalid request. Request is malformed or invalid.',
  },
  PostOnly: {
    code: 900561,
    status: 400,
    error: 'invalid_request',
    text: (method: string) => `The endpoint only accepts POST requests. Received a ${method} request.`,
  },
  GrantUnsupported: {
    code: 70003,
    status: 400,
    error: 'unsupported_grant_type',
    withoutUri: true,
    text: (grant: string) => `The app requested an unsupported grant type '${grant}'.`,
  },
  /** Entra ID would take these; the second sentence is ours. */
  GrantNotBuilt: {
    code: 70003,
    status: 400,
    error: 'unsupported_grant_type',
    text: (grant: string) => `The app requested an unsupported grant type '${grant}'. Kustody does not offer it.`,
  },
  ...assertionErrors,
  SignInNotBuilt: {
    code: 700054,
    status: 400,
    error: 'unsupported_response_type',
    text: (endpoint: string) => `Kustody does not offer '${endpoint}' of Entra ID.`,
  },
  ApplicationNotFound: {
    code: 700016,
    status: 400,
    error: 'unauthorized_client',
    text: (clientId: string, tenant: string) =>
      `Application with identifier '${clientId}' was not found in the directory '${tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
  },
  ApplicationInvalid: {
    code: 700038,
    status: 400,
    error: 'unauthorized_client',
    withoutUri: true,
    text: (clientId: string) => `${clientId} is not a valid application identifier.`,
  },
  ApplicationDisabled: {
    code: 7000112,
    status: 400,
    error: 'unauthorized_client',
    text: (clientId: string, name: string) => `Application '${clientId}'(${name}) is disabled.`,
  },
  CredentialMissing: {
    code: 7000216,
    status: 401,
    error: 'invalid_client',
    text: () => "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type.",
  },
  SecretInvalid: {
    code: 7000215,
    status: 401,
    error: 'invalid_client',
    text: (clientId: string) =>
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
  },
  SecretExpired: {
    code: 7000222,
    status: 401,
    error: 'invalid_client',
    text: (clientId: string) =>
      `The provided client secret keys for app '${clientId}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.`,
  },
  ScopeNotDefault: {
    code: 1002012,
    status: 400,
    error: 'invalid_scope',
    text: (scope: string) =>
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
  },
  ScopeFormat: {
    code: 70011,
    status: 400,
    error: 'invalid_scope',
    text: (scope: string) =>
      `The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope ${scope} is not valid. The scope format is invalid. Scope must be in a valid URI form <https://example/scope> or a valid Guid <guid/scope>.`,
  },
  ScopeOfManyResources: {
    code: 28000,
    status: 400,
    error: 'invalid_scope',
    text: (scope: string) =>
      `Provided value for the input parameter scope is not valid because it contains more than one resource. Scope ${scope} is not valid.`,
  },
  ResourceNotFound: {
    code: 500011,
    status: 400,
    error: 'invalid_resource',
    text: (resource: string, tenantId: string) =>
      `The resource principal named ${resource} was not found in the tenant named ${tenantId}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
  },
  PreauthorizationMissing: {
    code: 65002,
    status: 400,
    error: 'invalid_request',
    text: (clientId: string, resourceId: string) =>
      `Consent between first party application '${clientId}' and first party resource '${resourceId}' must be configured via preauthorization - applications owned and operated by Microsoft must get approval from the API owner before requesting tokens for that API.`,
  },
  /** Consent comes from administrators, beforehand: no page asks users for it. The last sentence is ours. */
  ConsentMissing: {
    code: 65001,
    status: 400,
    error: 'invalid_grant',
    text: (clientId: string, name: string) =>
      `The user or administrator has not consented to use the application with ID '${clientId}' named '${name}'. Send an interactive authorization request for this user and resource. Kustody asks nobody for consent: an administrator gives it beforehand, by oauth2PermissionGrants or by preAuthorizedApplications of the resource; users sign in with the Azure CLI, Azure PowerShell, Visual Studio Code and Kusto clients.`,
  },
  UserNotFound: {
    code: 50034,
    status: 400,
    error: 'invalid_grant',
    text: (tenant: string) =>
      `The user account {EUII Hidden} does not exist in the ${tenant} directory. To sign into this application, the account must be added to the directory.`,
  },
  PasswordInvalid: {
    code: 50126,
    status: 400,
    error: 'invalid_grant',
    text: () => 'Error validating credentials due to invalid username or password.',
  },
  UserLocked: {
    code: 50053,
    status: 400,
    error: 'invalid_grant',
    text: () => "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
  },
  UserDisabled: { code: 50057, status: 400, error: 'invalid_grant', text: () => 'The user account is disabled.' },
  PasswordExpired: { code: 50055, status: 400, error: 'invalid_grant', text: () => 'The password is expired.' },
  /** What policies of Conditional Access want; which one, the claims of the answer say. */
  MultifactorRequired: {
    code: 50076,
    status: 400,
    error: 'invalid_grant',
    suberror: 'basic_action',
    text: (resourceId: string) =>
      `Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '${resourceId}'.`,
  },
  PolicyBlocks: {
    code: 53003,
    status: 400,
    error: 'invalid_grant',
    suberror: 'message_only',
    text: () =>
      'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
  },
  GrantRevoked: {
    code: 50173,
    status: 400,
    error: 'invalid_grant',
    text: () =>
      'The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password.',
  },
  GrantInvalid: {
    code: 70000,
    status: 400,
    error: 'invalid_grant',
    text: () => 'Provided grant is invalid or malformed.',
  },
  GrantExpired: {
    code: 70008,
    status: 400,
    error: 'invalid_grant',
    text: () =>
      'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
  },
  CodeRedeemed: {
    code: 54005,
    status: 400,
    error: 'invalid_grant',
    text: () =>
      'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
  },
  CodeVerifierWrong: {
    code: 501481,
    status: 400,
    error: 'invalid_grant',
    text: () => 'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
  },
  RedirectMismatch: {
    code: 500112,
    status: 400,
    error: 'invalid_client',
    text: (sent: string, asked: string) =>
      `The reply address '${sent}' does not match the reply address '${asked}' provided when requesting Authorization code.`,
  },
  RedirectUnknown: {
    code: 50011,
    status: 400,
    error: 'invalid_request',
    text: (uri: string, clientId: string) =>
      `The redirect URI '${uri}' specified in the request does not match the redirect URIs configured for the application '${clientId}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal. Navigate to https://aka.ms/redirectUriMismatchError to learn more about how to troubleshoot this error.`,
  },
  ResponseTypeNotBuilt: {
    code: 700054,
    status: 400,
    error: 'unsupported_response_type',
    text: (type: string) => `Kustody does not offer the response type '${type}'; use 'code'.`,
  },
  SignInRequired: {
    code: 50058,
    status: 400,
    error: 'login_required',
    text: () => 'A silent sign-in request was sent but no user is signed in.',
  },
  DevicePending: {
    code: 70016,
    status: 400,
    error: 'authorization_pending',
    text: () => 'OAuth 2.0 device flow error. Authorization is pending. Continue polling.',
  },
  DeviceCodeExpired: {
    code: 70020,
    status: 400,
    error: 'expired_token',
    text: () => "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
  },
  InstanceUnknown: {
    code: 50049,
    status: 400,
    error: 'invalid_instance',
    text: () => 'Unknown or invalid instance.',
  },
  /** Ours: Entra ID answers with an empty 404. */
  PathNotBuilt: {
    code: 9002313,
    status: 404,
    error: 'invalid_request',
    text: () => 'Kustody does not offer this operation of Entra ID.',
  },
  /** Ours: named as the other planes name it. */
  StorageFull: {
    code: 90033,
    status: 507,
    error: 'temporarily_unavailable',
    text: () => 'InsufficientStorage: the disk of the server is full. Nothing was changed.',
  },
  Internal: {
    code: 90033,
    status: 500,
    error: 'temporarily_unavailable',
    text: () => 'A transient error has occurred. Please try again.',
  },
} as const;

type EntraErrorName = keyof typeof entraErrors;

/** What a client is told when it gets no token. The text may quote what the client sent, never a secret. */
export class EntraError extends Error {
  override readonly name = 'EntraError';
  readonly status: number;
  readonly error: string;
  readonly code: number;
  constructor(
    readonly row: EntraErrorName,
    private readonly text: string,
    private readonly challenge?: Challenge,
  ) {
    const { code, status, error } = entraErrors[row];
    super(`AADSTS${code}: ${text}`);
    this.status = status;
    this.error = challenge?.error ?? error;
    this.code = code;
  }

  /** The same, with what the client is to come back with. */
  challenging(challenge: Challenge): EntraError {
    return new EntraError(this.row, this.text, challenge);
  }

  get claims(): string | undefined {
    return this.challenge?.claims;
  }
}

interface Challenge {
  readonly error: string;
  /** A claims request as JSON (OpenID Connect Core 5.5). */
  readonly claims: string;
}

/** `entraError('SecretInvalid', clientId)`: row and arguments are checked together. */
export function entraError<Row extends EntraErrorName>(
  row: Row,
  ...details: Parameters<(typeof entraErrors)[Row]['text']>
): EntraError {
  const text: (...parts: string[]) => string = entraErrors[row].text;
  return new EntraError(row, text(...details));
}

export interface ErrorContext {
  readonly traceId: string;
  readonly correlationId: string;
  readonly now: Instant;
}

/** The body of an error, the same from v1 and v2 endpoints. */
export function renderEntraError(error: EntraError, { traceId, correlationId, now }: ErrorContext): JsonObject {
  const timestamp = `${toIso(now).slice(0, 19).replace('T', ' ')}Z`;
  const row = entraErrors[error.row];
  return {
    error: error.error,
    error_description: `${error.message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [error.code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    ...('withoutUri' in row ? {} : { error_uri: `https://login.microsoftonline.com/error?code=${error.code}` }),
    ...('suberror' in row ? { suberror: row.suberror } : {}),
    ...(error.claims === undefined ? {} : { claims: error.claims }),
  };
}
