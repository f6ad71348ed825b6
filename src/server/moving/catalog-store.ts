import type { Guid } from '../../base/guid.ts';
import { canonicalJson } from '../../base/canonical-json.ts';
import type { Json } from '../../base/json.ts';
import type { CatalogSide } from '../../cluster/process/remote-catalog-store.ts';
import { clusterCatalogTable, isOnSide } from '../../cluster/process/remote-catalog-store.ts';
import type { ListOptions, RecordCommit, RecordWrite, StateStore, StoredRecord } from '../../state/state-store.ts';
import type { State, StateWrite, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';

/** The table of the records of such a store. */
export const catalogRecords = 'catalog';

/** A state seals a record under a version of its own: what counts is what the record says. */
const anyVersion = 1;
const pageMax = 10_000;

/** What lies on one side of a cluster's catalog, as a store of its own: ids as the catalog has them, values as JSON, sealed under the cluster's key
 * as they are. So it can be copied as stores are. Closing it closes nothing. */
export function catalogStore(state: State, clusterId: Guid, side: CatalogSide): StateStore {
  const prefix = `${clusterId}/${side}`;
  const bare = ({ id, value }: Versioned<unknown>): StoredRecord => ({
    ...{ table: catalogRecords, id: id.slice(prefix.length), version: anyVersion },
    value: Buffer.from(canonicalJson(value as Json)),
  });
  const stored = async ({ id, expect, put }: RecordWrite): Promise<StateWrite> => {
    const storedId = prefix + id;
    const version = expect === null ? null : ((await state.get(clusterCatalogTable, storedId))?.version ?? expect);
    const value = put && clusterCatalogTable.parse(JSON.parse(Buffer.from(put.value).toString()) as Json);
    return writeRecord(clusterCatalogTable, storedId, version, value);
  };
  return {
    get: async (_, id) => {
      const found = await state.get(clusterCatalogTable, prefix + id);
      return found && bare(found);
    },
    list: async (_, { prefix: start = '', after, limit = pageMax }: ListOptions = {}) => {
      const records: StoredRecord[] = [];
      // Once something of the other side comes, which is left out, there is no more of this one: that side is not read through.
      for (let last = after; ;) {
        const from = { prefix: prefix + start, limit, ...(last !== undefined && { after: prefix + last }) };
        const page = await state.list(clusterCatalogTable, from);
        const own = page.filter(({ id }) => isOnSide(clusterId, side, id));
        records.push(...own.map(bare));
        if (own.length < limit || records.length >= limit) return records.slice(0, limit);
        last = page.at(-1)?.id.slice(prefix.length);
      }
    },
    tables: () => Promise.resolve([catalogRecords]),
    commit: async ({ write }: RecordCommit) => state.commit({ write: await Promise.all(write.map(stored)) }),
    compact: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}
