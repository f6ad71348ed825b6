import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import { invariant } from '../base/invariant.ts';
import type { JsonObject } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { RandomBytes } from '../base/random.ts';
import type { Instant } from '../clock/clock.ts';
import { instant, toIso } from '../clock/clock.ts';
import { listAll } from '../state/list-all.ts';
import type { State, StateWrite, Table, Versioned } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import type { ArmErrorDetail } from './arm-error.ts';
import { retryOnConflict } from './retry.ts';

export type OperationOutcome =
  | { readonly status: 'Succeeded' }
  | {
      readonly status: 'Failed';
      readonly error: { readonly code: string; readonly message: string; readonly details?: readonly ArmErrorDetail[] };
    }
  | { readonly status: 'Canceled' };

/** A long-running operation. Its outcome shows once the clock has reached `completesAt`; one without an outcome runs until a
 * later commit gives it one (`finishedOperation`). */
export interface OperationRecord {
  readonly operationId: Guid;
  /** What the provider calls it: `ClusterCreateExternal`. */
  readonly kind: string;
  /** Only this provider finds it again: `Microsoft.Kusto`. */
  readonly provider: string;
  readonly subscriptionId: string;
  /** As stored with the resource: `East US`. */
  readonly location?: string;
  readonly resourceId: string;
  /** Milliseconds on the Kustody clock. */
  readonly startedAt: number;
  readonly completesAt: number;
  readonly outcome?: OperationOutcome;
  /** Whatever else the provider wants to find later. */
  readonly detail?: JsonObject;
}

/** Record id: the operation id. */
export const armOperations: Table<OperationRecord> = {
  name: 'arm-operations',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['operationId'] === 'string', 'an operation record has an id');
    return value as unknown as OperationRecord;
  },
};

export interface NewOperation {
  readonly kind: string;
  readonly provider: string;
  readonly subscriptionId: string;
  readonly location?: string;
  readonly resourceId: string;
  readonly startedAt: Instant;
  /** Default: `startedAt`, so that the first poll finds it done. */
  readonly completesAt?: Instant;
  /** Leave out while nobody knows. */
  readonly outcome?: OperationOutcome;
  readonly detail?: JsonObject;
}

/** @returns the record, and the write that goes into the same commit as the change it stands for */
export function startOperation(
  randomBytes: RandomBytes,
  start: NewOperation,
): { readonly operation: OperationRecord; readonly write: StateWrite } {
  const operation = { ...start, operationId: newGuid(randomBytes), completesAt: start.completesAt ?? start.startedAt };
  return { operation, write: writeRecord(armOperations, operation.operationId, null, operation) };
}

/** The write that ends an operation which was started without an outcome. */
export function finishedOperation(
  found: Versioned<OperationRecord>,
  outcome: OperationOutcome,
  completesAt: Instant,
): StateWrite {
  return writeRecord(armOperations, found.id, found.version, { ...found.value, outcome, completesAt });
}

/** @returns undefined for an unknown id and for an operation of another provider or subscription */
export async function findOperation(
  state: State,
  id: string,
  owner: { readonly provider: string; readonly subscriptionId: string },
): Promise<Versioned<OperationRecord> | undefined> {
  const operationId = parseGuid(id);
  const found = operationId === undefined ? undefined : await state.get(armOperations, operationId);
  if (found?.value.subscriptionId.toLowerCase() !== owner.subscriptionId.toLowerCase()) return undefined;
  return found.value.provider.toLowerCase() === owner.provider.toLowerCase() ? found : undefined;
}

const keptMs = 7 * 86_400_000;

/** Forgets operations that ended a week ago: nobody polls them any more. Run at start and now and then. */
export function pruneOperations(state: State, now: Instant): Promise<void> {
  return retryOnConflict(async () => {
    const all = await listAll(state, armOperations);
    const over = all.filter(({ value }) => value.outcome !== undefined && value.completesAt + keptMs < now);
    for (let at = 0; at < over.length; at += 500) {
      const write = over.slice(at, at + 500).map(({ id, version }) => writeRecord(armOperations, id, version, null));
      await state.commit({ write });
    }
  });
}

export interface OperationStatus {
  readonly status: 'Running' | OperationOutcome['status'];
  readonly error?: Extract<OperationOutcome, { status: 'Failed' }>['error'];
  readonly startTime: string;
  /** Absent while it runs. */
  readonly endTime?: string;
}

export function statusOf(operation: OperationRecord, now: Instant): OperationStatus {
  const startTime = toIso(instant(operation.startedAt));
  if (operation.outcome === undefined || now < operation.completesAt) return { status: 'Running', startTime };
  const { outcome } = operation;
  return {
    status: outcome.status,
    ...(outcome.status === 'Failed' ? { error: outcome.error } : {}),
    startTime,
    endTime: toIso(instant(operation.completesAt)),
  };
}

/** Seconds: clients that get no `Retry-After` wait up to 30. */
export const retryAfterSeconds = 1;

/** Headers of the first answer (and, for `location`, of each 202 while polling).
 * @param statusPath path of the status resource, without query
 * @param forms which headers: the status resource (`asyncOperation`), the same as `Location` with `locationQuery` added, or both */
export function operationHeaders(
  request: { readonly origin: string; readonly apiVersion: string },
  statusPath: string,
  forms: { readonly asyncOperation?: boolean; readonly location?: boolean; readonly locationQuery?: string },
): Record<string, string> {
  const url = `${request.origin}${encodeURI(statusPath)}?api-version=${encodeURIComponent(request.apiVersion)}`;
  return {
    ...(forms.asyncOperation === true ? { 'azure-asyncoperation': url } : {}),
    ...(forms.location === true ? { location: `${url}${forms.locationQuery ?? ''}` } : {}),
    'retry-after': String(retryAfterSeconds),
  };
}
