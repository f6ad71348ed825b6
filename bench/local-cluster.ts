import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Guid } from '../src/base/guid.ts';
import { newGuid } from '../src/base/new-guid.ts';
import type { Json } from '../src/base/json.ts';
import { systemRandomBytes } from '../src/base/random.ts';
import { instant } from '../src/clock/clock.ts';
import { DatabaseKeyring } from '../src/cluster/process/database-keyring.ts';
import { dataKeysOf } from '../src/cluster/process/data-keys.ts';
import { DataHolder } from '../src/cluster/process/data-holder.ts';
import { createRemoteCatalogStore } from '../src/cluster/process/remote-catalog-store.ts';
import { ClusterKey } from '../src/encryption/cluster-key.ts';
import { Catalog } from '../src/database/catalog/catalog.ts';
import { extentsPerPage, makePage } from '../src/database/catalog/extent-page.ts';
import type { ExtentRecord } from '../src/database/catalog/records.ts';
import type { OpenedClusterData } from '../src/database/open-cluster-data.ts';
import type { EngineDatabase } from '../src/kql/duckdb/engine-database.ts';
import { openEngineDatabase } from '../src/kql/duckdb/engine-database.ts';
import type { ParsedCommand } from '../src/kql/plan/command.ts';
import type { KqlParser } from '../src/kql/parser/parser-client.ts';
import { createKqlParser } from '../src/kql/parser/parser-client.ts';
import type { ScanCounts } from '../src/kql/query-request.ts';
import type { QueryEngine } from '../src/kql/query-engine.ts';
import { createQueryEngine } from '../src/kql/query-engine.ts';
import { functionFacts, natives } from '../src/kql/language.ts';
import { RootKey } from '../src/state/root-key.ts';
import { SealedState } from '../src/state/sealed/sealed-state.ts';
import type { Table } from '../src/state/state.ts';
import { writeRecord } from '../src/state/state.ts';
import { SqliteStateStore } from '../src/state/sqlite/sqlite-state-store.ts';
import { FilesystemBlobStore } from '../src/storage/filesystem/filesystem-blob-store.ts';

/** One cluster's data with its engine in this process: state in SQLite and blobs in files, as in the product. */
export interface LocalCluster {
  readonly clusterId: Guid;
  readonly directory: string;
  readonly data: () => Promise<OpenedClusterData>;
  /** As after a start: nothing of the data is open. */
  readonly restart: () => Promise<void>;
  /** Runs KQL and takes its rows. @returns how many rows */
  readonly query: (text: string) => Promise<number>;
  /** Runs KQL. @returns what it has read, and what it has left out unread */
  readonly scannedBy: (text: string) => Promise<ScanCounts | undefined>;
  /** Reads a command by the names of the catalog, as a cluster does before it runs it. */
  readonly parse: (command: string) => Promise<ParsedCommand>;
  readonly database: EngineDatabase;
  /** Plans and commits a change of custody, as the supervisor does. */
  readonly changeCustody: () => Promise<void>;
  /** Commits another wrap of the cluster key, durably. */
  readonly commitKey: (wrapped: string) => Promise<void>;
  /** Adds records of extents that are copies of one of the first. @param change what becomes of each, numbered from 0 @param inPages as upkeep packs
   * them, in the order of their numbers */
  readonly copyExtents: (count: number, change?: ChangeCopy, inPages?: boolean) => Promise<void>;
  readonly close: () => Promise<void>;
}

type ChangeCopy = (copy: ExtentRecord, index: number) => ExtentRecord;

const now = instant(Date.UTC(2026, 0, 1));
const memoryMax = 8 * 1024 ** 3;

/** @param hotBytesMax for tables of extents that are read often; none by default */
export async function openLocalCluster(hotBytesMax?: number): Promise<LocalCluster> {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-bench-'));
  const clusterId = newGuid(systemRandomBytes);
  const state = await SealedState.open({
    store: SqliteStateStore.open(directory),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  const blobs = FilesystemBlobStore.open(join(directory, 'extents'));
  const engine = await openEngineDatabase({ threads: availableParallelism(), memoryLimit: '8GiB' }, natives);
  const parser = openParser();
  const queries = createQueryEngine({ parser, database: engine });
  const store = createRemoteCatalogStore(state, clusterId);
  const database = { databaseId: newGuid(systemRandomBytes), name: 'db' };
  let current = { generation: 1, key: ClusterKey.create(clusterId, systemRandomBytes) };
  const pause = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const open = (): DataHolder => {
    const opened = new DataHolder({
      ...{ clusterId, store, randomBytes: systemRandomBytes, databaseKeys: new DatabaseKeyring(), pause },
      current: () => current,
    });
    const parts = { endpoint: 'bench', blobs, engine, queries, cacheBytesMax: memoryMax, openBytesMax: memoryMax };
    opened.serveWith({ ...parts, ...(hotBytesMax === undefined ? {} : { hot: { bytesMax: hotBytesMax } }) });
    opened.tell(now);
    return opened;
  };
  let holder = open();
  await state.commit({ write: holder.first(current.key) });
  const data = async (): Promise<OpenedClusterData> => {
    const opened = await holder.data();
    if (opened.databases().length === 0) await opened.setDatabases([database]);
    return opened;
  };
  const restart = async (): Promise<void> => {
    await holder.dispose();
    holder = open();
  };
  let keyVersion: number | null = null;
  return {
    clusterId,
    directory,
    data,
    restart,
    query: async (text) => (await drained(queries, await data(), text)).rows,
    scannedBy: async (text) => (await drained(queries, await data(), text)).scanned,
    parse: async (text) => queries.parseCommand({ text, database: 'db', catalog: (await data()).kqlCatalog() }),
    database: engine,
    changeCustody: async () => {
      const next = ClusterKey.create(clusterId, systemRandomBytes);
      await state.commit({ write: await holder.rewrap(current.key, next, newGuid(systemRandomBytes)) });
      current = { generation: current.generation + 1, key: next };
      holder.adopt();
    },
    commitKey: async (wrapped) => {
      const table: Table<Json> = { name: 'keys', parse: (value) => value };
      await state.commit({ write: [writeRecord(table, clusterId, keyVersion, { wrapped })] });
      keyVersion = (await state.get(table, clusterId))?.version ?? null;
    },
    copyExtents: async (count, change = (copy) => copy, inPages = false) => {
      await holder.dispose();
      await copyFirstExtent({ clusterId, current, store, pause, count, change, inPages });
      holder = open();
    },
    close: async () => {
      await holder.dispose();
      parser.stop();
      engine.close();
      await state.close();
      rmSync(directory, { recursive: true });
    },
  };
}

/** The product's own parser process, beside the bundle of the benchmarks. */
export function openParser(): KqlParser {
  return createKqlParser({
    entry: join(import.meta.dirname, 'kql-process.js'),
    limits: { textMax: 2_000_000, parseMsMax: 60_000 },
    functions: functionFacts,
    after: (ms, act) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
  });
}

/** @returns how many rows */
export const drainQuery = async (...query: Parameters<typeof drained>): Promise<number> =>
  (await drained(...query)).rows;

async function drained(
  engine: QueryEngine,
  data: Pick<OpenedClusterData, 'kqlCatalog' | 'sources'>,
  text: string,
): Promise<{ readonly rows: number; readonly scanned: ScanCounts | undefined }> {
  const execution = await engine.execute({
    text,
    database: 'db',
    catalog: data.kqlCatalog(),
    now: 639_900_000_000_000_000n,
    sources: data.sources(),
  });
  try {
    let rows = 0;
    for (const { chunks } of execution.results) for await (const chunk of chunks) rows += chunk[0]?.length ?? 0;
    return { rows, scanned: execution.scanned };
  } finally {
    execution.close();
  }
}

async function copyFirstExtent(parts: {
  readonly clusterId: Guid;
  readonly current: { readonly generation: number; readonly key: ClusterKey };
  readonly store: ReturnType<typeof createRemoteCatalogStore>;
  readonly pause: () => Promise<void>;
  readonly count: number;
  readonly change: ChangeCopy;
  readonly inPages: boolean;
}): Promise<void> {
  const { clusterId, current, store, pause, count, change, inPages } = parts;
  const keys = dataKeysOf(current.generation, current.key, {
    randomBytes: systemRandomBytes,
    databaseKeys: new DatabaseKeyring(),
  });
  const { catalog } = await Catalog.open({
    ...{ clusterId, keys, store, randomBytes: systemRandomBytes, pause },
    now: () => instant(Date.now()),
  });
  const model = [...catalog.image.all()].find((record) => record.kind === 'extent');
  if (model?.kind !== 'extent') return;
  for (let made = 0; made < count; made += copiesAtOnce)
    await catalog.change((draft) => {
      const copies = Array.from({ length: Math.min(count - made, copiesAtOnce) }, (_value, index) => ({
        ...change(model, made + index),
        extentId: newGuid(systemRandomBytes),
      }));
      if (!inPages) for (const copy of copies) draft.put(copy);
      else
        for (let at = 0; at < copies.length; at += extentsPerPage)
          draft.put(makePage(newGuid(systemRandomBytes), copies.slice(at, at + extentsPerPage)));
    });
}

/** In one commit. */
const copiesAtOnce = 5_120;
