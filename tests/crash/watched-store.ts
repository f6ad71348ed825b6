import { clusterCatalogTable } from '../../src/cluster/process/remote-catalog-store.ts';
import { clusterKeyTable } from '../../src/encryption/cluster-key-state.ts';
import { databaseKeyTable } from '../../src/encryption/database-keys.ts';
import type { StateStore } from '../../src/state/state-store.ts';

/** A stored value with keys in it, or sealed under them. */
export interface Written {
  /** Of the cluster key when it was written. */
  readonly generation: number;
  /** Bytes that no other value has, hex. */
  readonly mark: string;
}

/** Tells what is written for keys to open. Records of the log of small writes do not count: a change of custody leaves them as they
 * are, since only the key of their segment is wrapped anew. */
export class WatchedStore implements StateStore {
  readonly #store: StateStore;
  readonly #written: (value: Written) => void;
  generation = 0;

  constructor(store: StateStore, written: (value: Written) => void = () => undefined) {
    this.#store = store;
    this.#written = written;
  }

  get: StateStore['get'] = (table, id) => this.#store.get(table, id);
  list: StateStore['list'] = (table, how) => this.#store.list(table, how);
  tables: StateStore['tables'] = () => this.#store.tables();
  compact: StateStore['compact'] = () => this.#store.compact();
  close: StateStore['close'] = () => this.#store.close();

  commit: StateStore['commit'] = (commit) => {
    const puts = commit.write.flatMap(({ table, id, put }) => (put === null ? [] : [{ table, id, value: put.value }]));
    const changes = (name: string): boolean => puts.some(({ table }) => table === name);
    if (changes(clusterKeyTable.name) && changes(clusterCatalogTable.name)) this.generation += 1;
    for (const { id, table, value } of puts) if (isKeyed(table, id)) this.#written(this.#mark(table, id, value));
    return this.#store.commit(commit);
  };

  async stored(): Promise<readonly Written[]> {
    const tables = [clusterKeyTable.name, databaseKeyTable.name, clusterCatalogTable.name];
    const records = (await Promise.all(tables.map((table) => this.#store.list(table)))).flat();
    return records.flatMap(({ table, id, value }) => (isKeyed(table, id) ? [this.#mark(table, id, value)] : []));
  }

  /** After format and epoch come nonce and ciphertext. */
  #mark(table: string, id: string, value: Uint8Array): Written {
    // Each change of custody goes to the other side: what is there before its commit belongs to the key that is to come.
    const isBeside = table === clusterCatalogTable.name && id.includes('/~/') === (this.generation % 2 === 1);
    return {
      generation: this.generation + (isBeside ? 1 : 0),
      mark: Buffer.from(value.subarray(17, 45)).toString('hex'),
    };
  }
}

const isKeyed = (table: string, id: string): boolean =>
  [clusterKeyTable.name, databaseKeyTable.name].includes(table) ||
  (table === clusterCatalogTable.name && !id.includes('/l/'));
