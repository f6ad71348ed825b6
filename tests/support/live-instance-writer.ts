import { join } from 'node:path';
import type { Guid } from '../../src/base/guid.ts';
import type { Json } from '../../src/base/json.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { instant } from '../../src/clock/clock.ts';
import { readInstance } from '../../src/server/instance.ts';
import { tellCopied } from '../../src/server/copy-events.ts';
import { takeBackup } from '../../src/server/moving/backup.ts';
import type { BackupManifest } from '../../src/server/moving/backup-manifest.ts';
import type { LiveSource } from '../../src/server/moving/live-backup.ts';
import { liveSource } from '../../src/server/moving/live-backup.ts';
import { startSystemTimer } from '../../src/http/timer.ts';
import { stateTables } from '../../src/server/state-tables.ts';
import { HeldStore } from '../../src/state/held-store.ts';
import type { RootKey } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import type { State, Table } from '../../src/state/state.ts';
import { writeRecord } from '../../src/state/state.ts';
import type { BlobName } from '../../src/storage/blob-store.ts';
import { FilesystemBlobStore } from '../../src/storage/filesystem/filesystem-blob-store.ts';
import { movedClusters } from './moved-instance.ts';

const catalog: Table<Json> = { name: 'cluster-catalog', parse: (value) => value };
const [one, two] = movedClusters as [Guid, Guid];
/** So many extents are named at a time. */
const namedMax = 3;

/** An instance that is open as a server has it. */
export async function openLive(directory: string, rootKey: RootKey) {
  const store = new HeldStore(SqliteStateStore.open(directory));
  const sealed = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes, tables: stateTables });
  const instance = await readInstance(sealed);
  if (instance === undefined) throw new Error('It is an instance.');
  const now = () => instant(0);
  const take = (to: string, more: Partial<LiveSource> = {}, cluster?: string): Promise<BackupManifest> => {
    const from = { dataDirectory: directory };
    const source = liveSource({
      ...{ from, store, rootKey, instance, written: () => 3, read: (work) => work(sealed) },
      rootKeyKid: () => Promise.resolve(undefined),
      ...{ tell: (copied) => tellCopied(sealed, instance, copied), checkState: () => Promise.resolve() },
      ...{ startTimer: startSystemTimer, progress: () => undefined, signal: new AbortController().signal },
      ...more,
    });
    return takeBackup({ from, to: { dataDirectory: to }, now, ...(cluster !== undefined && { cluster }) }, source);
  };
  return { store, sealed, take, close: () => sealed.close() };
}

/** Writes as clusters do: an extent, then the commit that names it; a commit that names another no more, then that is deleted. Each commit
 * writes the same number for both clusters. */
export class LiveWriter {
  readonly #state: State;
  readonly #blobs: FilesystemBlobStore;
  #step = 0;

  constructor(directory: string, state: State) {
    this.#state = state;
    this.#blobs = FilesystemBlobStore.open(join(directory, 'extents', one));
  }

  get steps(): number {
    return this.#step;
  }

  /** @param first number of an extent, where an earlier writer has been */
  async write(first = 0): Promise<void> {
    const step = (this.#step = Math.max(this.#step, first) + 1);
    const extent = (n: number): string => `live-${String(n).padStart(8, '0')}`;
    await this.#blobs.write(extent(step) as BlobName, pieces(step));
    const old = step > first + namedMax ? extent(step - namedMax) : undefined;
    const found = await Promise.all(
      [`${one}/number`, `${two}/number`, `${one}/${old ?? ''}`].map((id) => this.#state.get(catalog, id)),
    );
    await this.#state.commit({
      write: [
        writeRecord<Json>(catalog, `${one}/number`, found[0]?.version ?? null, { step }),
        writeRecord<Json>(catalog, `${one}/${extent(step)}`, null, { extent: extent(step) }),
        ...(old === undefined ? [] : [writeRecord<Json>(catalog, `${one}/${old}`, found[2]?.version ?? null, null)]),
        writeRecord<Json>(catalog, `${two}/number`, found[1]?.version ?? null, { step }),
      ],
    });
    if (old !== undefined) await this.#blobs.delete(old as BlobName);
  }

  /** Until told otherwise. @returns what ends it */
  start(): () => Promise<void> {
    const ending = new AbortController();
    const running = (async () => {
      while (!ending.signal.aborted) await this.write();
    })();
    return () => {
      ending.abort();
      return running;
    };
  }
}

async function* pieces(step: number): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(Buffer.from(`extent ${step} `.repeat(200)));
}

/** Of an instance that nobody has open: the numbers of both clusters, and extents that are named and are not there. */
export async function foundIn(
  directory: string,
  rootKey: RootKey,
): Promise<{ readonly numbers: readonly unknown[]; readonly named: number; readonly missing: readonly string[] }> {
  const store = SqliteStateStore.open(directory);
  const sealed = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes, tables: stateTables });
  try {
    const blobs = new Set<string>();
    for await (const { name } of FilesystemBlobStore.reader(join(directory, 'extents', one)).list('')) blobs.add(name);
    const numbers = await Promise.all([one, two].map(async (id) => (await sealed.get(catalog, `${id}/number`))?.value));
    const named = (await sealed.list(catalog, { prefix: `${one}/live-` })).map(({ id }) => id.slice(one.length + 1));
    return { numbers, named: named.length, missing: named.filter((name) => !blobs.has(name)) };
  } finally {
    await sealed.close();
  }
}
