import { newGuid } from '../../base/guid.ts';
import type { IngestedBy } from '../ingest/ingest-request.ts';
import type { IngestionFailure } from '../catalog/operations.ts';
import type { DataErrorCode } from '../catalog/data-error.ts';
import { DataError } from '../catalog/data-error.ts';
import { UpdatePolicyFailure } from '../ingest/update-policies.ts';
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
  ZeroRetention: 'BadRequest_ZeroRetentionPolicyWithNoUpdatePolicy',
  PayloadTooLarge: 'Stream_InputStreamTooLarge',
};

/** Who asks, for what is told of failures. */
export const ingestedBy = ({ caller, activityId }: CommandContext, operationKind: string): IngestedBy => ({
  principal: caller.fqn,
  user: caller.displayName,
  rootActivityId: activityId,
  operationKind,
});

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
    // Those of update policies have been written down.
    if (!(error instanceof DataError) || error instanceof UpdatePolicyFailure) throw error;
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
