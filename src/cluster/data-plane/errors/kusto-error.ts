import type { Guid } from '../../../base/guid.ts';
import type { JsonObject } from '../../../base/json.ts';
import { node } from '../../../database/commands/node.ts';
import { hidingWhat, obfuscated } from '../../../kql/values/obfuscated.ts';

/** Everything the data plane refuses, as clients see it. `type` without `Kusto.Data.Exceptions.`, or whole; `detail` begins the text of `@message`.
 * @see Kusto REST API "Query and management HTTP response", "Kusto client errors" */
export const kustoErrorRows = {
  badRequest: { status: 400, code: 'General_BadRequest', type: 'KustoBadRequestException', permanent: true },
  semantic: { status: 400, code: 'General_BadRequest', type: 'KustoBadRequestException', permanent: true },
  syntax: { status: 400, code: 'BadRequest_SyntaxError', type: 'SyntaxException', permanent: true },
  databaseNotFound: {
    status: 400,
    code: 'BadRequest_DatabaseNotExist',
    type: 'DatabaseNotFoundException',
    permanent: true,
  },
  /** The words and sources of these: vectors/commands/errors.json. */
  entityNotFound: {
    status: 400,
    code: 'BadRequest_EntityNotFound',
    type: 'EntityNotFoundException',
    permanent: true,
  },
  entityExists: {
    status: 400,
    code: 'BadRequest',
    type: 'Kusto.Common.Svc.Exceptions.EntityAlreadyExistsException',
    permanent: true,
  },
  wrongEndpoint: {
    status: 400,
    code: 'BadRequest',
    type: 'Kusto.Common.Svc.Exceptions.AdminCommandWrongEndpointException',
    permanent: true,
  },
  entityName: {
    status: 400,
    code: 'BadRequest_EntityNameIsNotValid',
    type: 'EntityNameIsNotValidException',
    permanent: true,
  },
  format: { status: 400, code: 'BadRequest_FormatNotSupported', type: 'FormatNotSupportedException', permanent: true },
  mapping: { status: 400, code: 'BadRequest_InvalidMapping', type: 'InvalidMappingException', permanent: true },
  inconsistentMapping: {
    status: 400,
    code: 'BadRequest_InconsistentMapping',
    type: 'InconsistentMappingException',
    permanent: true,
  },
  mappingNotFound: {
    status: 400,
    code: 'BadRequest_MappingReferenceWasNotFound',
    type: 'MappingReferenceWasNotFoundException',
    permanent: true,
  },
  duplicateMapping: {
    status: 400,
    code: 'BadRequest_DuplicateMapping',
    type: 'DuplicateMappingException',
    permanent: true,
  },
  ingestionProperty: {
    status: 400,
    code: 'BadRequest_MalformedIngestionProperty',
    type: 'MalformedIngestionPropertyException',
    permanent: true,
  },
  creationTime: {
    status: 400,
    code: 'BadRequest_CreationTimeEarlierThanSoftDeletePeriod',
    type: 'CreationTimeEarlierThanSoftDeletePeriodException',
    permanent: true,
  },
  /** @see https://learn.microsoft.com/azure/data-explorer/error-codes; types are not recorded */
  updatePolicySchema: {
    status: 400,
    code: 'UpdatePolicy_QuerySchemaDoesNotMatchTableSchema',
    type: 'UpdatePolicyException',
    permanent: true,
  },
  updatePolicy: { status: 400, code: 'UpdatePolicy_BadRequest', type: 'UpdatePolicyException', permanent: true },
  updatePolicyUnknown: {
    status: 400,
    code: 'UpdatePolicy_UnknownError',
    type: 'UpdatePolicyException',
    permanent: false,
  },
  updatePolicyIncompatible: {
    status: 400,
    code: 'BadRequest_UpdatePolicyIncompatible',
    type: 'UpdatePolicyException',
    permanent: true,
  },
  zeroRetention: {
    status: 400,
    code: 'BadRequest_ZeroRetentionPolicyWithNoUpdatePolicy',
    type: 'ZeroRetentionPolicyWithNoUpdatePolicyException',
    permanent: true,
  },
  /** Not recorded: the service's own code for it is not known. */
  readOnlyDatabase: { status: 400, code: 'General_BadRequest', type: 'KustoBadRequestException', permanent: true },
  notBuilt: { status: 400, code: 'BadRequest_NotSupported', type: 'KustoBadRequestException', permanent: true },
  malformedData: {
    status: 400,
    code: 'BadRequest_StreamingIngestionError',
    type: 'StreamingIngestionRequestException',
    permanent: true,
  },
  streamingDisabled: {
    status: 400,
    code: 'BadRequest_StreamingIngestionPolicyNotEnabled',
    type: 'StreamingIngestionPolicyNotEnabledException',
    permanent: true,
  },
  limits: {
    status: 400,
    code: 'LimitsExceeded',
    type: 'KustoServicePartialQueryFailureLimitsExceededException',
    permanent: false,
  },
  /** As recorded in https://github.com/Azure/azure-kusto-node/issues/53 */
  runaway: {
    status: 400,
    code: 'LimitsExceeded',
    type: 'KustoServicePartialQueryFailureLimitsExceededException',
    permanent: false,
  },
  lowMemory: {
    status: 400,
    code: 'LowMemoryCondition',
    type: 'KustoServicePartialQueryFailureLowMemoryConditionException',
    permanent: false,
  },
  cancelled: { status: 400, code: 'QueryCancelled', type: 'KustoRequestCancelledException', permanent: true },
  unauthorized: { status: 401, code: 'Unauthorized', type: 'KustoRequestDeniedException', permanent: true },
  forbidden: { status: 403, code: 'Forbidden', type: 'KustoRequestDeniedException', permanent: true },
  notFound: { status: 404, code: 'NotFound', type: 'KustoRequestDeniedException', permanent: true },
  streamingOffOnCluster: {
    status: 404,
    code: 'StreamingIngestionNotEnabled',
    type: 'StreamingIngestionPolicyNotEnabledException',
    permanent: true,
  },
  conflict: { status: 409, code: 'Conflict', type: 'KustoConflictException', permanent: false },
  suspendedStrict: { status: 412, code: 'PreconditionFailed', type: 'ClusterSuspendedException', permanent: true },
  payloadTooLarge: {
    status: 413,
    code: 'PayloadTooLarge',
    type: 'KustoRequestPayloadTooLargeException',
    permanent: true,
  },
  throttled: { status: 429, code: 'TooManyRequests', type: 'KustoRequestThrottledException', permanent: false },
  throttledQuery: {
    status: 429,
    code: 'TooManyRequests',
    type: 'Kusto.DataNode.Exceptions.QueryThrottledException',
    permanent: false,
  },
  throttledCommand: {
    status: 429,
    code: 'TooManyRequests',
    type: 'Kusto.DataNode.Exceptions.ControlCommandThrottledException',
    permanent: false,
  },
  quotaExceeded: {
    status: 429,
    code: 'TooManyRequests',
    type: 'Kusto.DataNode.Exceptions.QuotaExceededException',
    permanent: false,
  },
  internal: { status: 520, code: 'ServiceError', type: 'KustoServiceException', permanent: false },
  /** What lies at rest is not what was written: someone changed it, or it is gone. */
  damaged: { status: 520, code: 'DataIntegrityError', type: 'KustoServiceException', permanent: true },
  suspended: { status: 503, code: 'ClusterSuspended', type: 'ClusterSuspendedException', permanent: false },
  stopped: {
    status: 503,
    code: 'ClusterStopped',
    type: 'KustoServicePermanentlyUnavailableException',
    permanent: false,
  },
  unavailable: { status: 503, code: 'ServiceUnavailable', type: 'KustoServiceUnavailableException', permanent: false },
  /** Not documented for the service, whose disks are not one's own: HTTP's own status for it (RFC 4918, 11.5). */
  storageFull: { status: 507, code: 'InsufficientStorage', type: 'KustoServiceException', permanent: false },
  timeout: { status: 504, code: 'RequestExecutionTimeout', type: 'KustoServiceTimeoutException', permanent: false },
} as const;

export type KustoErrorKind = keyof typeof kustoErrorRows;

/** The cause within, as the engine knows it: `SEM0100` and the like. */
export interface InnerError {
  readonly code: string;
  readonly type: 'SyntaxException' | 'SemanticException';
  /** Without what `@message` puts before it. */
  readonly text: string;
  /** What of the request it is about. */
  readonly token?: string;
  readonly line?: number;
  readonly position?: number;
}

/** A query or command, and the database that it was sent to. */
export interface SentText {
  readonly text: string;
  readonly database?: string | undefined;
}

/** A refusal or failure in the protocol's own shape. */
export class KustoError extends Error {
  override readonly name = 'KustoError';
  readonly status: number;
  readonly code: string;
  readonly type: string;
  readonly permanent: boolean;
  readonly inner?: InnerError;
  constructor(
    readonly kind: KustoErrorKind,
    message: string,
    inner?: InnerError,
    /** Value of WWW-Authenticate. */
    readonly challenge?: string,
    /** Of a mistake in a query or command: what was asked. */
    readonly sent?: SentText,
  ) {
    const hiding = hidingWhat(sent?.text ?? '');
    super(hiding(message));
    if (inner !== undefined) {
      const { text, token } = inner;
      this.inner = { ...inner, text: hiding(text), ...(token === undefined ? {} : { token: hiding(token) }) };
    }
    const row = kustoErrorRows[kind];
    this.status = row.status;
    this.code = row.code;
    this.type = row.type.startsWith('Kusto.') ? row.type : `Kusto.Data.Exceptions.${row.type}`;
    this.permanent = row.permanent;
  }
}

export const kustoError = (kind: KustoErrorKind, message: string, inner?: InnerError): KustoError =>
  new KustoError(kind, message, inner);

/** What an error says about the request it belongs to. */
export interface ErrorContext {
  readonly timestamp: string;
  readonly clientRequestId: string;
  readonly activityId: Guid;
}

export const publicMessages: Readonly<Record<number, string>> = {
  400: 'Request is invalid and cannot be executed.',
  401: 'Request is denied due to lack of credentials.',
  403: 'Caller is not authorized to perform this action',
  404: 'The requested endpoint does not exist.',
  409: 'Request conflicts with the current state of the service.',
  412: 'Cluster is suspended.',
  413: 'Request is too large.',
  429: 'Request is denied due to throttling.',
  503: 'Request could not be executed because the service is unavailable.',
  504: 'Request execution has timed out on the service side.',
  507: 'Request could not be executed because the storage of the service is full.',
  520: 'An unexpected error occurred on the service side.',
};

/** @see kusto REST "OneApi errors"; what does not parse is recorded in notebooks of Kqlmagic and in Azure/azure-kusto-python#256 */
export function oneApiError(error: KustoError, context: ErrorContext): JsonObject {
  const detailed = contextObject(context);
  const { inner, sent } = error;
  return {
    error: {
      code: error.code,
      message:
        error.kind === 'lowMemory'
          ? 'Request aborted due to an internal service error.'
          : (publicMessages[error.status] ?? 'Request failed.'),
      '@type': error.type,
      '@message': `${error.message}${quoted(error)}`,
      '@context': detailed,
      '@permanent': error.permanent,
      ...(sent === undefined ? {} : { '@text': shown(sent.text) }),
      ...(sent?.database === undefined ? {} : { '@database': sent.database }),
      ...(inner === undefined ? {} : { innererror: innerObject(inner, detailed, quoted(error)) }),
    },
  };
}

/** The text as sent, to who sent it, without what is marked as secret. */
const shown = (text: string): string => obfuscated(text.slice(0, shownMax));
const shownMax = 65_536;

/** What does not parse is told with its text. */
const quoted = ({ inner, sent }: KustoError): string =>
  inner?.type === 'SyntaxException' && sent !== undefined ? `. Query: '${shown(sent.text)}'` : '';

function innerObject(inner: InnerError, detailed: JsonObject, query: string): JsonObject {
  const isSyntax = inner.type === 'SyntaxException';
  const kind = isSyntax ? 'Syntax error' : 'Semantic error';
  const { line, position = 0, token } = inner;
  const at = isSyntax && line !== undefined ? ` [line:position=${String(line)}:${String(position)}]` : '';
  return {
    code: inner.code,
    message: inner.text,
    '@type': `Kusto.Data.Exceptions.${inner.type}`,
    '@message': `${kind}: ${namedText(inner)}${at}${query}`,
    '@context': detailed,
    '@permanent': true,
    '@errorCode': inner.code,
    '@errorMessage': inner.text,
    ...(line === undefined ? {} : { '@line': String(line), '@pos': String(position) }),
    ...(token === undefined ? {} : { '@token': token }),
  };
}

/** What comes of running a query, and not of reading it, says so. */
export const namedText = ({ code, text }: InnerError): string =>
  code === 'General_BadRequest' ? text : `${code === 'SEM0080' ? 'Relop semantic error: ' : ''}${code}: ${text}`;

const contextObject = ({ timestamp, clientRequestId, activityId }: ErrorContext): JsonObject => ({
  timestamp,
  serviceAlias: 'KUSTODY',
  machineName: node,
  processName: 'Kusto.WinSvc.Svc',
  processId: 1,
  threadId: 1,
  clientRequestId,
  activityId,
  subActivityId: activityId,
  activityType: 'DN.FE.ExecuteQuery',
  parentActivityId: activityId,
  activityStack: '',
});

/** For clients that did not say that they accept JSON. */
export function plainTextError(error: KustoError, context: ErrorContext): string {
  const { clientRequestId, activityId, timestamp } = context;
  return [
    `${error.code}: ${publicMessages[error.status] ?? 'Request failed.'}`,
    `${error.message}${quoted(error)}`,
    '',
    'Error details:',
    `ClientRequestId='${clientRequestId}', ActivityId='${activityId}', Timestamp='${timestamp}'.`,
    '',
  ].join('\n');
}
