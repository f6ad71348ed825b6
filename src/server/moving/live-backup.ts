import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import type { CatalogSide } from '../../cluster/process/remote-catalog-store.ts';
import { clusterCatalogTable, isOnSide, sideInUse } from '../../cluster/process/remote-catalog-store.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import type { StartTimer } from '../../http/timer.ts';
import type { ChangedRecord, Changes, HeldStore } from '../../state/held-store.ts';
import { HeldTooLongError, keyOf } from '../../state/held-store.ts';
import type { BackupProgress } from '../backup-routes.ts';
import { noteBlobs } from './backup-blobs.ts';
import { sideOf } from './backup-sides.ts';
import type { BackupSource, LaidOut, Laying } from './backup-source.ts';
import { catalogRecords } from './catalog-store.ts';
import type { CopyCluster } from './cluster-backup.ts';
import { catalogsOf, layOutCluster, requireOpened } from './cluster-backup.ts';
import type { CopiedBlob } from './copy-blobs.ts';
import { blobsOf, copyBlobs, digestOfList } from './copy-blobs.ts';
import { copyAgain, copyRecords, requireSameBut, sumRecords } from './copy-records.ts';
import { requireOpens } from './fill-target.ts';
import { clustersIn } from './held-state.ts';
import type { KeptCluster } from './kept-cluster.ts';
import { findCluster } from './kept-cluster.ts';
import type { MoveEnd } from './move-end.ts';
import { placeAt } from './move-end.ts';
import { MoveError } from './move-error.ts';

export interface LiveSource extends Omit<BackupSource, 'store' | 'layOut'> {
  readonly from: MoveEnd;
  /** Through which everything is committed. */
  readonly store: HeldStore;
  readonly startTimer: StartTimer;
  /** @throws when another node may have the state by now */
  readonly checkState: () => Promise<void>;
  readonly progress: (progress: BackupProgress) => void;
  /** Ends it, between two steps. */
  readonly signal: AbortSignal;
}

/** So long whoever commits waits at most, once or a few times. */
const heldMsMax = 3_000;
/** So few records are caught up on while commits are held; what changed in between is caught up on before, so often. */
const fewRecords = 1_000;
const roundsMax = 20;

/** An instance that is served while it is copied. The backup is of one moment between two commits, as a power cut would leave it.
 *
 * Order: it is told what is written → blobs and records as they come → what changed meanwhile, again → COMMITS ARE HELD: the last changes, and
 * the blobs of clusters that changed → they go on → everything that was not written since is compared. A blob is there before a commit names it, and is
 * deleted after none does: so while commits are held, all that records name are there. What is deleted while it is copied is none of those. */
export function liveSource(live: LiveSource): BackupSource {
  return { ...live, layOut: (laying) => layOutLive(live, laying) };
}

async function layOutLive(live: LiveSource, laying: Laying): Promise<LaidOut> {
  const changes = live.store.watch();
  try {
    const blobs = new LiveBlobs(live, laying);
    const { cluster } = laying;
    return await (cluster === undefined
      ? layOutAll(live, laying, changes, blobs)
      : layOutOne(live, { ...laying, cluster }, changes, blobs));
  } finally {
    changes.end();
  }
}

async function layOutAll(
  live: LiveSource,
  { target, side }: Laying,
  changes: Changes,
  blobs: LiveBlobs,
): Promise<LaidOut> {
  const { store, progress, rootKey, instance } = live;
  const laid = sideOf(target, side);
  for (const owner of await clustersIn(store)) await blobs.copy(owner);
  await copyRecords(store, laid, (done) => {
    live.signal.throwIfAborted();
    progress({ phase: 'records', done });
  });
  const catchUp = async (): Promise<void> => {
    live.signal.throwIfAborted();
    const changed = changes.take();
    progress({ phase: 'what changed meanwhile', done: changed.length });
    await copyAgain(store, laid, changed);
    for (const owner of ownersOf(changed)) await blobs.copy(owner);
  };
  const owners = await betweenCommits(live, async (hold) => {
    await catchUp();
    if (changes.keys.size > fewRecords) return undefined;
    return hold(async () => {
      await catchUp();
      return clustersIn(store);
    });
  });
  progress({ phase: 'reading back', done: 0 });
  await requireSameBut(store, laid, changes.keys);
  await requireOpens(laid, rootKey, instance);
  return { records: await sumRecords(laid), blobs: await blobs.note(owners) };
}

/** As a whole instance, with the cluster's catalog as the store that is copied. A change of its custody lays the catalog out on its other side: then
 * that is copied. */
async function layOutOne(
  live: LiveSource,
  { target, side, cluster }: Laying & { readonly cluster: KeptCluster },
  changes: Changes,
  blobs: LiveBlobs,
): Promise<LaidOut> {
  const { progress, signal } = live;
  const { name, clusterId } = cluster;
  const laid = sideOf(target, side);
  await blobs.copy(clusterId);
  const copy: CopyCluster = async (copying) => {
    const { from } = copying;
    let copied: CatalogSide | undefined;
    const catchUp = async (inUse: CatalogSide): Promise<void> => {
      signal.throwIfAborted();
      const changed = inCatalog(changes.take(), clusterId, inUse);
      progress({ phase: 'what changed meanwhile', done: changed.length });
      await copyAgain(...catalogsOf(copying, inUse), changed);
      if (changed.length > 0) await blobs.copy(clusterId);
    };
    const copyAll = async (inUse: CatalogSide): Promise<void> => {
      if (inUse === copied) return;
      changes.take();
      await copyRecords(...catalogsOf(copying, inUse), (done) => {
        signal.throwIfAborted();
        progress({ phase: 'records', done });
      });
      copied = inUse;
    };
    const held = await betweenCommits(live, async (hold) => {
      const inUse = await sideInUse(from, clusterId);
      await copyAll(inUse);
      await catchUp(inUse);
      if (changes.keys.size > fewRecords) return undefined;
      return hold(async () => {
        const now = await findCluster(from, name);
        if (now.clusterId !== clusterId) throw new MoveError(`The cluster '${name}' is another one by now.`);
        await requireOpened(from, now);
        if ((await sideInUse(from, clusterId)) !== inUse) return undefined;
        await catchUp(inUse);
        return { now, inUse };
      });
    });
    progress({ phase: 'reading back', done: 0 });
    const start = keyOf({ table: clusterCatalogTable.name, id: `${clusterId}/${held.inUse}` });
    const bareStart = keyOf({ table: catalogRecords, id: '' });
    await requireSameBut(...catalogsOf(copying, held.inUse), {
      has: (key) => changes.keys.has(start + key.slice(bareStart.length)),
    });
    return held.now;
  };
  const laidOut = await layOutCluster(live.read, laid, live.rootKey, cluster, copy);
  return { records: await sumRecords(laid), blobs: await blobs.note([clusterId]), cluster: laidOut };
}

type Hold = <T>(work: () => Promise<T>) => Promise<T>;

/** @param attempt gives nothing when too much had changed meanwhile @throws MoveError when that does not end */
async function betweenCommits<T>(
  { store, startTimer, checkState, signal }: LiveSource,
  attempt: (hold: Hold) => Promise<T | undefined>,
): Promise<T> {
  const hold: Hold = (work) =>
    store.hold(heldMsMax, startTimer, async () => {
      const found = await work();
      // So nobody else has written before: a node that takes over waits until this one's lease has run out.
      await checkState();
      return found;
    });
  for (let round = 1; round <= roundsMax; round += 1) {
    signal.throwIfAborted();
    const found = await attempt(hold).catch((error: unknown) => {
      if (error instanceof HeldTooLongError) return undefined;
      throw error;
    });
    if (found !== undefined) return found;
  }
  throw new MoveError('The instance changes faster than it can be copied. Stop it, or try again when it is quieter.');
}

/** Of what was written, the records of a cluster's catalog on one side, as `catalogStore` has them. */
const inCatalog = (changed: readonly ChangedRecord[], clusterId: Guid, side: CatalogSide): readonly ChangedRecord[] =>
  changed
    .filter(({ table, id }) => table === clusterCatalogTable.name && isOnSide(clusterId, side, id))
    .map(({ id }) => ({ table: catalogRecords, id: id.slice(`${clusterId}/${side}`.length) }));

/** Clusters of which something was written that may name blobs. */
function ownersOf(changed: readonly ChangedRecord[]): ReadonlySet<Guid> {
  const owners = new Set<Guid>();
  for (const { table, id } of changed) {
    if (table !== clusterCatalogTable.name && table !== clusterKeyTable.name) continue;
    const owner = parseGuid(id.split('/', 1)[0] ?? '');
    if (owner !== undefined) owners.add(owner);
  }
  return owners;
}

/** Blobs that were copied so far. A name is used once, so what was copied is not read again. */
class LiveBlobs {
  readonly #live: LiveSource;
  readonly #laying: Laying;
  /** By owner and name. */
  readonly #copied = new Map<string, CopiedBlob>();
  /** What each owner had when it was looked at last, in the order of the names. */
  readonly #listed = new Map<Guid, readonly string[]>();

  constructor(live: LiveSource, laying: Laying) {
    this.#live = live;
    this.#laying = laying;
  }

  /** What the cluster has now, and had not when it was looked at last. */
  async copy(owner: Guid): Promise<void> {
    const { from, progress, signal } = this.#live;
    signal.throwIfAborted();
    const all = await blobsOf(placeAt(from), owner);
    const wanted = all.filter(({ name }) => !this.#copied.has(`${owner}/${name}`));
    const before = this.#copied.size;
    await copyBlobs(placeAt(from), placeAt(this.#laying.to), [owner], {
      ...{ keepsOthers: true, mayVanish: true, wanted: () => Promise.resolve(wanted) },
      done: (blobs) => progress({ phase: 'extents', done: before + blobs }),
      copied: (blobs) => {
        for (const blob of blobs) this.#copied.set(`${owner}/${blob.name}`, blob);
        return Promise.resolve();
      },
    });
    this.#listed.set(
      owner,
      all.map(({ name }) => name),
    );
  }

  /** Lists in the backup what its clusters had when commits were held. */
  async note(owners: readonly Guid[]): Promise<LaidOut['blobs']> {
    const { target, side } = this.#laying;
    const blobs = [...owners]
      .sort()
      .flatMap((owner) =>
        (this.#listed.get(owner) ?? []).flatMap((name) => this.#copied.get(`${owner}/${name}`) ?? []),
      );
    await noteBlobs(target, side, blobs);
    const bytes = blobs.reduce((sum, { length }) => sum + length, 0);
    return { blobs: blobs.length, bytes, digest: digestOfList(blobs) };
  }
}
