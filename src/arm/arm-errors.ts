import { ArmError } from './arm-error.ts';

const row =
  <Values extends readonly unknown[]>(status: number, code: string, text: (...values: Values) => string) =>
  (...values: Values): ArmError =>
    new ArmError(status, code, text(...values));

/** The resource manager's own refusals, whatever the provider: `throw armErrors.ResourceNotFound(type, name, group)`.
 * Codes and texts as the public issue trackers of the Azure clients quote them, unless a row says otherwise. */
export const armErrors = {
  MissingApiVersionParameter: row(
    400,
    'MissingApiVersionParameter',
    () => 'The api-version query parameter (?api-version=) is required for all requests.',
  ),
  InvalidApiVersionParameter: row(
    400,
    'InvalidApiVersionParameter',
    (sent: string, supported: readonly string[]) =>
      `The api-version '${sent}' is invalid. The supported versions are '${supported.join(',')}'.`,
  ),
  NoRegisteredProviderFound: row(
    400,
    'NoRegisteredProviderFound',
    (location: string | null, sent: string, type: string, supported: readonly string[], locations: readonly string[]) =>
      `No registered resource provider found for location '${location ?? 'null'}' and API version '${sent}' for type '${type}'. ` +
      `The supported api-versions are '${supported.join(', ')}'. The supported locations are '${locations.join(', ')}'.`,
  ),
  InvalidResourceNamespace: row(
    404,
    'InvalidResourceNamespace',
    (namespace: string) => `The resource namespace '${namespace}' is invalid.`,
  ),
  InvalidResourceType: row(
    404,
    'InvalidResourceType',
    (type: string, namespace: string, sent: string) =>
      `The resource type '${type}' could not be found in the namespace '${namespace}' for api version '${sent}'.`,
  ),
  MissingSubscription: row(
    404,
    'MissingSubscription',
    () => 'The request did not have a subscription or a valid tenant level resource provider.',
  ),
  MethodNotAllowed: row(
    405,
    'MethodNotAllowed',
    (method: string) => `The request method '${method}' is not allowed on this path.`,
  ),
  InvalidRequestUri: row(400, 'InvalidRequestUri', () => 'The request URI is malformed.'),
  /** Ours: clients do not repeat a 501, and show code and message. */
  NotImplemented: row(
    501,
    'NotImplemented',
    (operation: string) =>
      `Kustody has not built the operation '${operation}'. Azure would have accepted this request.`,
  ),
  InvalidRequestContent: row(
    400,
    'InvalidRequestContent',
    (why: string) => `The request content was invalid and could not be deserialized: '${why}'.`,
  ),
  MissingRequestContent: row(
    400,
    'InvalidRequestContent',
    () => 'The request content is empty or its content type is not JSON.',
  ),
  AuthorizationFailed: row(
    403,
    'AuthorizationFailed',
    (client: string, objectId: string, action: string, scope: string) =>
      `The client '${client}' with object id '${objectId}' does not have authorization to perform action '${action}' over scope '${scope}' ` +
      'or the scope is invalid. If access was recently granted, please refresh your credentials.',
  ),
  LinkedAuthorizationFailed: row(
    403,
    'LinkedAuthorizationFailed',
    (
      client: string,
      objectId: string,
      action: string,
      scope: string,
      linkedActions: readonly string[],
      linkedScopes: readonly string[],
    ) =>
      `The client '${client}' with object id '${objectId}' has permission to perform action '${action}' on scope '${scope}'; ` +
      `however, it does not have permission to perform action(s) '${linkedActions.join(',')}' ` +
      `on the linked scope(s) '${linkedScopes.join(',')}' (respectively) or the linked scope(s) are invalid.`,
  ),
  LinkedSubscriptionNotAuthorized: row(
    403,
    'LinkedAuthorizationFailed',
    (linkedAction: string, scope: string, tenantId: string, subscriptionId: string) =>
      `The client has permission to perform action '${linkedAction}' on scope '${scope}', ` +
      `however the current tenant '${tenantId}' is not authorized to access linked subscription '${subscriptionId}'.`,
  ),
  LinkedInvalidPropertyId: row(
    400,
    'LinkedInvalidPropertyId',
    (id: string, path: string) =>
      `Property id '${id}' at path '${path}' is invalid. Expect fully qualified resource Id that start with ` +
      "'/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.",
  ),
  SubscriptionNotFound: row(
    404,
    'SubscriptionNotFound',
    (id: string) => `The subscription '${id}' could not be found.`,
  ),
  InvalidSubscriptionId: row(
    400,
    'InvalidSubscriptionId',
    (id: string) => `The provided subscription identifier '${id}' is malformed or invalid.`,
  ),
  ReadOnlyDisabledSubscription: row(
    409,
    'ReadOnlyDisabledSubscription',
    (id: string) =>
      `The subscription '${id}' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled.`,
  ),
  ResourceGroupDeletionBlocked: row(
    409,
    'ResourceGroupDeletionBlocked',
    (group: string, identifiers: readonly string[], trackingId: string) =>
      `Deletion of resource group '${group}' failed as resources with identifiers '${identifiers.join(',')}' could not be deleted. ` +
      `The provisioning state of the resource group will be rolled back. The tracking Id is '${trackingId}'. Please check audit logs for more details.`,
  ),
  ScopeLocked: row(
    409,
    'ScopeLocked',
    (scope: string, verb: string, locked: readonly string[]) =>
      `The scope '${scope}' cannot perform ${verb} operation because following scope(s) are locked: '${locked.join(',')}'. Please remove the lock and try again.`,
  ),
  ResourceGroupNotFound: row(
    404,
    'ResourceGroupNotFound',
    (name: string) => `Resource group '${name}' could not be found.`,
  ),
  ResourceGroupBeingDeleted: row(
    409,
    'ResourceGroupBeingDeleted',
    (name: string) => `The resource group '${name}' is in deprovisioning state and cannot perform this operation.`,
  ),
  /** `type` such as `Microsoft.KeyVault/vaults`; for a nested resource `name` is `parent/child`. */
  ResourceNotFound: row(
    404,
    'ResourceNotFound',
    (type: string, name: string, group: string) =>
      `The Resource '${type}/${name}' under resource group '${group}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  ),
  /** `type` without its namespace: `clusters/databases`. */
  ParentResourceNotFound: row(
    404,
    'ParentResourceNotFound',
    (verb: string, type: string, parentId: string) =>
      `Failed to perform '${verb}' on resource(s) of type '${type}', because the parent resource '${parentId}' could not be found.`,
  ),
  LocationRequired: row(400, 'LocationRequired', () => 'The location property is required for this definition.'),
  LocationNotAvailableForResourceType: row(
    400,
    'LocationNotAvailableForResourceType',
    (location: string, type: string, available: readonly string[]) =>
      `The provided location '${location}' is not available for resource type '${type}'. List of available regions for the resource type is '${available.join(',')}'.`,
  ),
  InvalidResourceLocation: row(
    409,
    'InvalidResourceLocation',
    (name: string, held: string, group: string, sent: string) =>
      `The resource '${name}' already exists in location '${held}' in resource group '${group}'. ` +
      `A resource with the same name cannot be created in location '${sent}'. Please select a new resource name.`,
  ),
  InvalidResourceName: row(400, 'InvalidResourceName', (why: string) => why),
  PreconditionFailed: row(
    412,
    'PreconditionFailed',
    (header: string, value: string) => `The precondition given in the ${header} header, '${value}', is not met.`,
  ),
  InvalidFilterInQueryString: row(
    400,
    'InvalidFilterInQueryString',
    (why: string) => `Invalid $filter in the query string of the request: ${why}`,
  ),
  InvalidQueryParameter: row(
    400,
    'InvalidQueryParameterValue',
    (name: string, why: string) => `The value of the query parameter '${name}' is invalid: ${why}`,
  ),
  InvalidContinuationToken: row(
    400,
    'InvalidContinuationToken',
    () => 'The continuation token in the query string of the request is invalid.',
  ),
  OperationNotFound: row(404, 'NotFound', (id: string) => `The operation '${id}' was not found.`),
  Conflict: row(
    409,
    'Conflict',
    () => 'Another request changed the same resource at the same time. Retry the request.',
  ),
} as const;

/** One entry in `error.details`, as the resource manager adds it for a provider that is not registered. */
export function missingSubscriptionRegistration(namespace: string): ArmError {
  const code = 'MissingSubscriptionRegistration';
  const message = `The subscription is not registered to use namespace '${namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions.`;
  return new ArmError(409, code, message, { details: [{ code, target: namespace, message }] });
}
