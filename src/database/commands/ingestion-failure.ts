import { newGuid } from '../../base/guid.ts';
import type { IngestionFailure } from '../catalog/operations.ts';
import type { DataErrorCode } from '../catalog/data-error.ts';
import { DataError } from '../catalog/data-error.ts';
import type { CommandContext } from './command-context.ts';

/** @see https://learn.microsoft.com/azure/data-explorer/error-codes */
const codes: Readonly<Partial<Record<DataErrorCode, string>>> = {
  DatabaseNotFound: 'BadRequest_DatabaseNotExist',
  TableNotFound: 'BadRequest_TableNotExist',
  MappingNotFound: 'BadRequest_MappingReferenceWasNotFound',
  DuplicateMapping: 'BadRequest_DuplicateMapping',
  InvalidMapping: 'BadRequest_InvalidMapping',
  InconsistentMapping: 'BadRequest_InconsistentMapping',
  FormatNotSupported: 'BadRequest_FormatNotSupported',
  MappingRequired: 'BadRequest_MissingMappingtFailure',
  InvalidEntityName: 'BadRequest_EntityNameIsNotValid',
  MalformedIngestionProperty: 'BadRequest_MalformedIngestionProperty',
  CreationTimeTooOld: 'BadRequest_CreationTimeEarlierThanSoftDeletePeriod',
  PayloadTooLarge: 'Stream_InputStreamTooLarge',
};

/** Does what ingests, and keeps for `.show ingestion failures` why data was refused. */
export async function ingesting<T>(
  context: CommandContext,
  table: string,
  operationKind: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    const { caller, activityId, clock, database, data, randomBytes } = context;
    const failure: IngestionFailure = {
      operationId: newGuid(randomBytes),
      database,
      table,
      failedOn: clock.now(),
      details: error.message.slice(0, 1000),
      failureKind: 'Permanent',
      rootActivityId: activityId,
      operationKind,
      errorCode: error.malformed ?? codes[error.code] ?? 'General_BadRequest',
      principal: caller.fqn,
      user: caller.displayName,
      shouldRetry: false,
    };
    // The refusal itself matters more than that it could not be written down.
    await data.recordIngestionFailure(failure).catch(() => undefined);
    throw error;
  }
}
