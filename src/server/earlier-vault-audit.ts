import type { AuditCaller, AuditEvent } from '../audit/audit-event.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import type { Guid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import type { State, StateWrite, Table } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';

/** As earlier versions kept what vaults were asked: facts of one request, or of several that were recorded together. */
type EarlierRecord = EarlierRequest | EarlierGroup;

interface EarlierFacts {
  readonly vaultId: Guid;
  readonly vaultName: string;
  readonly operation: string;
  readonly kid?: string;
  readonly id?: string;
  readonly status: number;
  readonly error?: { readonly code: string; readonly inner?: string };
  readonly caller: AuditCaller;
  readonly clientAddress: string;
}

interface EarlierRequest extends EarlierFacts {
  readonly time: string;
  readonly requestId: Guid;
  readonly correlationId: Guid;
}

interface EarlierGroup {
  readonly shared: readonly EarlierFacts[];
  readonly requests: readonly (readonly [shared: number, time: string, requestId: Guid, correlationId: Guid])[];
}

export const earlierVaultAudit: Table<EarlierRecord> = {
  name: 'vault-audit',
  parse: (value: Json) => {
    invariant(isJsonObject(value), 'an audit record is an object');
    return value as unknown as EarlierRecord;
  },
};

const recordsPerCommit = 200;
/** A record held 128 requests at most. */
const eventsPerCommit = 1_000;

/** Moves what earlier versions recorded to the beginning of the audit log, oldest first; a crash goes on where it was.
 * @param nameOf the service's name of an operation
 * @param resourceIdOf the vault's, as far as it is still known */
export async function adoptEarlierAudit(
  state: State,
  log: Pick<AuditLog, 'commit'>,
  nameOf: (operation: string) => string,
  resourceIdOf: (vaultName: string) => Promise<string>,
): Promise<void> {
  for (;;) {
    const page = await state.list(earlierVaultAudit, { limit: recordsPerCommit });
    if (page.length === 0) return;
    const events: AuditEvent[] = [];
    const write: StateWrite[] = [];
    for (const { id, version, value } of page) {
      const requests = requestsOf(value);
      if (write.length > 0 && events.length + requests.length > eventsPerCommit) break;
      write.push(writeRecord(earlierVaultAudit, id, version, null));
      for (const request of requests) {
        const resourceId = await resourceIdOf(request.vaultName);
        events.push(eventOf(request, nameOf(request.operation), resourceId));
      }
    }
    if (events.length === 0) await state.commit({ write });
    else await log.commit({ events, write });
  }
}

function requestsOf(record: EarlierRecord): readonly EarlierRequest[] {
  if (!('requests' in record)) return [record];
  return record.requests.flatMap(([at, time, requestId, correlationId]) => {
    const facts = record.shared[at];
    return facts === undefined ? [] : [{ ...facts, time, requestId, correlationId }];
  });
}

function eventOf(request: EarlierRequest, operation: string, resourceId: string): AuditEvent {
  const { time, requestId, correlationId, vaultId, vaultName, status, error, caller, clientAddress } = request;
  const id = request.kid ?? request.id;
  return {
    ...{ time, requestId, correlationId, durationMs: 0 },
    facts: {
      ...{ kind: 'vault', vaultId, vaultName, resourceId, operation, status, caller, clientAddress },
      ...(id === undefined ? {} : { id }),
      ...(error === undefined ? {} : { error }),
    },
  };
}
