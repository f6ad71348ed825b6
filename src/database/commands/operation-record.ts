import { newGuid } from '../../base/new-guid.ts';
import type { OperationRecord, OperationState } from '../catalog/operations.ts';
import { CommitRefusedError, DataError } from '../catalog/data-error.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { CommandTable, Row } from './command.ts';
import { OperationCanceledError } from '../operations-under-way.ts';
import type { CommandContext } from './command-context.ts';
import { ForbiddenError } from './forbidden-error.ts';
import { columnsOfText } from './schema-text.ts';

export function operationOf(context: CommandContext, operation: string): OperationRecord {
  const now = context.clock.now();
  return {
    operationId: newGuid(context.randomBytes),
    operation,
    startedOn: now,
    lastUpdatedOn: now,
    state: 'InProgress',
    status: '',
    rootActivityId: context.activityId,
    shouldRetry: false,
    database: context.database,
    principal: context.caller.fqn,
    user: context.caller.displayName,
  };
}

/** Does the work, which `.show operations` tells of meanwhile, and writes how it ended. Messages of errors are written for clients and hold no rows.
 * @param details what `.show operation details` is to tell of the result */
export async function runRecorded<T>(
  context: CommandContext,
  operation: OperationRecord,
  work: () => Promise<T>,
  details?: (result: T) => string,
): Promise<T> {
  const ended = (state: OperationState, status: string, more: Partial<OperationRecord> = {}): Promise<void> =>
    context.data.recordOperation({ ...operation, lastUpdatedOn: context.clock.now(), state, status, ...more });
  let result: T;
  context.data.beginOperation(operation);
  try {
    result = await work();
  } catch (error) {
    const told = [KqlError, DataError, CommitRefusedError, ForbiddenError].some((kind) => error instanceof kind);
    const isCancelled = error instanceof OperationCanceledError;
    const status =
      told && error instanceof Error
        ? error.message.slice(0, 1000)
        : 'The operation failed because of an internal error.';
    // The failure itself matters more than that it could not be written down.
    await ended(isCancelled ? 'Canceled' : 'Failed', status).catch(() => undefined);
    throw error;
  }
  await ended('Completed', operation.status, details === undefined ? {} : { details: details(result) });
  return result;
}

/** Work that `.cancel operation` stops, too. @param context its own signal, if it has one, stops the work as before */
export function stoppable<T>(
  context: CommandContext,
  { operationId }: OperationRecord,
  work: (within: CommandContext) => Promise<T>,
): Promise<T> {
  const { signal: own } = context;
  return context.data.underWay.doing(operationId, (signal) =>
    work({ ...context, signal: own === undefined ? signal : AbortSignal.any([own, signal]) }),
  );
}

/** Goes on with the work after the answer, which tells the operation's id. What went wrong is told by `.show operations`. */
export async function startRecorded<T>(
  context: CommandContext,
  operation: OperationRecord,
  work: () => Promise<T>,
  details?: (result: T) => string,
): Promise<readonly Row[]> {
  await context.data.recordOperation(operation);
  context.background(async () => {
    await runRecorded(context, operation, work, details).catch(() => undefined);
  });
  return [[operation.operationId]];
}

/** Does the work of a command that may be `async`. @param columns of the rows, which are kept for `.show operation details` then */
export async function recordedOrStarted(
  context: CommandContext,
  operation: string,
  isAsync: boolean,
  columns: string,
  work: (context: CommandContext) => Promise<readonly Row[]>,
): Promise<readonly Row[]> {
  const record = operationOf(context, operation);
  if (!isAsync) return runRecorded(context, record, () => work(context));
  // Work that goes on after the answer does not end with the request.
  const detached = { ...context, signal: undefined };
  return startRecorded(
    context,
    record,
    () => work(detached),
    (rows) => detailsText(columns, rows),
  );
}

const detailRowsMax = 1_000;

/** For `.show operation details`, which reads it with `detailsTable`. */
export const detailsText = (columns: string, rows: readonly Row[]): string =>
  JSON.stringify({
    columns,
    rows: rows.slice(0, detailRowsMax).map((row) => row.map((value) => (value === null ? null : String(value)))),
  });

/** @param details of an operation that `recordedOrStarted` began; others are a list
 * @returns undefined for those */
export function detailsTable(details: string): CommandTable | undefined {
  const kept = JSON.parse(details) as
    readonly unknown[] | { readonly columns: string; readonly rows: readonly (readonly (string | null)[])[] };
  if (!('columns' in kept)) return undefined;
  const columns = columnsOfText(kept.columns);
  const isWhole = columns.map(({ type }) => type === 'long' || type === 'timespan');
  return {
    columns,
    rows: kept.rows.map((row) => row.map((value, at) => (value !== null && isWhole[at] ? BigInt(value) : value))),
  };
}

export const operationIdColumns = 'OperationId: guid';
