import type { ListOptions, RecordCommit, StateStore, StoredRecord } from '../../state/state-store.ts';

/** The records of a backup lie on one of two sides of its store, that of its manifest; the next backup is laid out on the other. So what a
 * manifest names stays as it is until the commit that names the other side. */
export type BackupSide = 'a' | 'b';

export const otherSide = (side: BackupSide | undefined): BackupSide => (side === 'a' ? 'b' : 'a');

const prefixOf = (side: BackupSide): string => `side-${side}-`;

/** Which blobs the backup on a side has: id `{cluster}/{name}`, the value a line of JSON. */
export const blobListOf = (side: BackupSide): string => `blobs-${side}`;

/** The store as one that holds the records of one side alone. Closing it closes nothing. */
export function sideOf(store: StateStore, side: BackupSide): StateStore {
  const prefix = prefixOf(side);
  const named = <T extends { readonly table: string }>(record: T): T => ({ ...record, table: prefix + record.table });
  const bare = (record: StoredRecord): StoredRecord => ({ ...record, table: record.table.slice(prefix.length) });
  return {
    get: async (table, id) => {
      const found = await store.get(prefix + table, id);
      return found && bare(found);
    },
    list: async (table, options?: ListOptions) => (await store.list(prefix + table, options)).map(bare),
    tables: async () =>
      (await store.tables()).filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length)),
    commit: ({ expect, write, ...more }: RecordCommit) =>
      store.commit({ ...more, ...(expect && { expect: expect.map(named) }), write: write.map(named) }),
    compact: () => store.compact(),
    close: () => Promise.resolve(),
  };
}

/** Whether a table is of a side: its records or its list of blobs. */
export const isOfSide = (table: string, side: BackupSide): boolean =>
  table.startsWith(prefixOf(side)) || table === blobListOf(side);
