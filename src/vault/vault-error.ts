import type { Guid } from '../base/guid.ts';
import type { Caller } from '../authz/caller.ts';
import type { VaultSettings } from './vault-directory.ts';

/** Every error of the data plane: status, code, inner code and text, by a name of our own. Texts are the service's where they
 * are known; the last group is Kustody's own. A text never carries a value, a token or key material.
 * @see Key Vault REST error codes, and answers recorded by the official SDKs' tests */
export const vaultErrors = {
  missingToken: row(401, 'Unauthorized', 'AKV10000: Request is missing a Bearer or PoP token.'),
  invalidToken: row(401, 'Unauthorized', "Error validating token: 'IDX10501'."),
  tokenExpired: row(401, 'Unauthorized', "[TokenExpired] Error validating token: 'S2S12086'."),
  wrongAudience: {
    status: 401,
    code: 'Unauthorized',
    text: (expected: readonly string[], found: string) =>
      `AKV10022: Invalid audience. Expected ${expected.join(' or ')}, found: ${found}.`,
  },
  wrongIssuer: {
    status: 401,
    code: 'Unauthorized',
    text: (tenantId: Guid, found: string) =>
      `AKV10032: Invalid issuer. Expected one of ${issuerOf(tenantId)}, found ${found}.`,
  },
  byFirewall: {
    status: 403,
    code: 'Forbidden',
    inner: 'ForbiddenByFirewall',
    text: (address: string, caller: Caller, vault: VaultSettings) =>
      [
        'Client address is not authorized and caller is not a trusted service.',
        `Client address: ${address}`,
        `Caller: ${describeCaller(caller)}`,
        `Vault: ${describeVault(vault)}`,
      ].join('\r\n'),
  },
  byConnection: {
    status: 403,
    code: 'Forbidden',
    inner: 'ForbiddenByConnection',
    text: (caller: Caller, vault: VaultSettings) =>
      [
        'Public network access is disabled and request is not from a trusted service nor via an approved private link.',
        `Caller: ${describeCaller(caller)}`,
        `Vault: ${describeVault(vault)}`,
      ].join('\r\n'),
  },
  byPolicy: {
    status: 403,
    code: 'Forbidden',
    inner: 'ForbiddenByPolicy',
    text: (collection: string, permission: string, caller: Caller, vault: VaultSettings) =>
      `The user, group or application '${describeCaller(caller)}' does not have ${collection} ${permission} permission on key vault '${describeVault(vault)}'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`,
  },
  byRbac: {
    status: 403,
    code: 'Forbidden',
    inner: 'ForbiddenByRbac',
    text: (dataAction: string, resource: string, caller: Caller, vault: VaultSettings) =>
      `Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: ${describeCaller(caller)}\r\nAction: '${dataAction}'\r\nResource: '${resource}'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: ${describeVault(vault)}\r\n`,
  },
  keyNotFound: notFound('Key'),
  deletedKeyNotFound: deletedNotFound('Key'),
  keyIsDeleted: isDeleted('Key'),
  keyIsLive: isLive('Key'),
  keyIsManaged: isManaged('Key'),
  secretNotFound: notFound('Secret'),
  deletedSecretNotFound: deletedNotFound('Secret'),
  secretIsDeleted: isDeleted('Secret'),
  secretIsLive: isLive('Secret'),
  secretIsManaged: isManaged('Secret'),
  certificateNotFound: notFound('Certificate'),
  deletedCertificateNotFound: deletedNotFound('Certificate'),
  certificateIsDeleted: isDeleted('Certificate'),
  certificateIsLive: isLive('Certificate'),
  pendingNotFound: {
    status: 404,
    code: 'PendingCertificateNotFound',
    text: (name: string) => `Pending certificate not found: ${name}`,
  },
  /** A conflict whose code is that of a refusal, as in the service. */
  pendingInProgress: row(
    409,
    'Forbidden',
    "A new key vault certificate can not be created or imported while a pending key vault certificate's status is inProgress.",
  ),
  pendingIsOver: {
    status: 409,
    code: 'Conflict',
    text: (name: string) => `The request for the certificate ${name} is no longer in progress.`,
  },
  nameTaken: {
    status: 409,
    code: 'Conflict',
    text: (name: string) => `A key or secret has the name ${name} already, and no certificate belongs to it.`,
  },
  noLeaf: row(400, 'BadParameter', 'Unable to parse X5c certificate chain and locate leaf certificate'),
  unreadablePfx: row(
    400,
    'BadParameter',
    'The specified PKCS#12 X.509 certificate content can not be read. Please check if certificate is in valid PKCS#12 format.',
  ),
  unreadablePem: row(
    400,
    'BadParameter',
    'The specified PEM X.509 certificate content is in an unexpected format. Please check if certificate is in valid PEM format.',
  ),
  issuerNotFound: row(404, 'CertificateIssuerNotFound', 'Issuer not found'),
  tooManyIssuers: {
    status: 400,
    code: 'BadParameter',
    text: (most: number) => `A vault has at most ${most} issuers.`,
  },
  contactsNotFound: row(404, 'ContactsNotFound', 'Contacts not found'),
  secretDisabled: {
    status: 403,
    code: 'Forbidden',
    inner: 'SecretDisabled',
    text: () => 'Operation get is not allowed on a disabled secret.',
  },
  keyIsBeingDeleted: {
    status: 409,
    code: 'Conflict',
    inner: 'ObjectIsBeingDeleted',
    text: (name: string) => `Key ${name} is currently being deleted.`,
  },
  changedMeanwhile: row(409, 'Conflict', 'The object was changed by other requests at the same time.'),
  purgeProtected: {
    status: 403,
    code: 'Forbidden',
    text: (vault: VaultSettings) =>
      `Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge it after the retention period has passed. Vault: ${describeVault(vault)}`,
  },
  operationNotInKeyOps: {
    status: 403,
    code: 'Forbidden',
    inner: 'KeyOperationForbidden',
    text: (operation: string) => `Operation ${operation} is not permitted on this key.`,
  },
  keyDisabled: {
    status: 403,
    code: 'Forbidden',
    inner: 'KeyDisabled',
    text: (operation: string) => `Operation ${operation} is not allowed on a disabled key.`,
  },
  keyExpired: {
    status: 403,
    code: 'Forbidden',
    inner: 'KeyExpired',
    text: (operation: string) => `Operation ${operation} is not allowed on an expired key.`,
  },
  keyNotYetValid: {
    status: 403,
    code: 'Forbidden',
    inner: 'KeyNotYetValid',
    text: (operation: string) => `Operation ${operation} is not allowed on a not yet valid key.`,
  },
  unsupportedKeyType: {
    status: 400,
    code: 'BadParameter',
    inner: 'KeyTypeNotSupported',
    text: (kty: string) => `Invalid kty value: ${kty}`,
  },
  invalidName: {
    status: 400,
    code: 'BadParameter',
    text: (name: string) => `The request URI contains an invalid name: ${name}`,
  },
  /** Of a path that ends in what is neither a version nor an operation of this method. */
  noSuchOperation: {
    status: 400,
    code: 'BadParameter',
    text: (method: string, operation: string) => `Method ${method} does not allow operation '${operation}'`,
  },
  requiredProperty: {
    status: 400,
    code: 'BadParameter',
    text: (property: string) => `Property '${property}' is required.\r\n`,
  },
  invalidProperty: {
    status: 400,
    code: 'BadParameter',
    text: (property: string) => `Property ${property} has invalid value\r\n`,
  },
  malformedBody: row(400, 'BadParameter', 'The request body is not a valid JSON object.'),
  notBase64Url: {
    status: 400,
    code: 'BadParameter',
    text: (property: string) => `Content of '${property}' is not base64url.\r\nProperty '${property}' is required.\r\n`,
  },
  wrongDigestLength: {
    status: 400,
    code: 'BadParameter',
    text: (property: string, bytes: number, algorithm: string, needed: number) =>
      `Invalid length of '${property}': ${bytes} bytes. ${algorithm} requires ${needed} bytes, encoded with base64url.`,
  },
  signatureNeedsCurve: {
    status: 400,
    code: 'BadParameter',
    text: (kid: string, crv: string, algorithm: string, needed: string) =>
      `Key and signing algorithm are incompatible. Key ${kid} uses curve '${crv}', and algorithm '${algorithm}' can only be used with curve '${needed}'.`,
  },
  signatureNeedsType: {
    status: 400,
    code: 'BadParameter',
    text: (kid: string, kty: string, algorithm: string, needed: string) =>
      `Key and signing algorithm are incompatible. Key ${kid} is of type '${kty}', and algorithm '${algorithm}' can only be used with a key of type '${needed}' or '${needed}-HSM'.`,
  },
  malformedBackup: row(400, 'Malformed backup blob', 'Backup blob is corrupt.'),
  unknownBackup: row(400, 'BadParameter', 'Backup blob contains invalid or corrupt version.'),
  foreignBackup: row(400, 'BadParameter', 'Cannot decrypt backup blob.'),
  restoreConflict: {
    status: 409,
    code: 'Conflict',
    text: (noun: string, id: string) =>
      `Conflict while restoring ${noun} ${id} - ${noun} already exists or concurrent access`,
  },
  backupTooLarge: row(400, 'BadParameter', 'The object has more past versions than a backup can hold.'),
  invalidRotationPolicy: {
    status: 400,
    code: 'BadParameter',
    text: (needed: string) => `The key rotation policy is invalid: it needs ${needed}.`,
  },
  exportableNeedsPremium: row(
    400,
    'BadParameter',
    "AKV.SKR.1001: The exportable attribute is only supported with premium vaults and API version >= '7.3-preview'.",
  ),
  exportableOfExistingKey: row(
    400,
    'BadParameter',
    'AKV.SKR.1003: The exportable attribute of an existing key cannot be changed.',
  ),
  exportableNeedsHsm: row(400, 'BadParameter', 'AKV.SKR.1006: Exportable keys must be HSM-protected.'),
  exportableIsFixed: row(400, 'BadParameter', 'AKV.SKR.1014: Cannot modify the exportable state of a key.'),
  policyOfVersion: row(400, 'BadParameter', 'AKV.SKR.1016: Key Release Policy can only be set on versionless key.'),
  policyIsImmutable: row(400, 'BadParameter', 'AKV.SKR.1020: Immutable Key Release Policy cannot be modified.'),
  exportableWithoutPolicy: row(400, 'BadParameter', 'AKV.SKR.1004: Exportable keys must have release policy.'),
  policyWithoutExportable: row(400, 'BadParameter', 'AKV.SKR.1005: Non-exportable keys must not have release policy.'),
  attestationNotVerified: {
    status: 403,
    code: 'Forbidden',
    inner: 'AccessDenied',
    text: () => 'Target environment attestation statement cannot be verified.',
  },
  /** The one answer to whatever can be wrong with a ciphertext. */
  cannotDecrypt: row(400, 'BadParameter', 'Unable to decrypt specified value with this key.'),
  algorithmNotSupported: {
    status: 400,
    code: 'BadParameter',
    text: (algorithm: string, kty: string) => `Algorithm '${algorithm}' is not supported by keys of type '${kty}'.`,
  },
  valueTooLong: {
    status: 400,
    code: 'BadParameter',
    text: (bytesMax: number) =>
      `Property 'value' is too long: this key and algorithm take at most ${bytesMax} bytes.\r\n`,
  },
  hsmNeedsPremium: row(403, 'Forbidden', 'Hardware key operation not allowed on standard vault'),
  invalidRsaKey: row(400, 'BadParameter', 'RSA key is not valid - cannot instantiate crypto service'),
  invalidEcKey: row(400, 'BadParameter', 'EC key is not valid - cannot instantiate crypto service'),
  missingApiVersion: row(400, 'BadParameter', 'api-version must be specified'),
  unknownApiVersion: {
    status: 400,
    code: 'BadParameter',
    text: (version: string, latest: string) =>
      `The specified version (${version}) is not recognized. Consider using the latest supported version (${latest}).`,
  },
  throttled: row(
    429,
    'Throttled',
    'Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached',
  ),
  /** Switched on by a fault. */
  unavailable: {
    status: 503,
    code: 'ServiceUnavailable',
    text: () => 'The service is unavailable.',
  },
  /** Not built: refused by name. 501 is the one 5xx that the SDKs do not send again. */
  notBuilt: {
    status: 501,
    code: 'NotImplemented',
    text: (what: string) => `Kustody has not built ${what}.`,
  },
} as const satisfies Record<string, VaultErrorRow>;

interface VaultErrorRow {
  readonly status: number;
  readonly code: string;
  readonly inner?: string;
  readonly text: (...parts: never[]) => string;
}

export type VaultErrorName = keyof typeof vaultErrors;

/** An answer of the data plane in its error shape, with headers of its own. */
export class VaultError extends Error {
  override readonly name = 'VaultError';
  constructor(
    readonly status: number,
    readonly code: string,
    readonly inner: string | undefined,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
  }
}

export function vaultError<Name extends VaultErrorName>(
  name: Name,
  ...parts: Parameters<(typeof vaultErrors)[Name]['text']>
): VaultError {
  const chosen: VaultErrorRow = vaultErrors[name];
  const text: unknown = Reflect.apply(chosen.text, undefined, parts);
  return new VaultError(chosen.status, chosen.code, chosen.inner, String(text));
}

/** @returns `{"error":{"code","message","innererror"?}}`; the inner member is all lower case on the wire */
export function errorBody(error: VaultError): {
  error: { code: string; message: string; innererror?: { code: string } };
} {
  const inner = error.inner === undefined ? {} : { innererror: { code: error.inner } };
  return { error: { code: error.code, message: error.message, ...inner } };
}

const issuerOf = (tenantId: Guid): string => `https://sts.windows.net/${tenantId}/`;

function describeCaller(caller: Caller): string {
  const groups = caller.groupIds.length > 0 ? [`numgroups=${caller.groupIds.length}`] : [];
  return [`appid=${caller.appId ?? ''}`, `oid=${caller.objectId}`, ...groups, `iss=${issuerOf(caller.tenantId)}`].join(
    ';',
  );
}

const describeVault = (vault: VaultSettings): string => `${vault.name};location=${vault.region}`;

function row<Code extends string>(status: number, code: Code, text: string) {
  return { status, code, text: () => text };
}

type ObjectNoun = 'Key' | 'Secret' | 'Certificate';

function notFound(noun: ObjectNoun) {
  const lower = noun.toLowerCase();
  return {
    status: 404,
    code: `${noun}NotFound`,
    text: (nameAndVersion: string) =>
      `A ${lower} with (name/id) ${nameAndVersion} was not found in this key vault. If you recently deleted this ${lower} you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182`,
  };
}

function deletedNotFound(noun: ObjectNoun) {
  return { status: 404, code: `${noun}NotFound`, text: (name: string) => `Deleted ${noun} not found: ${name}` };
}

function isDeleted(noun: ObjectNoun) {
  return {
    status: 409,
    code: 'Conflict',
    inner: 'ObjectIsDeletedButRecoverable',
    text: (name: string) =>
      `${noun} ${name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the ${noun.toLowerCase()} can only be recovered or purged.`,
  };
}

function isLive(noun: ObjectNoun) {
  return {
    status: 400,
    code: 'MethodNotAllowed',
    inner: 'RequestNotAllowedOnNonDeletedObject',
    text: (name: string) => `${noun} exists already: ${name}`,
  };
}

function isManaged(noun: 'Key' | 'Secret') {
  return {
    status: 403,
    code: 'Forbidden',
    inner: `${noun}ManagedByKeyVault`,
    text: (operation: string) =>
      `Operation "${operation}" is not allowed as this object's lifetime is managed by Key Vault.`,
  };
}
