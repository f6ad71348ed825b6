import { newGuid } from '../../base/new-guid.ts';
import type { IngestedBy } from '../ingest/ingest-request.ts';
import type { IngestionFailure } from '../catalog/operations.ts';
import { ingestionErrorCode } from '../ingest/ingestion-error-code.ts';
import { DataError } from '../catalog/data-error.ts';
import { UpdatePolicyFailure } from '../ingest/update-policies.ts';
import type { CommandContext } from './command-context.ts';

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
    const isTransient = error.malformed === 'Download_UnknownError';
    const { caller, activityId, clock, database, data, randomBytes } = context;
    const failure: IngestionFailure = {
      operationId: newGuid(randomBytes),
      database,
      table,
      failedOn: clock.now(),
      details: error.message.slice(0, 1000),
      failureKind: isTransient ? 'Transient' : 'Permanent',
      rootActivityId: activityId,
      operationKind,
      errorCode: ingestionErrorCode(error),
      principal: caller.fqn,
      user: caller.displayName,
      shouldRetry: isTransient,
    };
    // The refusal itself matters more than that it could not be written down.
    await data.recordIngestionFailure(failure).catch(() => undefined);
    throw error;
  }
}
