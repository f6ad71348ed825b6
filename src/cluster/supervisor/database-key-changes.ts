import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { VersionedKeyId } from '../../base/key-id.ts';
import { firstRecord, replacedRecord, rotatedRecord } from '../../encryption/cluster-key-records.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import { clusterKeyStatus, clusterKeyTable, isSameWrap } from '../../encryption/cluster-key-state.ts';
import type { CurrentKeyLost, CustomerKey, PreparedKeyChange } from '../../encryption/cluster-keys.ts';
import type { DatabaseKeyChangeCall } from '../../encryption/database-key-change.ts';
import { databaseKeyId, databaseKeyTable } from '../../encryption/database-keys.ts';
import type { KeyFailure } from '../../encryption/key-wrapper.ts';
import { keyChangeKind } from '../../encryption/rotation.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { NewWrap } from '../messages/key-replies.ts';
import type { ClusterProcess } from './cluster-process.ts';
import type { KeyChanges } from './key-changes.ts';
import { lost } from './key-changes.ts';
import type { ClusterKeysOptions } from './ports.ts';
import { bothClocks, identityOf } from './ports.ts';
import { callOnce, callProcess, wrappedKey } from './process-calls.ts';
import type { ProcessTable } from './process-table.ts';

interface Failed {
  readonly outcome: 'failed';
  readonly failure: KeyFailure;
}

export interface DatabaseKeyChangesParts {
  readonly options: ClusterKeysOptions;
  readonly processes: ProcessTable;
  readonly changes: KeyChanges;
  /** Of a record, out of turn. */
  readonly check: (id: string) => Promise<void>;
  /** @see SupervisedDatabaseKeys.tell */
  readonly tell: (clusterId: Guid) => Promise<void>;
  readonly changed: (clusterId: Guid) => void;
}

type Found = Versioned<ClusterKeyRecord>;

/** Makes and changes keys of single databases. Order of a creation: vault calls → the process holds the key → the caller's one commit with
 * the database and the record. Of a rotation: one unwrap, one wrap, the unwrap that proves it → the commit. Of another KEK, the first one
 * or none: the cluster's key is marked → both recorded keys unwrap, both new ones are made and proven → the catalog is laid out beside the
 * one in use, with the DEKs of that database and the keys of its log under the new wrap → the caller's one commit with the record of the
 * database's key, that of the cluster's, the head of the catalog and the resource → the process adopts both → what was left of the old
 * wraps is cleared from the disk. Until the commit the database is as it was, from then on the old KEK is needed for nothing; whatever comes
 * after it is repeated by the sweep, and a process that did not adopt is ended. */
export class DatabaseKeyChanges {
  readonly #parts: DatabaseKeyChangesParts;

  constructor(parts: DatabaseKeyChangesParts) {
    this.#parts = parts;
  }

  async create(clusterId: Guid, databaseId: Guid, key: CustomerKey): Promise<PreparedKeyChange | Failed> {
    const { options, processes } = this.#parts;
    const obtain = () => processes.obtain(clusterId);
    const kid = await this.#kidOf(obtain, key);
    if (kid.outcome === 'failed') return { outcome: 'failed', failure: kid };
    const target = { identity: key.identity, kid: kid.kid };
    let asked: ClusterProcess | undefined;
    const made = await callProcess(() => (asked = obtain()), 'makeDatabaseKey', { databaseId, target });
    if (made.outcome === 'failed') return { outcome: 'failed', failure: made };
    asked?.databases.set(databaseId, 'open');
    const custody = { kind: 'customer', key } as const;
    const { wrapped, check } = made;
    const record = firstRecord(databaseId, { custody, kid: kid.kid, wrapped, check, unwrapped: bothClocks(options) });
    return {
      write: [writeRecord(databaseKeyTable, databaseKeyId(clusterId, databaseId), null, record)],
      status: clusterKeyStatus(record),
      committed: () => this.#parts.tell(clusterId),
      abandoned: async () => {
        asked?.databases.delete(databaseId);
        const made = asked;
        if (made !== undefined) await callOnce(() => made, 'forgetDatabaseKey', { databaseId });
      },
    };
  }

  async change(
    clusterId: Guid,
    databaseId: Guid,
    to: CustomerKey | undefined,
  ): Promise<PreparedKeyChange | CurrentKeyLost | Failed> {
    const found = await this.#find(clusterId, databaseId);
    const isRotation =
      found !== undefined && to !== undefined && keyChangeKind(found.value, { kind: 'customer', key: to }) === 'rotate';
    return isRotation ? this.#rotate(clusterId, found, to) : this.#replace(clusterId, databaseId, to);
  }

  async #rotate(clusterId: Guid, found: Found, to: CustomerKey): Promise<PreparedKeyChange | CurrentKeyLost | Failed> {
    const { options, processes } = this.#parts;
    return processes.visits.during(async () => {
      const obtain = () => processes.visits.obtain();
      const kid = await this.#kidOf(obtain, to);
      if (kid.outcome === 'failed') return { outcome: 'failed', failure: kid } as const;
      const own = identityOf(found.value.custody, options.serviceVault);
      const isSameVersion = kid.kid.version === found.value.kid.version;
      // As for clusters: while the key is lost, only another identity for the same version may mend it.
      const repairs = found.value.suspension === undefined || isSameVersion;
      const current = wrappedKey(found.value, repairs ? [to.identity, own] : [own]);
      const target = { identity: to.identity, kid: kid.kid };
      const result = await callProcess(obtain, 'rewrap', { current, target });
      if (result.outcome === 'failed') return { outcome: 'failed', failure: result } as const;
      if (result.outcome !== 'rewrapped') return lost(found.value, result.failure);
      const { wrapped, check } = result;
      const custody = { kind: 'customer', key: to } as const;
      const unwrapped = bothClocks(options);
      const record = rotatedRecord(found.value, { custody, kid: kid.kid, wrapped, check, unwrapped });
      return {
        write: [writeRecord(databaseKeyTable, found.id, found.version, record)],
        status: clusterKeyStatus(record),
        committed: async () => {
          if (found.value.suspension !== undefined) this.#parts.changed(clusterId);
          await this.#parts.tell(clusterId);
        },
        abandoned: () => Promise.resolve(),
      };
    });
  }

  async #replace(
    clusterId: Guid,
    databaseId: Guid,
    to: CustomerKey | undefined,
  ): Promise<PreparedKeyChange | CurrentKeyLost | Failed> {
    const { options, processes, changes } = this.#parts;
    const kid = to && (await this.#kidOf(() => processes.obtain(clusterId), to));
    if (kid?.outcome === 'failed') return { outcome: 'failed', failure: kid };
    const next = to && kid && { key: to, kid: kid.kid };
    let before: Found | undefined;
    const prepared = await changes.changeWithDatabase(clusterId, {
      asked: async (): Promise<DatabaseKeyChangeCall> => {
        before = await this.#find(clusterId, databaseId);
        const own = before && [identityOf(before.value.custody, options.serviceVault)];
        return {
          databaseId,
          ...(before === undefined || own === undefined ? {} : { current: wrappedKey(before.value, own) }),
          ...(next === undefined ? {} : { target: { identity: next.key.identity, kid: next.kid } }),
        };
      },
      writes: async (made) => {
        const now = await this.#find(clusterId, databaseId);
        if (!isAsBefore(before, now)) return undefined;
        return this.#writes({ clusterId, databaseId, now, next }, made);
      },
    });
    if ('write' in prepared)
      return this.#prepared(prepared, { clusterId, databaseId, before, isOwn: to !== undefined });
    if (prepared.outcome === 'databaseKeyFailed') return { outcome: 'failed', failure: prepared.failure };
    if (prepared.outcome === 'currentKeyLost') return prepared;
    if (prepared.outcome === 'failed') return this.#ofCluster(clusterId, prepared.failure);
    invariant(before !== undefined, 'a key that is lost was recorded');
    await this.#parts.check(before.id); // what this change found out counts for the database, too
    return lost(before.value, prepared.failure);
  }

  /** The cluster's key was refused: the error names that one. */
  async #ofCluster(clusterId: Guid, failure: KeyFailure): Promise<CurrentKeyLost | Failed> {
    const found = await this.#parts.options.state.get(clusterKeyTable, clusterId);
    return found === undefined ? { outcome: 'failed', failure } : lost(found.value, failure);
  }

  /** The record of the key, as it is after the change. */
  #writes({ clusterId, databaseId, now, next }: Replacement, made: NewWrap | undefined): readonly StateWrite[] {
    const id = databaseKeyId(clusterId, databaseId);
    if (next === undefined) return now === undefined ? [] : [writeRecord(databaseKeyTable, id, now.version, null)];
    invariant(made !== undefined, 'a process that replaces a key makes one');
    const custody = { kind: 'customer', key: next.key } as const;
    const wrap = { custody, kid: next.kid, ...made, unwrapped: bothClocks(this.#parts.options) };
    const record = now === undefined ? firstRecord(databaseId, wrap) : replacedRecord(now.value, wrap);
    return [writeRecord(databaseKeyTable, id, now?.version ?? null, record)];
  }

  #prepared(
    prepared: PreparedKeyChange,
    { clusterId, databaseId, before, isOwn }: Omit<Replacement, 'now' | 'next'> & Prepared,
  ): PreparedKeyChange {
    const { processes, changed, tell } = this.#parts;
    const { generation } = prepared.status;
    return {
      ...prepared,
      committed: async () => {
        // Before it adopts: a commit of the process expects the records of the keys that it holds.
        if (isOwn) processes.running(clusterId)?.databases.set(databaseId, 'open');
        else processes.running(clusterId)?.databases.delete(databaseId);
        try {
          await prepared.committed();
        } finally {
          await this.#endUnlessHolding(clusterId, generation);
        }
        if (before?.value.suspension !== undefined) changed(clusterId);
        await tell(clusterId);
      },
      abandoned: async () => {
        await prepared.abandoned();
        const found = await this.#parts.options.state.get(clusterKeyTable, clusterId);
        // Nobody knows what was committed instead.
        if (found?.value.generation === generation) await this.#endUnlessHolding(clusterId, generation);
      },
    };
  }

  /** One that did not make the change would go on to seal with the key that it has of the database. */
  async #endUnlessHolding(clusterId: Guid, generation: number): Promise<void> {
    const process = this.#parts.processes.running(clusterId);
    if (process !== undefined && process.holds !== generation) await process.end();
  }

  #find(clusterId: Guid, databaseId: Guid): Promise<Found | undefined> {
    return this.#parts.options.state.get(databaseKeyTable, databaseKeyId(clusterId, databaseId));
  }

  async #kidOf(obtain: () => ClusterProcess, { vaultHost, keyName, keyVersion, identity }: CustomerKey) {
    if (keyVersion !== undefined)
      return { outcome: 'known', kid: { vaultHost, name: keyName, version: keyVersion } } as const;
    const seen = await callProcess(obtain, 'describe', { identity, key: { vaultHost, name: keyName } });
    return seen.outcome === 'failed' ? seen : ({ outcome: 'known', kid: seen.key.kid } as const);
  }
}

interface Replacement {
  readonly clusterId: Guid;
  readonly databaseId: Guid;
  readonly now: Found | undefined;
  /** Undefined: the database has no key of its own afterwards. */
  readonly next: { readonly key: CustomerKey; readonly kid: VersionedKeyId } | undefined;
}

interface Prepared {
  readonly before: Found | undefined;
  readonly isOwn: boolean;
}

/** Whether nothing has happened meanwhile that makes a change one of another key, or of one that was refused. */
function isAsBefore(before: Found | undefined, now: Found | undefined): boolean {
  if (before === undefined || now === undefined) return before === now;
  const isRefusedNow = now.value.suspension !== undefined && before.value.suspension === undefined;
  return !isRefusedNow && isSameWrap(before.value, now.value);
}
