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

/** What is the same for requests of one client: all but when they came and what they are called. */
type SharedFacts = Omit<VaultAuditRecord, 'time' | 'span' | 'requestId' | 'correlationId'>;

/** Requests that were recorded by one commit, in the order in which they came. */
interface AuditGroup {
  /** Of the first. */
  readonly time: string;
  readonly shared: readonly SharedFacts[];
  /** Which of the shared facts; the rest of the record. */
  readonly requests: readonly (readonly [shared: number, time: string, requestId: Guid, correlationId: Guid])[];
}

/** Ids are ordered by time (of a group: that of its first request), then by the order in which this process wrote. */
export const vaultAudit: Table<VaultAuditRecord | AuditGroup> = {
  name: 'vault-audit',
  parse: (value: Json) => {
    invariant(
      isJsonObject(value) &&
        typeof value['time'] === 'string' &&
        (typeof value['operation'] === 'string' || Array.isArray(value['requests'])),
      'an audit record has a time, and an operation or the requests of a group',
    );
    return value as unknown as VaultAuditRecord | AuditGroup;
  },
};

const isGroup = (value: VaultAuditRecord | AuditGroup): value is AuditGroup => 'requests' in value;

const auditedCallers = new WeakMap<Caller, VaultAuditRecord['caller']>();

/** The same for the same caller, as an object. */
export function auditedCaller(caller: Caller): VaultAuditRecord['caller'] {
  const known = auditedCallers.get(caller);
  if (known !== undefined) return known;
  const audited: VaultAuditRecord['caller'] = {
    objectId: caller.objectId,
    ...(caller.appId === undefined ? {} : { appId: caller.appId }),
    tenantId: caller.tenantId,
    displayName: caller.displayName,
  };
  auditedCallers.set(caller, audited);
  return audited;
}

/** All of an audit record but its time, which the writer gives. */
export type AuditFacts = Omit<VaultAuditRecord, 'time' | 'span'>;

/** Makes writes of audit records. */
export interface AuditWriter {
  one(now: Instant, record: Omit<VaultAuditRecord, 'time'>): StateWrite;
  /** @param members at least one, in the order in which they came */
  group(members: readonly { readonly at: Instant; readonly facts: AuditFacts }[]): StateWrite;
}

/** One per process: it counts, so that records of the same millisecond keep their order. */
export function createAuditWriter(): AuditWriter {
  let written = 0;
  const idAt = (time: string, requestId: Guid): string => {
    written += 1;
    return `${time}/${String(written).padStart(10, '0')}/${requestId}`;
  };
  const one: AuditWriter['one'] = (now, record) => {
    const time = toIso(now);
    return writeRecord(vaultAudit, idAt(time, record.requestId), null, { time, ...record });
  };
  return {
    one,
    group: (members) => {
      const [first] = members;
      invariant(first !== undefined, 'a group has members');
      if (members.length === 1) return one(first.at, first.facts);
      const group = groupOf(members);
      return writeRecord(vaultAudit, idAt(group.time, first.facts.requestId), null, group);
    },
  };
}

function groupOf(members: readonly { readonly at: Instant; readonly facts: AuditFacts }[]): AuditGroup {
  const shared: SharedFacts[] = [];
  const requests = members.map(({ at, facts }) => {
    const { requestId, correlationId, ...rest } = facts;
    const known = shared.findIndex((one) => areSame(one, rest));
    return [known < 0 ? shared.push(rest) - 1 : known, toIso(at), requestId, correlationId] as const;
  });
  return { time: requests[0]?.[1] ?? '', shared, requests };
}

/** Every fact is named, or this does not compile: two requests that differ in one must not be taken for the same. */
const plainFacts = namesOf<Omit<SharedFacts, 'caller' | 'error'>>({
  ...{ vaultId: true, vaultName: true, operation: true, kid: true, id: true, status: true, clientAddress: true },
});
const callerFacts = namesOf<SharedFacts['caller']>({ objectId: true, appId: true, tenantId: true, displayName: true });

function namesOf<T>(names: Readonly<Record<keyof T, true>>): readonly (keyof T)[] {
  return Object.keys(names) as (keyof T)[];
}

const areSame = (left: SharedFacts, right: SharedFacts): boolean =>
  plainFacts.every((name) => left[name] === right[name]) &&
  (left.caller === right.caller || callerFacts.every((name) => left.caller[name] === right.caller[name])) &&
  left.error?.code === right.error?.code &&
  left.error?.inner === right.error?.inner;

/** The requests of a record, each as if it had a record to itself. */
function recordsOf({ id, version, value }: Versioned<VaultAuditRecord | AuditGroup>): Versioned<VaultAuditRecord>[] {
  if (!isGroup(value)) return [{ id, version, value }];
  return value.requests.map(([at, time, requestId, correlationId], index) => {
    const facts = value.shared[at];
    invariant(facts !== undefined, 'a request of a group has its facts');
    return {
      id: `${id}/${String(index).padStart(4, '0')}`,
      version,
      value: { time, ...facts, requestId, correlationId },
    };
  });
}

/** Oldest first. Hand `next` back as `after` to go on.
 * @param limit of records looked at, at most 10,000; one may hold several requests */
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
  const all = page.flatMap(recordsOf);
  const records = vaultId === undefined ? all : all.filter((record) => record.value.vaultId === vaultId);
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
