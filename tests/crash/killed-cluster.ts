import childProcess from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { Guid } from '../../src/base/guid.ts';
import { parseGuid } from '../../src/base/guid.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import type { Json } from '../../src/base/json.ts';
import type { VersionedKeyId } from '../../src/base/key-id.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { instant } from '../../src/clock/clock.ts';
import { ManualHost } from '../../src/clock/manual-host.ts';
import { HostMonotonicClock } from '../../src/clock/monotonic-clock.ts';
import { SystemClock } from '../../src/clock/system-clock.ts';
import { Channel } from '../../src/cluster/messages/channel.ts';
import { DatabaseKeyring } from '../../src/cluster/process/database-keyring.ts';
import { dataKeysOf } from '../../src/cluster/process/data-keys.ts';
import { DataHolder } from '../../src/cluster/process/data-holder.ts';
import { KeyHolder } from '../../src/cluster/process/key-holder.ts';
import type { SupervisorCall, SupervisorCalls } from '../../src/cluster/messages/supervisor-calls.ts';
import type { SupervisorReplies } from '../../src/cluster/messages/supervisor-replies.ts';
import { clusterCatalogTable, createRemoteCatalogStore } from '../../src/cluster/process/remote-catalog-store.ts';
import { createRemoteState } from '../../src/cluster/process/remote-state.ts';
import type { SupervisedClusterKeys } from '../../src/cluster/supervisor/cluster-keys.ts';
import { createClusterKeys } from '../../src/cluster/supervisor/cluster-keys.ts';
import type { ClusterKeyRecord } from '../../src/encryption/cluster-key-state.ts';
import { clusterKeyTable } from '../../src/encryption/cluster-key-state.ts';
import type { Custody, PreparedKeyChange } from '../../src/encryption/cluster-keys.ts';
import { Catalog } from '../../src/database/catalog/catalog.ts';
import type { CatalogImage } from '../../src/database/catalog/image.ts';
import type { CatalogStore } from '../../src/database/catalog/catalog-store.ts';
import type { OpenedClusterData } from '../../src/database/open-cluster-data.ts';
import type { EngineDatabase } from '../../src/kql/duckdb/engine-database.ts';
import type { QueryEngine } from '../../src/kql/query-engine.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { StateConflictError } from '../../src/state/state-store.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import type { State, Table } from '../../src/state/state.ts';
import { writeRecord } from '../../src/state/state.ts';
import { FilesystemBlobStore } from '../../src/storage/filesystem/filesystem-blob-store.ts';
import { readRows } from '../support/read-rows.ts';
import { FileVault, serviceHost } from './file-vault.ts';
import { operationsOf } from './killed-operations.ts';
import type { Written } from './watched-store.ts';
import { WatchedStore } from './watched-store.ts';

function guid(digit: number): Guid {
  const found = parseGuid(`00000000-0000-4000-8000-00000000000${digit}`);
  if (found === undefined) throw new Error('this is a guid');
  return found;
}
export const clusterId = guid(1);
const database = { databaseId: guid(2), name: 'db' };
const [identity, serviceIdentity] = [guid(3), guid(4)];

/** Stands for the cluster as the resource manager keeps it: written in the commit that changes the key. */
export const resources: Table<Json> = { name: 'test-resources', parse: (value) => value };

export interface KilledClusterOptions {
  /** Holds `state`, `extents`, `vault`, and `pairs.json` with private keys. */
  readonly directory: string;
  readonly engine: EngineDatabase;
  readonly queries: QueryEngine;
  /** What all clocks say, milliseconds; time stands still. */
  readonly now: number;
  /** Hears of each new value that the cluster's keys open, before it is durable. */
  readonly written?: (value: Written) => void;
  /** Between the supervisor and the state. */
  readonly wrapState?: (state: State) => State;
  /** Records that its process reads at once, and that a change of custody writes at once. */
  readonly recordsEach?: number;
  /** Absent: as many as a page holds. */
  readonly extentsPerPage?: number | undefined;
}

export interface KilledCluster {
  readonly directory: string;
  readonly engine: EngineDatabase;
  readonly queries: QueryEngine;
  readonly keys: SupervisedClusterKeys;
  readonly state: SealedState;
  readonly vault: FileVault;
  /** Opens the key first when need be. */
  readonly data: () => Promise<OpenedClusterData>;
  readonly rows: (table: string) => Promise<Map<string, number[]>>;
  /** Number and object of each event that was copied, as text, in the order of their numbers. */
  readonly eventRows: (table: string) => Promise<string[]>;
  readonly record: () => Promise<ClusterKeyRecord>;
  readonly customer: (kid: VersionedKeyId, how?: { readonly versionless: boolean }) => Custody;
  /** All values with keys in them, as they are stored now. */
  readonly stored: () => Promise<readonly Written[]>;
  /** As a request to the resource manager does it. */
  readonly changeTo: (custody: Custody, attempts?: number) => Promise<void>;
  /** The same of its database; undefined: it has no key of its own afterwards. */
  readonly changeDatabaseTo: (kid: VersionedKeyId | undefined) => Promise<void>;
  /** The key version that wraps the own key of the database. */
  readonly databaseKid: () => Promise<VersionedKeyId | undefined>;
  /** How many extents and segments of the log the key of the database wraps, and how many it does not. */
  readonly wraps: () => Promise<{ readonly own: number; readonly others: number }>;
  /** How many extents have a filter of their terms. */
  readonly filters: () => Promise<number>;
  /** The catalog as it is stored, read apart. */
  readonly image: () => Promise<CatalogImage>;
  /** The process of the cluster dies. */
  readonly killProcess: () => Promise<void>;
  /** Adds records of extents that are copies of one of that table. The data is then opened anew. */
  readonly copyExtents: (table: string, count: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A cluster with everything below the network as the server has it: sealed state in SQLite, blobs in files, supervisor, keys,
 * catalog, log, extents. Two things differ: the process of the cluster is this one, and the vault is files. */
export async function openKilledCluster(options: KilledClusterOptions): Promise<KilledCluster> {
  const { directory, engine, queries, now } = options;
  for (const part of ['state', 'vault']) mkdirSync(join(directory, part), { recursive: true });
  const pairs = JSON.parse(readFileSync(join(directory, 'pairs.json'), 'utf8')) as string[];
  const vault = new FileVault(join(directory, 'vault'), pairs);
  const store = new WatchedStore(SqliteStateStore.open(join(directory, 'state')), options.written);
  const rootKey = new RootKey(Buffer.alloc(32, 7));
  const state = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes });
  store.generation = (await state.get(clusterKeyTable, clusterId))?.value.generation ?? 0;
  const time = { host: new ManualHost(now, now), onError: fail };
  const clock = new SystemClock(time);
  const blobs = FilesystemBlobStore.open(join(directory, 'extents'));
  const started: InsideProcess[] = [];
  let inside: InsideProcess | undefined;
  startInside = () => {
    const made = new InsideProcess({
      ...{ vault, blobs, engine, queries, now, recordsEach: options.recordsEach },
      extentsPerPage: options.extentsPerPage,
      // One that visits keys is nobody's.
      configured: (settings) => (inside = settings.clusterId === undefined ? inside : made),
    });
    started.push(made);
    return made;
  };
  const keys = createClusterKeys({
    ...{
      state: options.wrapState?.(state) ?? state,
      clock,
      monotonic: new HostMonotonicClock(time),
      randomBytes: systemRandomBytes,
    },
    mintToken: () => Promise.reject(new Error('nobody asks for a token')),
    resolveHost: () => Promise.resolve({ where: 'ours' }),
    edge: { address: '127.0.0.1', port: 0, ca: '' },
    serviceVault: vault.serviceVault(serviceIdentity),
    settings: { keyCacheSeconds: 300, keyOutageGraceSeconds: 3600, keyRecheckSeconds: 30, vaultTimeoutMs: 5000 },
    clusterTables: [clusterCatalogTable.name],
    processScript: insideScript,
    compact: () => state.compact(),
    log: { event: () => undefined, warning: () => undefined, failure: (_name, error) => fail(error) },
  });
  const data = async (): Promise<OpenedClusterData> => {
    const admission = await keys.admit(clusterId);
    if (admission.outcome !== 'admitted' || inside === undefined) throw new Error(JSON.stringify(admission));
    const opened = await inside.data.data();
    if (opened.databases().length === 0) await opened.setDatabases([database]);
    return opened;
  };
  const running = async (): Promise<InsideProcess> => {
    await data();
    if (inside === undefined) throw new Error('the cluster has no process');
    return inside;
  };
  const image = async (): Promise<CatalogImage> => (await (await running()).catalog()).image;
  const customer: KilledCluster['customer'] = (kid, how) => ({
    kind: 'customer',
    key: {
      ...{ vaultUri: `https://${kid.vaultHost}/`, vaultHost: kid.vaultHost, keyName: kid.name, identity },
      ...(how?.versionless === true ? {} : { keyVersion: kid.version }),
    },
  });
  // As the resource manager does: a check of the key may have changed the record meanwhile, then the change is made anew.
  const changed = async (
    id: Guid,
    value: string,
    attempts = 8,
    prepare: () => Promise<PreparedKeyChange | { readonly outcome: string }>,
  ): Promise<void> => {
    const before = await state.get(resources, id);
    const change = await prepare();
    if (!('write' in change)) throw new Error(`The change was refused: ${JSON.stringify(change)}`);
    const resource = writeRecord(resources, id, before?.version ?? null, value);
    try {
      await state.commit({ write: [...change.write, resource] });
    } catch (error) {
      await change.abandoned();
      if (!(error instanceof StateConflictError) || attempts === 1) throw error;
      await changed(id, value, attempts - 1, prepare);
      return;
    }
    await change.committed();
  };
  return {
    ...{ directory, engine, queries, keys, state, vault, data, customer },
    stored: () => store.stored(),
    rows: async (table) => {
      const found = new Map<string, number[]>();
      for (const [request, row] of await readRows(await data(), engine, table))
        found.set(String(request), [...(found.get(String(request)) ?? []), Number(row)]);
      return found;
    },
    eventRows: async (table) => {
      const opened = await data();
      if (!opened.database('db').tables.has(table)) return [];
      const names = opened.table('db', table).columns.map(({ name }) => name);
      const [number, id] = [names.indexOf('_Sequence'), names.indexOf('Id')];
      const rows = await readRows(opened, engine, table, '_Sequence');
      return rows.map((row) => `${String(row[number])} ${String(row[id])}`);
    },
    record: async () => {
      const found = await state.get(clusterKeyTable, clusterId);
      if (found === undefined) throw new Error('the cluster has no key');
      return found.value;
    },
    changeTo: async (custody, attempts) => {
      const isNew = (await state.get(clusterKeyTable, clusterId)) === undefined;
      await changed(clusterId, resourceOf(custody), attempts, () =>
        isNew ? keys.create(clusterId, custody) : keys.change(clusterId, custody),
      );
    },
    changeDatabaseTo: async (kid) => {
      const to = kid && customer(kid);
      const key = to?.kind === 'customer' ? to.key : undefined;
      const { databaseId } = database;
      const value = kid?.version ?? withoutKey;
      await changed(databaseId, value, undefined, () => keys.databases.change(clusterId, databaseId, key));
    },
    databaseKid: async () => (await keys.databases.status(clusterId, database.databaseId))?.kid,
    wraps: async () => (await running()).wraps(),
    filters: async () => [...(await image()).all()].filter((one) => one.kind === 'extent' && one.terms).length,
    image,
    killProcess: () => killed(inside),
    copyExtents: async (table, count) => {
      await data();
      await inside?.copyExtents(table, count);
      await inside?.data.putBack(instant(now));
    },
    close: async () => {
      for (const one of started) await one.data.dispose();
      await keys.close();
      clock.close();
      await state.close();
    },
  };
}

async function killed(inside: InsideProcess | undefined): Promise<void> {
  if (inside === undefined) return;
  const exited = once(inside, 'exit');
  inside.kill();
  await exited;
}

/** Every error is one too many. */
function fail(error: unknown): void {
  console.error(error);
  process.exit(3);
}

export const databaseId = database.databaseId;
/** What the resource of a database says that has no key of its own. */
export const withoutKey = 'none';

/** What the resource says of its key: the version when it names one. */
export const resourceOf = (custody: Custody): string =>
  custody.kind === 'customer' ? (custody.key.keyVersion ?? 'latest') : custody.kind;

const insideScript = 'inside';
let startInside: () => InsideProcess = () => {
  throw new Error('nobody is to start a process');
};
const { fork } = childProcess;
Object.assign(childProcess, {
  fork: (...call: Parameters<typeof fork>) => (call[0] === insideScript ? startInside() : fork(...call)),
});
syncBuiltinESMExports();

const copiesEach = 2_000;
/** Bytes of the key of a segment in two wraps. */
const twiceWrappedKey = 48;

interface InsideParts {
  readonly vault: FileVault;
  readonly blobs: FilesystemBlobStore;
  readonly engine: EngineDatabase;
  readonly queries: QueryEngine;
  readonly now: number;
  readonly recordsEach: number | undefined;
  readonly extentsPerPage: number | undefined;
  readonly configured: (settings: SupervisorCalls['configure']) => void;
}

/** Stands for the child process of a cluster: the same parts, at the other end of a channel that copies what it carries. */
class InsideProcess extends EventEmitter {
  readonly pid = process.pid;
  readonly data: DataHolder;
  readonly #channel: Channel;
  readonly #keys: KeyHolder;
  readonly #store: CatalogStore;

  constructor({ vault, blobs, engine, queries, now, recordsEach, extentsPerPage, configured }: InsideParts) {
    super();
    this.#channel = new Channel({
      send: (message) => this.#later(message, (copy) => this.emit('message', copy)),
      serve: (operation, body) => serve(operation as SupervisorCall, body as never),
    });
    const keys = new KeyHolder({
      ...{ clusterId, wrapper: vault, randomBytes: systemRandomBytes },
      firstCatalog: (key) => this.data.first(key),
      rewrapCatalog: (old, next, change, database) => this.data.rewrap(old, next, change, database),
    });
    const state = createRemoteState({
      clusterId,
      call: (operation, body) => this.#channel.call(operation, body),
      generation: () => keys.current()?.generation,
    });
    this.#keys = keys;
    const databaseKeys = new DatabaseKeyring();
    this.#store = createRemoteCatalogStore(state, clusterId, recordsEach === undefined ? {} : { recordsEach });
    this.data = new DataHolder({
      ...{ clusterId, randomBytes: systemRandomBytes, databaseKeys },
      store: this.#store,
      current: () => keys.current(),
      pause: () => new Promise((resolve) => setTimeout(resolve, 1)),
    });
    this.data.serveWith({
      ...{ endpoint: 'contoso', blobs, engine, queries },
      ...{ cacheBytesMax: 64 << 20, openBytesMax: 256 << 20 },
      ...(extentsPerPage === undefined ? {} : { extentsPerPage }),
    });
    this.data.tell(instant(now));
    const operations = operationsOf({ vault, keys, data: this.data, databaseKeys, configured });
    const serve = async <Call extends SupervisorCall>(
      operation: Call,
      body: SupervisorCalls[Call],
    ): Promise<SupervisorReplies[Call]> => operations[operation](body);
  }

  /** As it is stored, read apart. */
  async catalog(): Promise<Catalog> {
    const current = this.#keys.current();
    if (current === undefined) throw new Error('the cluster has no key');
    const opened = await Catalog.open({
      ...{ clusterId, store: this.#store, randomBytes: systemRandomBytes, now: () => instant(0) },
      keys: dataKeysOf(current.generation, current.key, {
        randomBytes: systemRandomBytes,
        databaseKeys: new DatabaseKeyring(),
      }),
      pause: () => Promise.resolve(),
    });
    return opened.catalog;
  }

  /** How many extents and segments of the log the key of the database wraps, and how many it does not. */
  async wraps(): Promise<{ readonly own: number; readonly others: number }> {
    const { image } = await this.catalog();
    const isOwn = [...image.all()].flatMap((record) => {
      if (record.kind === 'segment') return [Buffer.from(record.wrappedKey, 'base64url').length === twiceWrappedKey];
      if (record.kind !== 'extent') return [];
      const { sealed, ranges } = record;
      if (sealed.sealedFor !== undefined && Object.keys(ranges).length > 0) throw new Error('values in the catalog');
      return [sealed.sealedFor === database.databaseId];
    });
    return { own: isOwn.filter(Boolean).length, others: isOwn.filter((is) => !is).length };
  }

  async copyExtents(table: string, count: number): Promise<void> {
    const catalog = await this.catalog();
    const { tableId } = catalog.image.tablesOf(database.databaseId).find(({ name }) => name === table) ?? {};
    const [model] = tableId === undefined ? [] : catalog.image.extentsOf(tableId);
    if (model === undefined) throw new Error('there is no extent');
    for (let made = 0; made < count; made += copiesEach)
      await catalog.change((draft) => {
        for (let n = made; n < Math.min(count, made + copiesEach); n += 1)
          draft.put({ ...model, extentId: newGuid(systemRandomBytes) });
      });
  }

  send(message: unknown, sent: (error: Error | null) => void): void {
    this.#later(message, (copy) => this.#channel.receive(copy));
    sent(null);
  }

  kill(): boolean {
    this.#channel.close('It was killed.');
    setImmediate(() => this.emit('exit'));
    return true;
  }

  #later(message: unknown, arrive: (copy: unknown) => void): void {
    const copy: unknown = structuredClone(message);
    setImmediate(() => arrive(copy));
  }
}

export const isServiceKey = ({ vaultHost }: VersionedKeyId): boolean => vaultHost === serviceHost;
