import type { JsonObject } from '../../base/json.ts';
import type { Instant } from '../../clock/clock.ts';
import { toIso } from '../../clock/clock.ts';

export interface GraphErrorDetail {
  readonly code: string;
  readonly message: string;
  readonly target: string;
}

/** A refusal of Microsoft Graph. The text may quote what the client sent, never a secret. */
export class GraphError extends Error {
  override readonly name = 'GraphError';
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: readonly GraphErrorDetail[] = [],
  ) {
    super(message);
  }
}

const badRequest = (text: string): GraphError => new GraphError(400, 'Request_BadRequest', text);
const conflict = (text: string, target: string): GraphError =>
  new GraphError(400, 'Request_BadRequest', text, [{ code: 'ObjectConflict', message: text, target }]);

const federated = (text: string, property: string, value: string): GraphError =>
  new GraphError(
    400,
    'InvalidFederatedIdentityCredentialValue',
    `${text} paramName: FederatedIdentityCredential.${property}, paramValue: ${printable(value)}, objectType: Microsoft.Online.DirectoryServices.Application`,
  );

/** Texts as Graph writes them: answers recorded by public test suites, and quoted in public issue trackers. */
export const graphErrors = {
  invalidToken: (why: string) => new GraphError(401, 'InvalidAuthenticationToken', why),
  denied: () =>
    new GraphError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.'),
  notFound: (id: string) =>
    new GraphError(
      404,
      'Request_ResourceNotFound',
      `Resource '${printable(id)}' does not exist or one of its queried reference-property objects are not present.`,
    ),
  delegatedOnly: () =>
    new GraphError(400, 'BadRequest', '/me request is only valid with delegated authentication flow.'),
  methodNotAllowed: (method: string) =>
    new GraphError(
      405,
      'Request_BadRequest',
      `Specified HTTP method is not allowed for the request target: ${method}.`,
    ),
  malformed: (text: string) => new GraphError(400, 'BadRequest', text),
  badRequest,
  required: (property: string, resource: string) =>
    badRequest(`A value is required for property '${property}' of resource '${resource}'.`),
  invalidValue: (property: string, resource: string) =>
    badRequest(`Invalid value specified for property '${property}' of resource '${resource}'.`),
  unknownProperty: (property: string) => badRequest(`Invalid property '${printable(property)}'.`),
  nameTaken: (property: string) =>
    conflict(`Another object with the same value for property ${property} already exists.`, property),
  weakPassword: () =>
    badRequest(
      'The specified password does not comply with password complexity requirements. Please provide a different password.',
    ),
  noBackingApplication: (appId: string) =>
    badRequest(
      `The appId '${printable(appId)}' of the service principal does not reference a valid application object.`,
    ),
  principalExists: (appId: string) =>
    new GraphError(
      409,
      'Request_MultipleObjectsWithSameKeyValue',
      `The service principal cannot be created, updated, or restored because the service principal name ${appId} is already in use.`,
    ),
  referenceExists: (property: string) =>
    badRequest(
      `One or more added object references already exist for the following modified properties: '${property}'.`,
    ),
  federatedNameTaken: (name: string) =>
    new GraphError(
      409,
      'Request_MultipleObjectsWithSameKeyValue',
      `FederatedIdentityCredential with name ${printable(name)} already exists.`,
    ),
  federatedTrustTaken: (issuer: string, subject: string) =>
    federated(
      `The combination of issuer and subject must be unique for the application. Issuer ${printable(issuer)} and Subject: ${printable(subject)} already exist.`,
      'Subject',
      subject,
    ),
  /** Of a text of its own in Azure, which no public source shows. */
  federatedExpression: (value: string) =>
    federated('The claims matching expression is not valid for the issuer.', 'ClaimsMatchingExpression', value),
  /** In v1.0 the property may not be null; Azure breaks its answer off there. */
  subjectIsNull: () =>
    new GraphError(
      500,
      'InternalServerError',
      "The property 'subject[Nullable=False]' of type 'Edm.String' has a null value, which is not allowed.",
    ),
  federatedValue: (property: string, value: string) =>
    federated(`${property} is invalid: it must be an https URL.`, property, value),
  objectTooLarge: () =>
    new GraphError(
      403,
      'Directory_QuotaExceeded',
      'The size of the object has exceeded its limit. Please reduce the number of values and retry your request.',
    ),
  enabledEntitlement: () =>
    new GraphError(
      400,
      'CannotDeleteOrUpdateEnabledEntitlement',
      'Permission (scope or role) cannot be deleted or updated unless disabled first.',
    ),
  grantExists: () => new GraphError(409, 'Request_MultipleObjectsWithSameKeyValue', 'Permission entry already exists.'),
  noPassword: () => badRequest('No password credential found with keyId.'),
  unsupportedFilter: (property: string, resource: string) =>
    new GraphError(
      400,
      'Request_UnsupportedQuery',
      `Unsupported or invalid query filter clause specified for property '${printable(property)}' of resource '${resource}'.`,
    ),
  invalidFilter: (why: string) => new GraphError(400, 'BadRequest', `Invalid filter clause: ${why}`),
  pageSize: (text: string) =>
    badRequest(`Invalid page size specified: '${printable(text)}'. Must be between 1 and 999 inclusive.`),
  pageToken: () =>
    new GraphError(
      400,
      'Directory_ExpiredPageToken',
      'The specified page token value has expired and can no longer be included in your request.',
    ),
  quota: () =>
    new GraphError(
      403,
      'Directory_QuotaExceeded',
      'The directory object quota limit for the Tenant has been exceeded. Please ask your administrator to increase the quota limit or delete objects to reduce the used quota.',
    ),
  /** Ours: Graph has it, Kustody has not. */
  notBuilt: (what: string) =>
    new GraphError(501, 'NotImplemented', `Kustody does not offer ${printable(what)} of Microsoft Graph.`),
} as const;

export interface GraphErrorContext {
  readonly requestId: string;
  readonly clientRequestId: string;
  readonly now: Instant;
}

export function renderGraphError(
  error: GraphError,
  { requestId, clientRequestId, now }: GraphErrorContext,
): JsonObject {
  return {
    error: {
      code: error.code,
      message: error.message,
      ...(error.details.length === 0 ? {} : { details: error.details.map((detail) => ({ ...detail })) }),
      innerError: { date: toIso(now).slice(0, 19), 'request-id': requestId, 'client-request-id': clientRequestId },
    },
  };
}

const printable = (text: string): string => text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 256);
