import type { Caller } from '../authz/caller.ts';
import type { Guid } from '../base/guid.ts';
import type { Json } from '../base/json.ts';
import { isJsonObject } from '../base/json.ts';
import { invariant } from '../base/invariant.ts';
import type { Instant } from '../clock/clock.ts';
import { instant, toIso } from '../clock/clock.ts';
import type { State, StateWrite, Table, Versioned } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';

/** Who did what with a key, secret or certificate and how it ended. Written in the commit of the operation itself, before the answer; holds no values. */
export interface VaultAuditRecord {
  /** ISO time on the Kustody clock. */
  readonly time: string;
  readonly vaultId: Guid;
  readonly vaultName: string;
  /** An operation id, such as `UnwrapKey`. */
  readonly operation: string;
  /** The key (with its version once that is known), as a kid; missing for lists. */
  readonly kid?: string;
  /** The same of a secret or certificate. */
  readonly id?: string;
  readonly status: number;
  /** Code and inner code of the error when the operation was refused. */
  readonly error?: { readonly code: string; readonly inner?: string };
  readonly caller: {
    readonly objectId: Guid;
    readonly appId?: Guid;
    readonly tenantId: Guid;
    readonly displayName: string;
  };
  readonly clientAddress: string;
  readonly requestId: Guid;
  readonly correlationId: Guid;
  /** The server asked the same again and again by itself, from `time` on: `count` times so far, `last` then, and until `until` it may have
   * asked more often than is written here. */
  readonly span?: { readonly last: string; readonly until: string; readonly count: number };
}

/** Ids are ordered by time, then by the order in which this process wrote. */
export const vaultAudit: Table<VaultAuditRecord> = {
  name: 'vault-audit',
  parse: (value: Json) => {
    invariant(
      isJsonObject(value) && typeof value['time'] === 'string' && typeof value['operation'] === 'string',
      'an audit record has a time and an operation',
    );
    return value as unknown as VaultAuditRecord;
  },
};

export const auditedCaller = (caller: Caller): VaultAuditRecord['caller'] => ({
  objectId: caller.objectId,
  ...(caller.appId === undefined ? {} : { appId: caller.appId }),
  tenantId: caller.tenantId,
  displayName: caller.displayName,
});

/** Makes the write of an audit record. One per process: it counts, so that records of the same millisecond keep their order. */
export function createAuditWriter(): (now: Instant, record: Omit<VaultAuditRecord, 'time'>) => StateWrite {
  let written = 0;
  return (now, record) => {
    written += 1;
    const time = toIso(now);
    const id = `${time}/${String(written).padStart(10, '0')}/${record.requestId}`;
    return writeRecord(vaultAudit, id, null, { time, ...record });
  };
}

/** Oldest first. Hand the id of the last record back as `after` to go on.
 * @param limit of records looked at, at most 10,000 */
export async function readVaultAudit(
  state: State,
  options: { readonly vaultId?: Guid; readonly after?: string; readonly limit?: number } = {},
): Promise<{ readonly records: readonly Versioned<VaultAuditRecord>[]; readonly next: string | undefined }> {
  const limit = Math.min(options.limit ?? 1000, 10_000);
  const page = await state.list(vaultAudit, {
    limit,
    ...(options.after === undefined ? {} : { after: options.after }),
  });
  const { vaultId } = options;
  const records = vaultId === undefined ? page : page.filter((record) => record.value.vaultId === vaultId);
  return { records, next: page.length === limit ? page.at(-1)?.id : undefined };
}

/** Without an end to them the state would only grow. */
export const auditKeptMs = 400 * 86_400_000;

/** Removes records that are older than `auditKeptMs`, oldest first. @returns how many */
export async function pruneVaultAudit(state: State, now: Instant): Promise<number> {
  const before = toIso(instant(now - auditKeptMs));
  for (let removed = 0; ;) {
    const oldest = await state.list(vaultAudit, { limit: 1000 });
    const over = oldest.filter((record) => record.id < before);
    if (over.length > 0) {
      await state.commit({ write: over.map((record) => writeRecord(vaultAudit, record.id, record.version, null)) });
    }
    removed += over.length;
    if (over.length < 1000) return removed;
  }
}
