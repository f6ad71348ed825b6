import type { HotLimits } from '../../src/database/extents/hot-extents.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import type { Guid } from '../../src/base/guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { instant } from '../../src/clock/clock.ts';
import { DatabaseKeyring } from '../../src/cluster/process/database-keyring.ts';
import { dataKeysOf } from '../../src/cluster/process/data-keys.ts';
import { OwnSecondLayer } from '../../src/cluster/process/own-second-layer.ts';
import { DataHolder } from '../../src/cluster/process/data-holder.ts';
import {
  clearSide,
  createRemoteCatalogStore,
  otherSide,
  sideInUse,
} from '../../src/cluster/process/remote-catalog-store.ts';
import { ClusterKey } from '../../src/encryption/cluster-key.ts';
import { Catalog } from '../../src/database/catalog/catalog.ts';
import type { ExtentRecord } from '../../src/database/catalog/records.ts';
import { headId } from '../../src/database/catalog/records.ts';
import type { CatalogStore } from '../../src/database/catalog/catalog-store.ts';
import type { ClusterDatabase } from '../../src/database/catalog/catalog-view.ts';
import type { DataQueries } from '../../src/database/ingest/update-query.ts';
import type { IngestRequest } from '../../src/database/ingest/ingest-request.ts';
import type { OpenedClusterData } from '../../src/database/open-cluster-data.ts';
import type { ColumnValues, EngineDatabase } from '../../src/kql/duckdb/engine-database.ts';
import { openEngineDatabase } from '../../src/kql/duckdb/engine-database.ts';
import type { Column, KqlType } from '../../src/kql/plan/types.ts';
import { natives } from '../../src/kql/language.ts';
import { MemoryStateStore } from '../../src/state/memory/memory-state-store.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import type { State } from '../../src/state/state.ts';
import type { StateStore } from '../../src/state/state-store.ts';
import type { BlobStore } from '../../src/storage/blob-store.ts';
import { MemoryBlobStore } from '../../src/storage/memory/memory-blob-store.ts';
import { readRows } from './read-rows.ts';

export const started = Date.UTC(2026, 0, 1);

export interface DataFixture {
  readonly clusterId: Guid;
  readonly database: ClusterDatabase;
  readonly blobs: BlobStore;
  readonly state: State;
  readonly stateStore: StateStore;
  readonly engine: EngineDatabase;
  readonly holder: () => DataHolder;
  /** Opened, and told of the database `db`. */
  readonly data: () => Promise<OpenedClusterData>;
  /** As a process that was killed and started again: nothing is closed. */
  readonly crash: () => Promise<OpenedClusterData>;
  readonly table: (name: string, columns: Readonly<Record<string, KqlType>>) => Promise<void>;
  readonly ingest: (
    table: string,
    format: string,
    text: string,
    more?: Partial<IngestRequest>,
  ) => Promise<Awaited<ReturnType<OpenedClusterData['ingest']>>>;
  /** All rows of a table as the engine reads them; decimal and guid as text. */
  readonly rows: (table: string, order?: string) => Promise<ColumnValues[]>;
  readonly advance: (milliseconds: number) => void;
  /** Another cluster key, as after a change of custody: plans and commits it. */
  readonly changeCustody: (options?: {
    readonly abandon?: boolean;
    readonly unheard?: boolean;
    /** Between the commit and the moment when the process hears of it. */
    readonly committed?: () => Promise<void>;
    /** Whether the database has a key of its own from now on, another one than before. Absent: that stays as it is. */
    readonly ownKey?: boolean;
  }) => Promise<void>;
  /** The catalog as another process opens it now. */
  readonly catalog: () => Promise<Catalog>;
  /** Adds records of extents that are copies of the first one, perhaps changed, by way of a catalog of its own. @returns how many */
  readonly manyExtents: (count: number, change?: (copy: ExtentRecord) => ExtentRecord) => Promise<number>;
  /** The key may not be used any more. */
  readonly revoke: () => void;
  readonly close: () => Promise<void>;
}

export interface DataFixtureOptions {
  readonly blobs?: BlobStore;
  readonly stateStore?: StateStore;
  /** Shared by several fixtures; stays open. */
  readonly engine?: EngineDatabase;
  readonly cacheBytesMax?: number;
  readonly openBytesMax?: number;
  readonly memoryDirectory?: string;
  /** Default: no extent becomes a table. */
  readonly hot?: HotLimits;
  /** Of a cluster that was there before. */
  readonly known?: { readonly clusterId: Guid; readonly databaseId: Guid; readonly key: Uint8Array };
  /** Default: there are none. */
  readonly queries?: DataQueries;
  /** Between the catalog and the state. */
  readonly wrapStore?: (store: CatalogStore) => CatalogStore;
  readonly doubleEncryption?: boolean;
}

const infrastructureKey = Buffer.alloc(32, 9);

export async function openDataFixture(options: DataFixtureOptions = {}): Promise<DataFixture> {
  const { known } = options;
  const clusterId = known?.clusterId ?? newGuid(systemRandomBytes);
  const stateStore = options.stateStore ?? new MemoryStateStore();
  const blobs = options.blobs ?? new MemoryBlobStore();
  const state = await SealedState.open({
    store: stateStore,
    rootKey: new RootKey(Buffer.alloc(32, 7)),
    randomBytes: systemRandomBytes,
  });
  const engine = options.engine ?? (await openTestEngine());
  const database: ClusterDatabase = { databaseId: known?.databaseId ?? newGuid(systemRandomBytes), name: 'db' };
  const firstKey = ClusterKey.from(clusterId, Buffer.from(known?.key ?? systemRandomBytes(32)));
  let current = { generation: 1, key: firstKey };
  let isRevoked = false;
  let now = instant(started);
  const secondLayer =
    options.doubleEncryption === true
      ? new OwnSecondLayer(() => Promise.resolve(infrastructureKey), systemRandomBytes)
      : undefined;
  const store = createRemoteCatalogStore(state, clusterId, secondLayer && { secondLayer: () => secondLayer.get() });
  let ownKey: Buffer | undefined;
  const ownKeyOf = (bytes: Buffer | undefined): ClusterKey | undefined =>
    bytes && ClusterKey.from(database.databaseId, Buffer.from(bytes));
  const keyring = (): DatabaseKeyring => {
    const ring = new DatabaseKeyring();
    const key = ownKeyOf(ownKey);
    if (key !== undefined) ring.open(database.databaseId, key);
    return ring;
  };
  const openCatalog = async (): Promise<Catalog> => {
    const keys = dataKeysOf(current.generation, current.key, {
      randomBytes: systemRandomBytes,
      databaseKeys: keyring(),
    });
    const { catalog } = await Catalog.open({
      ...{ clusterId, keys, store, randomBytes: systemRandomBytes, now: () => now },
      pause: () => Promise.resolve(),
    });
    return catalog;
  };
  const holders: DataHolder[] = [];
  const open = (): DataHolder => {
    const holder = new DataHolder({
      databaseKeys: keyring(),
      ...(secondLayer && { secondLayer }),
      clusterId,
      store: options.wrapStore?.(store) ?? store,
      current: () => (isRevoked ? undefined : current),
      randomBytes: systemRandomBytes,
      pause: () => new Promise((resolve) => setImmediate(resolve)),
    });
    holder.serveWith({
      endpoint: 'contoso',
      blobs,
      engine,
      queries: options.queries ?? noQueries,
      cacheBytesMax: options.cacheBytesMax ?? 64 << 20,
      openBytesMax: options.openBytesMax ?? 256 << 20,
      ...(options.hot && { hot: options.hot }),
      ...(options.memoryDirectory === undefined ? {} : { memoryDirectory: options.memoryDirectory }),
    });
    holder.tell(now);
    holders.push(holder);
    return holder;
  };
  let holder = open();
  if ((await store.get(headId)) === undefined)
    await state.commit({ write: holder.first(firstKey, secondLayer && infrastructureKey) });
  const data = async (): Promise<OpenedClusterData> => {
    const opened = await holder.data();
    if (opened.databases().length === 0) await opened.setDatabases([database]);
    return opened;
  };
  return {
    ...{ clusterId, database, blobs, state, stateStore, engine, data, catalog: openCatalog },
    holder: () => holder,
    crash: () => {
      holder = open();
      return data();
    },
    table: async (name, columns) => {
      const list: Column[] = Object.entries(columns).map(([column, type]) => ({ name: column, type }));
      const opened = await data();
      await opened.createTables('db', [{ name, columns: list }]);
      await opened.setPolicy('db', name, 'streamingingestion', { IsEnabled: true, HintAllocatedRate: null });
    },
    ingest: async (table, format, text, more = {}) =>
      (await data()).ingest({ database: 'db', table, format, body: Buffer.from(text), kind: 'streaming', ...more }),
    rows: async (table, order) => readRows(await data(), engine, table, order),
    advance: (milliseconds) => {
      now = instant(now + milliseconds);
      holder.tell(now);
    },
    changeCustody: async ({ abandon = false, unheard = false, committed, ownKey: hasOwnKey } = {}) => {
      const next = ClusterKey.create(clusterId, systemRandomBytes);
      const nextOwn = hasOwnKey === true ? Buffer.from(systemRandomBytes(32)) : undefined;
      const own =
        hasOwnKey === undefined
          ? undefined
          : { databaseId: database.databaseId, from: ownKeyOf(ownKey), to: ownKeyOf(nextOwn) };
      const write = await holder.rewrap(current.key, next, newGuid(systemRandomBytes), own);
      if (abandon) {
        holder.forget();
        return;
      }
      await state.commit({ write });
      await committed?.();
      current = { generation: current.generation + 1, key: next };
      if (hasOwnKey !== undefined) ownKey = nextOwn;
      if (!unheard) holder.adopt();
      const other = otherSide(await sideInUse(state, clusterId));
      await clearSide(state, clusterId, other, (gone) => state.commit({ write: gone }));
    },
    manyExtents: async (count, change = (copy) => copy) => {
      const catalog = await openCatalog();
      const [model] = [...catalog.image.all()].flatMap((record) => (record.kind === 'extent' ? [record] : []));
      await catalog.change((draft) => {
        for (let made = 0; model !== undefined && made < count; made += 1)
          draft.put(change({ ...model, extentId: newGuid(systemRandomBytes) }));
      });
      holder = open();
      await data();
      return count;
    },
    revoke: () => {
      isRevoked = true;
    },
    close: async () => {
      for (const one of holders) await one.dispose();
      if (options.engine === undefined) engine.close();
    },
  };
}

/** Of data that nobody asks in KQL. */
export const noQueries: DataQueries = {
  programOf: () => ({ compile: () => Promise.reject(new Error('nothing is compiled here')) }),
  prepareRows: () => Promise.reject(new Error('nothing runs here')),
};

export const openTestEngine = (memoryLimit = '1GB', spillDirectory?: string): Promise<EngineDatabase> =>
  openEngineDatabase({ threads: 2, memoryLimit, ...(spillDirectory === undefined ? {} : { spillDirectory }) }, natives);
