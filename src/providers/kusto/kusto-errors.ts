import { ArmError } from '../../arm/arm-error.ts';
import type { ArmErrorDetail } from '../../arm/arm-error.ts';

/** Answers of Microsoft.Kusto that are not about customer-managed keys (those are in cmk-errors.ts). `observed`: code and text seen in
 * recorded traffic of the real service. Where only a text or only a status is public, the rest is the nearest documented thing. */
export const kustoErrors = {
  // Observed: a create with capacity 1 of a two-machine size.
  InvalidSkuCapacity: {
    status: 400,
    code: 'BadRequest',
    text: (sku: string, minimum: number, maximum: number) =>
      `Invalid SKU capacity provided, the SKU ${sku} should be between ${minimum} and ${maximum}`,
  },
  UnknownSku: {
    status: 400,
    code: 'BadRequest',
    text: (sku: string) => `Invalid SKU name provided, the SKU '${sku}' does not exist`,
  },
  WrongSkuTier: {
    status: 400,
    code: 'BadRequest',
    text: (sku: string, tier: string) => `Invalid SKU tier provided, the SKU ${sku} has tier ${tier}`,
  },
  InvalidSku: { status: 400, code: 'BadRequest', text: (why: string) => `Invalid SKU provided: ${why}` },
  InvalidValue: {
    status: 400,
    code: 'BadRequest',
    text: (property: string, expected: string) =>
      `The value of property '${property}' is invalid: expected ${expected}.`,
  },
  MissingProperty: {
    status: 400,
    code: 'BadRequest',
    text: (property: string) => `The property '${property}' is required.`,
  },
  CannotChange: {
    status: 400,
    code: 'BadRequest',
    text: (property: string) => `The property '${property}' can be set only when the cluster is created.`,
  },
  // Observed.
  CannotModifyVirtualNetworkConfiguration: {
    status: 400,
    code: 'CannotModifyVirtualNetworkConfiguration',
    text: () => 'Virtual Network Configuration cannot be modified.',
  },
  InvalidClusterName: {
    status: 400,
    code: 'InvalidResourceName',
    text: (name: string) =>
      `The cluster name '${name}' is invalid. It must have 4 to 22 letters, digits or hyphens and start with a letter.`,
  },
  InvalidDatabaseName: {
    status: 400,
    code: 'InvalidResourceName',
    text: (name: string) =>
      `The database name '${name}' is invalid. It must have 1 to 260 letters, digits, hyphens, underscores, spaces or dots, not only spaces.`,
  },
  InvalidAssignmentName: {
    status: 400,
    code: 'InvalidResourceName',
    text: (name: string) =>
      `The principal assignment name '${name}' is invalid. It must have 1 to 260 characters, none of them '/' or a control character.`,
  },
  InvalidChildName: {
    status: 400,
    code: 'InvalidResourceName',
    text: (noun: string, name: string, rule: string) => `The ${noun} name '${name}' is invalid. It must have ${rule}.`,
  },
  // The text of a consumer group that is used twice is the API's own example of a validation.
  DataConnectionRefused: { status: 400, code: 'BadRequest', text: (problem: string) => `[BadRequest] ${problem}` },
  // Text observed in name checks; a create with such a name is refused in the same words.
  TooManyOverrides: { status: 400, code: 'BadRequest', text: (why: string) => `[BadRequest] ${why}` },
  NameTaken: {
    status: 409,
    code: 'Conflict',
    text: (name: string) => `Name '${name}' with type Engine is already taken. Please specify a different name`,
  },
  // Text observed; the status is the one the resource manager gives to conflicts.
  RequestConflict: {
    status: 409,
    code: 'RequestConflict',
    text: (resourceId: string) =>
      `Cannot modify resource with id '${resourceId}' because the resource entity provisioning state is not terminal. Please wait for the provisioning state to become terminal and then retry the request.`,
  },
  // Observed with 'fetch databases' and 'Stopped'.
  ClusterNotRunning: {
    status: 400,
    code: 'BadRequest',
    text: (action: string, state: string) => `Cannot ${action} while resource is in state '${state}'.`,
  },
  // Observed with 'delete' and 'clusters/databases'.
  ParentResourceNotFound: {
    status: 404,
    code: 'ParentResourceNotFound',
    text: (verb: string, child: string, parent: string) =>
      `Failed to perform '${verb}' on resource(s) of type '${child}', because the parent resource '${parent}' could not be found.`,
  },
  // Observed for databases and what is in them.
  ChildNotFound: {
    status: 404,
    code: 'ResourceNotFound',
    text: (resourceId: string) => `The resource with identifier '${resourceId}' is not found.`,
  },
  // Observed with 'Minimum' and 2.
  InvalidOptimizedAutoScaleConfiguration: {
    status: 400,
    code: 'InvalidOptimizedAutoScaleConfiguration',
    text: (bound: 'Minimum' | 'Maximum', least: number) =>
      `Invalid ${bound} value, should be greater than or equal to ${least}`,
  },
  // Documented: any other value than '*' is refused.
  OnlyStarInIfNoneMatch: {
    status: 412,
    code: 'PreconditionFailed',
    text: (value: string) => `The If-None-Match header can only be '*', not '${value}'.`,
  },
  // Documented that it is refused, without the text.
  StillFollowed: {
    status: 400,
    code: 'BadRequest',
    text: (resourceId: string) =>
      `'${resourceId}' is followed by another cluster. Detach it there, or with detachFollowerDatabases, before it is deleted.`,
  },
  InvalidIdentity: { status: 400, code: 'InvalidIdentity', text: (why: string) => why },
  FailedIdentityOperation: {
    status: 400,
    code: 'FailedIdentityOperation',
    text: (resourceId: string, identityId: string) =>
      `Identity operation for resource '${resourceId}' failed with error 'Failed to perform resource identity operation. The user-assigned identity '${identityId}' was not found.'`,
  },
  // Text observed (without the code) when a principal is added that Entra ID does not know.
  PrincipalNotFound: {
    status: 400,
    code: 'BadRequest',
    text: (principal: string, kind: string, tenant: string) =>
      `[BadRequest] Entity ID '${principal}' of type '${kind}' was not found in AAD tenant '${tenant}'.`,
  },
  VaultUnavailable: {
    status: 503,
    code: 'ServiceUnavailable',
    text: (vaultUri: string) =>
      `KeyVault '${vaultUri}' could not be asked. Nothing was changed; please retry the request.`,
  },
  NotBuilt: {
    status: 501,
    code: 'NotImplemented',
    text: (what: string) => `Kustody has not built ${what}. Nothing was changed.`,
  },
} as const;

export type KustoErrorName = keyof typeof kustoErrors;
type TextArguments = { [Name in KustoErrorName]: Parameters<(typeof kustoErrors)[Name]['text']> };

const rows: {
  readonly [Name in KustoErrorName]: {
    readonly status: number;
    readonly code: string;
    readonly text: (...args: TextArguments[Name]) => string;
  };
} = kustoErrors;

/** The name and the arguments of its text are checked together. */
export function kustoError<Name extends KustoErrorName>(name: Name, ...args: TextArguments[Name]): ArmError {
  return kustoErrorWith(name, [], ...args);
}

/** @param details the exact cause and the remedy, shown in `error.details` */
export function kustoErrorWith<Name extends KustoErrorName>(
  name: Name,
  details: readonly ArmErrorDetail[],
  ...args: TextArguments[Name]
): ArmError {
  const row = rows[name];
  return new ArmError(row.status, row.code, row.text(...args), details.length === 0 ? {} : { details });
}
