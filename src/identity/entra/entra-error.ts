import type { JsonObject } from '../../base/json.ts';
import type { Instant } from '../../clock/clock.ts';
import { toIso } from '../../clock/clock.ts';

/** The errors of the token service. Texts as Entra ID writes them today, unless a row says otherwise.
 * @see Microsoft Entra "authentication and authorization error codes"; answers quoted in public issue trackers */
const entraErrors = {
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
    text: (grant: string) =>
      `The app requested an unsupported grant type '${grant}'. Kustody offers 'client_credentials' with a client secret only.`,
  },
  /** What Entra ID says of a certificate that the application does not have; the last sentence is ours. */
  AssertionNotBuilt: {
    code: 700027,
    status: 401,
    error: 'invalid_client',
    text: () =>
      'Client assertion contains an invalid signature. [Reason - The key was not found.] Kustody does not take client assertions (certificates, federated credentials); use a client secret.',
  },
  SignInNotBuilt: {
    code: 700054,
    status: 400,
    error: 'unsupported_response_type',
    text: (endpoint: string) =>
      `Kustody does not offer the sign-in of users ('${endpoint}'); use 'client_credentials' with a client secret.`,
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
    text: string,
  ) {
    const { code, status, error } = entraErrors[row];
    super(`AADSTS${code}: ${text}`);
    this.status = status;
    this.error = error;
    this.code = code;
  }
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
  return {
    error: error.error,
    error_description: `${error.message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [error.code],
    timestamp,
    trace_id: traceId,
    correlation_id: correlationId,
    ...('withoutUri' in entraErrors[error.row]
      ? {}
      : { error_uri: `https://login.microsoftonline.com/error?code=${error.code}` }),
  };
}
