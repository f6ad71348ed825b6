/** What a client did wrong to a cluster's data. Text and kind are part of the wire: the wire layer maps each code to its status and type. */
const texts = {
  DatabaseNotFound: (name: string) => `Entity ID '${name}' of kind 'Database' was not found.`,
  /** Text: which endpoint is the right one. */
  WrongEndpoint: (text: string) => text,
  /** Text: which key is missing, and why. */
  DatabaseLocked: (text: string) => text,
  TableNotFound: (name: string) => `Entity ID '${name}' of kind 'Table' was not found.`,
  ContinuousExportNotFound: (name: string) => `Entity ID '${name}' of kind 'ContinuousExport' was not found.`,
  ExternalTableNotFound: (name: string) => `Entity ID '${name}' of kind 'ExternalTable' was not found.`,
  FunctionNotFound: (name: string) => `Entity ID '${name}' of kind 'ExpressionFunction' was not found.`,
  GraphModelNotFound: (name: string) => `Entity ID '${name}' of kind 'GraphModel' was not found.`,
  EntityGroupNotFound: (name: string) => `Entity ID '${name}' of kind 'EntityGroup' was not found.`,
  GraphSnapshotNotFound: (name: string) => `Entity ID '${name}' of kind 'GraphSnapshot' was not found.`,
  InvalidGraphModel: (what: string) => `The graph model is not valid: ${what}.`,
  StoredResultNotFound: (name: string) => `Entity ID '${name}' of kind 'StoredQueryResult' was not found.`,
  ViewNotFound: (name: string) => `Entity ID '${name}' of kind 'MaterializedView' was not found.`,
  /** Text: what is wrong with a materialized view. */
  InvalidView: (text: string) => text,
  WorkloadGroupNotFound: (name: string) => `Entity ID '${name}' of kind 'WorkloadGroup' was not found.`,
  ColumnNotFound: (name: string) => `Entity ID '${name}' of kind 'Column' was not found.`,
  MappingNotFound: (name: string) => `Entity ID '${name}' of kind 'MappingPersistent' was not found.`,
  NotRecoverable: (table: string) =>
    `The table '${table}' cannot be recovered to that version: its last drop was at another one, or too long ago.`,
  OperationNotFound: (id: string) => `Entity ID '${id}' of kind 'Operation' was not found.`,
  ExtentNotFound: (name: string) => `Entity ID '${name}' of kind 'Extent' was not found.`,
  /** Merges or other commands were faster, time and again. */
  ExtentsChanged: (table: string) =>
    `The extents of the table '${table}' were changed by another operation meanwhile. Try again.`,
  /** An entity of another kind or another shape has the name; `entityExists` makes it. */
  EntityExists: (named: string) => `Entity ${named} already exists.`,
  DuplicateMapping: (name: string) => `An ingestion mapping with the name '${name}' already exists.`,
  InvalidEntityName: (name: string) => `Entity name '${name}' is not valid.`,
  /** Text: what is wrong with the columns of a table. */
  InvalidSchema: (text: string) => text,
  InvalidPolicy: (text: string) => text,
  InvalidMapping: (text: string) => text,
  /** A mapping, or the data itself, does not go with the table's columns. */
  InconsistentMapping: (text: string) => text,
  FormatNotSupported: (format: string) => `Data format '${format}' is not supported.`,
  MappingRequired: (format: string) => `Data format '${format}' needs an ingestion mapping.`,
  StreamingDisabled: (table: string) =>
    `Streaming ingestion policy is not enabled for table '${table}' or its database.`,
  /** Text: what is wrong, with line and column. */
  MalformedData: (text: string) => text,
  PayloadTooLarge: (text: string) => text,
  CreationTimeTooOld: (table: string) =>
    `The creation time is not within the soft delete period of the table '${table}'.`,
  /** Text: what went wrong in the query that fills a table from the rows of another. */
  UpdatePolicySchema: (text: string) => text,
  UpdatePolicyBadRequest: (text: string) => text,
  UpdatePolicyUnknown: (text: string) => text,
  /** Streaming ingestion cannot do it. */
  UpdatePolicyIncompatible: (text: string) => text,
  ZeroRetention: (table: string) =>
    `The table '${table}' has a soft delete period of zero, and is not the source of a transactional update policy.`,
  MalformedIngestionProperty: (text: string) => text,
  /** Text: why data is not fetched from there, and what to do. */
  SourceNotAllowed: (text: string) => text,
  /** Text: what went wrong with a source of data, without anything that is secret. */
  SourceFailed: (text: string) => text,
} as const;

export type DataErrorCode = keyof typeof texts;

/** What exactly is wrong with malformed data, in the words of the service's list of ingestion errors.
 * @see https://learn.microsoft.com/azure/data-explorer/error-codes */
export type MalformedCode =
  | 'Stream_ClosingQuoteMissing'
  | 'Stream_InputStreamTooLarge'
  | 'Stream_WrongNumberOfFields'
  | 'BadRequest_InvalidBlob'
  | 'BadRequest_InvalidArchive'
  | 'BadRequest_EmptyArchive'
  | 'BadRequest_EmptyBlob'
  | 'BadRequest_NoRecordsOrWrongFormat'
  | 'BadRequest_UnexpectedCharacterInInputStream';

/** What went wrong with a source of data, in the same list. */
export type DownloadCode =
  | 'Download_BadRequest'
  | 'Download_SourceNotFound'
  | 'Download_AccessConditionNotSatisfied'
  | 'Download_Forbidden'
  | 'Download_AccountNotFound'
  | 'Download_NotTransient'
  | 'Download_UnknownError'
  | 'BadRequest_InvalidManagedIdentity';

export class DataError extends Error {
  override readonly name = 'DataError';
  constructor(
    readonly code: DataErrorCode,
    message: string,
    /** Where in the data sent, from 1. */
    readonly position?: { readonly line: number; readonly column: number },
    readonly malformed?: MalformedCode | DownloadCode,
  ) {
    super(message);
  }
}

/** @param text what is wrong; the place is added to it */
export function malformedData(
  malformed: MalformedCode | DownloadCode,
  text: string,
  position?: { readonly line: number; readonly column: number },
): DataError {
  const at = position === undefined ? '' : ` (line ${position.line}, column ${position.column})`;
  return new DataError('MalformedData', `${text}${at}.`, position, malformed);
}

/** @param text what is wrong, with nothing in it that is secret */
export const sourceFailed = (code: DownloadCode, text: string): DataError =>
  new DataError('SourceFailed', text, undefined, code);

/** @param subject the name, or the text where the row above says so */
export const dataError = (
  code: DataErrorCode,
  subject: string,
  position?: { readonly line: number; readonly column: number },
): DataError => new DataError(code, texts[code](subject), position);

/** As the service calls them. */
export type EntityKind =
  | 'Table'
  | 'ExpressionFunction'
  | 'MaterializedView'
  | 'ExternalTable'
  | 'StoredQueryResult'
  | 'EntityGroup'
  | 'GraphSnapshot'
  | 'MappingPersistent';

/** @param kind of what has the name. The words are those of the service for tables and functions.
 * @see https://github.com/MicrosoftDocs/dataexplorer-docs/issues/1288 */
export const entityExists = (kind: EntityKind, name: string): DataError =>
  dataError('EntityExists', `'${name.slice(0, 200)}' of kind '${kind}'`);

const refusals = {
  suspended: 'the cluster is suspended',
  stopped: 'the cluster is stopped',
  conflict: 'the cluster is being served by another process',
  storageFull: 'the disk of the server is full',
} as const;

/** A change was not made, because the cluster may not use its key any more. */
export class CommitRefusedError extends Error {
  override readonly name = 'CommitRefusedError';
  constructor(readonly reason: 'suspended' | 'stopped' | 'conflict' | 'storageFull') {
    super(`The change was not made: ${refusals[reason]}.`);
  }
}
