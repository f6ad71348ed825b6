import type { State, StateWrite, Table, Versioned } from '../state/state.ts';
import { StateConflictError } from '../state/state-store.ts';
import type { AuditHead, AuditRecord, ChainPoint } from './audit-chain.ts';
import { auditChain, auditCheckpoint, auditHead } from './audit-chain.ts';

/** The tables of the log as they are inside of their seals. */
export interface OpenRecords {
  readonly chain: Map<string, AuditRecord>;
  head: AuditHead | undefined;
  checkpoint: ChainPoint | undefined;
}

/** A state that anybody may write, of a copy of the records. */
export function openRecords(from: OpenRecords = { chain: new Map(), head: undefined, checkpoint: undefined }): {
  readonly records: OpenRecords;
  readonly state: State;
} {
  const records: OpenRecords = { ...from, chain: new Map(from.chain) };
  const one = (table: string, id: string): unknown => {
    if (table === auditChain.name) return records.chain.get(id);
    return table === auditHead.name ? records.head : records.checkpoint;
  };
  const versioned = <T>(table: Table<T>, id: string): Versioned<T> | undefined => {
    const value = one(table.name, id);
    return value === undefined ? undefined : { id, version: 1, value: value as T };
  };
  const put = ({ table, id, put: value }: StateWrite): void => {
    if (table.name === auditHead.name) records.head = value as AuditHead;
    else if (table.name === auditCheckpoint.name) records.checkpoint = value as ChainPoint;
    else if (value === null) records.chain.delete(id);
    else records.chain.set(id, value as AuditRecord);
  };
  const state: State = {
    get: (table, id) => Promise.resolve(versioned(table, id)),
    list: (table, { after = '', limit = 10_000 } = {}) =>
      Promise.resolve(
        [...records.chain.keys()]
          .filter((id) => id > after)
          .toSorted()
          .slice(0, limit)
          .flatMap((id) => versioned(table, id) ?? []),
      ),
    commit: ({ write }) => {
      for (const { table, id, expect } of write) {
        const isThere = one(table.name, id) !== undefined;
        if (isThere !== (expect !== null)) return Promise.reject(new StateConflictError(table.name, id));
      }
      for (const each of write) put(each);
      return Promise.resolve();
    },
  };
  return { records, state };
}
