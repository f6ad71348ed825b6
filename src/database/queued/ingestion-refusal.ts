import { DataError } from '../catalog/data-error.ts';

/** Why a message in the queue becomes no rows, by the service's list of ingestion errors.
 * @see https://learn.microsoft.com/azure/data-explorer/error-codes */
export type QueuedErrorCode =
  | 'BadRequest_CorruptedMessage'
  | 'BadRequest_DatabaseAccessDenied'
  | 'BadRequest_InvalidKustoIdentityToken'
  | 'General_RetryAttemptsExceeded'
  | 'Skipped_IngestByTagAlreadyExists';

export class IngestionRefusal extends DataError {
  constructor(
    readonly errorCode: QueuedErrorCode,
    message: string,
  ) {
    super('MalformedData', message);
  }
}
