import { StorageFullError } from '../../../base/storage-full.ts';
import { KeyUnwrapError } from '../../../encryption/cse-v2/aes-key-wrap.ts';
import { SealedBytesError } from '../../../encryption/cse-v2/region-cipher.ts';
import { MemoryFilesFullError, NoMemoryFilesError } from '../../../encryption/extent-files/memory-file.ts';
import { CatalogDamagedError } from '../../../database/catalog/catalog-seal.ts';
import { CommitRefusedError, DataError } from '../../../database/catalog/data-error.ts';
import type { DataErrorCode } from '../../../database/catalog/data-error.ts';
import { ForbiddenError } from '../../../database/commands/forbidden-error.ts';
import type { KqlErrorCode } from '../../../kql/plan/kql-error.ts';
import { KqlError } from '../../../kql/plan/kql-error.ts';
import { lineAndColumn } from '../../../kql/plan/line-and-column.ts';
import { SealedRecordError } from '../../../state/record-seal.ts';
import { BlobNotFoundError, BlobsUnavailableError } from '../../../storage/blob-store.ts';
import { ChannelBusyError } from '../../messages/channel.ts';
import type { InnerError, KustoErrorKind, SentText } from './kusto-error.ts';
import { KustoError, kustoError, namedText } from './kusto-error.ts';

const kindOfKql = {
  syntax: 'syntax',
  semantic: 'semantic',
  databaseNotFound: 'databaseNotFound',
  notSupported: 'badRequest',
  runtime: 'badRequest',
  limits: 'badRequest', // a text that is too long or too deep
  memory: 'lowMemory',
  runaway: 'runaway',
  timeout: 'timeout',
  cancelled: 'cancelled',
  internal: 'internal',
} as const satisfies Record<KqlErrorCode, KustoErrorKind>;

const kindOfData = {
  WrongEndpoint: 'wrongEndpoint',
  DatabaseNotFound: 'databaseNotFound',
  DatabaseLocked: 'unavailable',
  TableNotFound: 'entityNotFound',
  ExternalTableNotFound: 'entityNotFound',
  ContinuousExportNotFound: 'entityNotFound',
  FunctionNotFound: 'entityNotFound',
  ViewNotFound: 'entityNotFound',
  InvalidView: 'badRequest',
  StoredResultNotFound: 'entityNotFound',
  GraphModelNotFound: 'entityNotFound',
  EntityGroupNotFound: 'entityNotFound',
  WorkloadGroupNotFound: 'entityNotFound',
  GraphSnapshotNotFound: 'entityNotFound',
  ColumnNotFound: 'entityNotFound',
  MappingNotFound: 'mappingNotFound',
  NotRecoverable: 'badRequest',
  OperationNotFound: 'entityNotFound',
  ExtentNotFound: 'entityNotFound',
  ExtentsChanged: 'conflict',
  EntityExists: 'entityExists',
  DuplicateMapping: 'duplicateMapping',
  InvalidEntityName: 'entityName',
  InvalidSchema: 'badRequest',
  InvalidPolicy: 'badRequest',
  InvalidMapping: 'mapping',
  InvalidGraphModel: 'badRequest',
  InconsistentMapping: 'inconsistentMapping',
  FormatNotSupported: 'format',
  MappingRequired: 'mapping',
  StreamingDisabled: 'streamingDisabled',
  MalformedData: 'malformedData',
  PayloadTooLarge: 'payloadTooLarge',
  CreationTimeTooOld: 'creationTime',
  UpdatePolicySchema: 'updatePolicySchema',
  UpdatePolicyBadRequest: 'updatePolicy',
  UpdatePolicyUnknown: 'updatePolicyUnknown',
  UpdatePolicyIncompatible: 'updatePolicyIncompatible',
  ZeroRetention: 'zeroRetention',
  MalformedIngestionProperty: 'ingestionProperty',
  SourceNotAllowed: 'badRequest',
  SourceFailed: 'badRequest',
} as const satisfies Record<DataErrorCode, KustoErrorKind>;

/** Says errors of the engine in the protocol's words.
 * @param text of the request, for line and column; told to who sent it, never logged
 * @returns undefined for what is our own fault or nobody's: it is logged by the caller */
export function translateError(error: unknown, text: string, database?: string): KustoError | undefined {
  if (error instanceof KustoError) return error;
  if (error instanceof KqlError) return kqlError(error, { text, database });
  if (error instanceof DataError) return kustoError(kindOfData[error.code], error.message);
  if (error instanceof ForbiddenError) return kustoError('forbidden', error.message);
  if (error instanceof ChannelBusyError)
    return kustoError('throttled', 'Too many requests at the same time. Retrying after some backoff might help.');
  if (error instanceof StorageFullError) return kustoError('storageFull', error.message);
  if (error instanceof CommitRefusedError)
    return kustoError(error.reason === 'storageFull' ? 'storageFull' : 'unavailable', error.message);
  if (error instanceof BlobsUnavailableError) return kustoError('unavailable', error.message);
  if (error instanceof MemoryFilesFullError) return lowMemory(`${error.message} (E_LOW_MEMORY_CONDITION)`);
  if (error instanceof NoMemoryFilesError) return kustoError('notBuilt', error.message);
  if (error instanceof CatalogDamagedError || error instanceof SealedRecordError)
    return kustoError('damaged', error.message);
  if (extentErrors.some((kind) => error instanceof kind)) {
    return kustoError('damaged', 'An extent of the cluster does not open: its bytes were changed, or are gone.');
  }
  return undefined;
}

const extentErrors = [SealedBytesError, KeyUnwrapError, BlobNotFoundError];

function kqlError(error: KqlError, sent: SentText): KustoError | undefined {
  const { text } = sent;
  if (error.code === 'internal') return undefined;
  const kind = error.code === 'runtime' && error.engine !== undefined ? 'semantic' : kindOfKql[error.code];
  const place =
    error.engine?.code === 'SYN0001'
      ? { line: 0, position: 0 } // as recorded: it knows no place
      : error.position === undefined
        ? undefined
        : lineAndColumn(text, error.position);
  const at = place === undefined ? '' : ` [line:position=${place.line}:${place.position}]`;
  const invalid = 'Request is invalid and cannot be processed: ';
  if (kind === 'syntax') {
    const inner = innerOf(error, 'SyntaxException', place);
    const [told, begins] = text.trimStart().startsWith('.')
      ? (['syntax', 'Syntax error: Query could not be parsed: '] as const)
      : (['badRequest', `${invalid}Syntax error: `] as const);
    return new KustoError(told, `${begins}${namedText(inner)}${at}`, inner, undefined, sent);
  }
  if (kind === 'semantic') {
    const inner = innerOf(error, 'SemanticException', place);
    return new KustoError(kind, `${invalid}Semantic error: ${namedText(inner)}`, inner, undefined, sent);
  }
  if (kind === 'lowMemory') return lowMemory(error.message);
  if (kind === 'runaway')
    return kustoError(kind, `Query execution has exceeded the allowed limits (80DA0001): ${error.message}`);
  if (error.code === 'limits') return kustoError(kind, `${invalid}${error.message}`);
  if (kind === 'databaseNotFound') return kustoError(kind, `${invalid}${error.message}`);
  if (kind === 'badRequest') return kustoError(kind, `${invalid}${error.message}${at}`);
  return kustoError(kind, error.message);
}

const innerOf = (
  { engine, message }: KqlError,
  type: InnerError['type'],
  place: { readonly line: number; readonly position: number } | undefined,
): InnerError => ({
  code: engine?.code ?? 'General_BadRequest',
  type,
  text: message,
  ...(engine?.token === undefined ? {} : { token: engine.token }),
  ...place,
});

/** A query that is under way has failed, in part. @see https://github.com/microsoft/fabric-toolbox/issues/31 */
const lowMemory = (message: string): KustoError =>
  kustoError(
    'lowMemory',
    `Query execution lacks memory resources to complete (80DA0007): Partial query failure: Low memory condition (E_LOW_MEMORY_CONDITION). (message: '${message}', details: '').`,
  );
