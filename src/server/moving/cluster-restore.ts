import type { Guid } from '../../base/guid.ts';
import { formatKeyId, isSameKey } from '../../base/key-id.ts';
import { longAgo } from '../../clock/monotonic-clock.ts';
import type { Instant } from '../../clock/clock.ts';
import {
  clearSide,
  clusterCatalogTable,
  keptPrefix,
  otherSide,
  sideInUse,
} from '../../cluster/process/remote-catalog-store.ts';
import { keyTodos } from '../../cluster/supervisor/key-todos.ts';
import { headId } from '../../database/catalog/records.ts';
import type { ClusterKeyRecord } from '../../encryption/cluster-key-state.ts';
import { clusterKeyTable } from '../../encryption/cluster-key-state.ts';
import type { Log } from '../../http/logging.ts';
import type { RootKey } from '../../state/root-key.ts';
import { stateIdOf } from '../../state/sealed/check-record.ts';
import type { SealedState } from '../../state/sealed/sealed-state.ts';
import type { State } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { requireServed } from '../move-marks.ts';
import { openStore } from '../state-place.ts';
import { copyBeside, notedBlobs } from './backup-blobs.ts';
import type { BackupCluster, BackupManifest } from './backup-manifest.ts';
import { readManifest } from './backup-manifest.ts';
import { sideOf } from './backup-sides.ts';
import { missingBytes } from './copy-blobs.ts';
import { tellCopied } from '../copy-events.ts';
import { requireSameRecords, sumRecords } from './copy-records.ts';
import { withState } from './held-state.ts';
import type { KeptCluster, KeptRecords } from './kept-cluster.ts';
import { catalogOf, countKept, findCluster, headOf, keepRecords, sumCatalog, waitsForOpening } from './kept-cluster.ts';
import type { MoveEnd } from './move-end.ts';
import { endName, placeAt } from './move-end.ts';
import { MoveError, withoutYes } from './move-error.ts';
import { anyState, openHeld, openSource, requireState } from './open-source.ts';
import { requireRoom } from './require-room.ts';

export interface ClusterRestoreSettings {
  /** The directory of the backup. */
  readonly from: Pick<MoveEnd, 'dataDirectory'>;
  /** The instance that the cluster is in, which nobody serves. */
  readonly to: MoveEnd;
  /** Name of the cluster, of which the backup is. */
  readonly cluster: string;
  /** Kept elsewhere; without it the file beside the data of the instance. */
  readonly rootKey?: RootKey;
  /** Rows that came since are gone, and rows that were purged since are there. */
  readonly acceptsRollback: boolean;
  /** Told of a refusal for want of it, as the audit is. */
  readonly log?: Pick<Log, 'warning'>;
  readonly now: () => Instant;
  /** Of the disk of a directory. */
  readonly freeBytes?: (directory: string) => number;
}

/** Sets what one cluster holds back to a backup. Vaults, keys, roles, identities and the cluster's suspension stay those of the instance now: the
 * cluster key has to be unwrapped by the key of the backup, as the cluster's identity, before a row is read. What the catalog of now says of who
 * may read or do what is laid beside, as it is sealed, and the cluster takes it over when it opens its data next (`database/keep-access`).
 *
 * Without a yes to that the log and the audit say so, and nothing else is done.
 *
 * Order: both locked → the records of the backup held against its manifest → the audit → the list of its extents and all of them as well, before any
 * is written → extents beside those that are there, each held against that list while it is written, and read back → that something is to be
 * cleared away → the catalog, on the side that is not in use → what is kept of the one in use → BOTH HEADS AND THE RECORD OF THE KEY, in one
 * commit → the side that was left is cleared, what is there is read back, what was overwritten goes → nothing is left to be cleared away → the
 * audit. Until that commit the cluster is what it was, whatever ends it; afterwards it is the backup's. The same call does all again.
 * @throws MoveError and what `migrate` throws */
export async function restoreCluster(
  settings: ClusterRestoreSettings,
): Promise<{ manifest: BackupManifest; kept: KeptRecords }> {
  const { from, to, cluster, now } = settings;
  const { opened, close } = await openHeld(
    { from: to, ...(settings.rootKey && { rootKey: settings.rootKey }) },
    requireServed,
  );
  const { store } = opened;
  try {
    await requireState(store, to);
    const target = await openSource({ from: to, ...(settings.rootKey && { rootKey: settings.rootKey }) }, store);
    const { instance, rootKey } = target;
    if (!settings.acceptsRollback) {
      settings.log?.warning('restore-refused', { operation: 'ClusterRestore', why: withoutYes });
      const place = `${endName(from)} (cluster ${cluster})`;
      await withState(store, rootKey, (state) =>
        tellCopied(state, instance, { operation: 'ClusterRestore', status: 'Refused', place, now: now() }),
      );
      throw new MoveError(
        'Restoring a cluster sets its tables back: rows and tables that came since are gone, and what was purged since is there again. Give --accept-rollback if that is wanted.',
      );
    }
    const source = await openStore(from, undefined, undefined, anyState);
    try {
      if (source.format.written > opened.format.written)
        throw new MoveError(
          `The backup in ${from.dataDirectory} has format ${source.format.written}, and ${endName(to)} format ${opened.format.written}: 'kustody upgrade finish' there comes first.`,
        );
      const manifest = await readManifest(source.store, rootKey, from.dataDirectory);
      const kept = sideOf(source.store, manifest.side);
      const held = manifest.cluster;
      if (held === undefined)
        throw new MoveError(`${from.dataDirectory} is a backup of a whole instance, not of a cluster.`);
      if (manifest.state !== (await stateIdOf(store)))
        throw new MoveError(`${from.dataDirectory} is a backup of another instance.`);
      requireSameRecords(manifest.records, await sumRecords(kept), 'The backup was changed');
      const wrapped = await withState(kept, rootKey, (state) => state.get(clusterKeyTable, held.clusterId));
      if (wrapped === undefined) throw new MoveError(`${from.dataDirectory} holds no key of its cluster.`);
      const there = await withState(store, rootKey, (state) => findCluster(state, cluster));
      requireTakes(there, held, wrapped.value);
      const place = `${endName(from)}, taken ${manifest.takenOn} (cluster ${held.name})`;
      const tell = (status: 'Started' | 'Succeeded'): Promise<void> =>
        withState(store, rootKey, (state) =>
          tellCopied(state, instance, { operation: 'ClusterRestore', status, place, now: now() }),
        );
      const wanted = (owner: Guid) => notedBlobs(source.store, manifest.side, owner);
      const blobBytes =
        to.blobs === undefined ? await missingBytes(placeAt(from), placeAt(to), [held.clusterId], wanted) : 0;
      requireRoom(to.dataDirectory, { blobBytes, recordBytes: manifest.records.bytes }, settings.freeBytes);
      await tell('Started');
      await copyBeside([placeAt(from), placeAt(to)], held.clusterId, manifest.blobs, wanted);
      await withState(kept, rootKey, (backup) =>
        withState(store, rootKey, (state) => putBack(state, backup, there, held, wrapped.value)),
      );
      await store.compact();
      await withState(store, rootKey, (state) => settle(state, held.clusterId));
      await tell('Succeeded');
      return { manifest, kept: await withState(store, rootKey, (state) => countKept(state, held.clusterId)) };
    } finally {
      await source.close();
    }
  } finally {
    await close();
  }
}

/** @throws MoveError when the cluster is another one, or is not where the backup could be read under the keys and roles of now */
function requireTakes(there: KeptCluster, held: BackupCluster, wrapped: ClusterKeyRecord): void {
  if (there.clusterId !== held.clusterId)
    throw new MoveError(`The backup is of the cluster '${held.name}', not of '${there.name}' that is there now.`);
  const now = there.key.value;
  // What restricts reading now is sealed under the cluster key of now, and has to open with that of the backup.
  if (now.generation !== wrapped.generation || now.check !== wrapped.check)
    throw new MoveError(
      `The cluster '${held.name}' has got another cluster key since the backup was taken, by a change of its custody: who may read what now does not open with that of the backup, and is not set back. A backup of the whole instance holds both.`,
    );
  if (!isSameKey(now.kid, wrapped.kid) || now.custody.kind !== wrapped.custody.kind)
    throw new MoveError(
      `The backup needs the key ${held.kid}, and the cluster is under ${formatKeyId(now.kid)}. Set the cluster to the key of the backup first.`,
    );
  const pinned = now.custody.kind === 'customer' ? now.custody.key.keyVersion : undefined;
  if (pinned !== undefined && pinned !== wrapped.kid.version)
    throw new MoveError(
      `The backup needs ${held.kid}, and the cluster names the version ${pinned}. Set the cluster to the version of the backup first.`,
    );
  if (JSON.stringify(there.databases.map(([id]) => id)) !== JSON.stringify(held.databases.map(([id]) => id)))
    throw new MoveError(
      `The cluster has the databases ${namesOf(there)}, and the backup ${namesOf(held)}: one that was deleted or made since keeps the backup from being restored.`,
    );
}

const namesOf = ({ databases }: Pick<BackupCluster, 'databases'>): string =>
  databases.length === 0 ? 'none' : databases.map(([, name]) => `'${name}'`).join(', ');

async function putBack(
  state: State,
  backup: State,
  there: KeptCluster,
  held: BackupCluster,
  wrapped: ClusterKeyRecord,
): Promise<void> {
  const { clusterId } = held;
  const todo = await state.get(keyTodos, clusterId);
  if (todo === undefined)
    await state.commit({
      write: [writeRecord(keyTodos, clusterId, null, { clusterId, action: 'compact', since: longAgo })],
    });
  const from = await sideInUse(state, clusterId);
  const to = otherSide(from);
  const commit = (write: Parameters<State['commit']>[0]['write']): Promise<void> => state.commit({ write });
  await clearSide(state, clusterId, to, commit);
  const put = (id: string, value: unknown) =>
    writeRecord<unknown>(clusterCatalogTable, `${clusterId}/${to}${id}`, null, value);
  let head: unknown;
  for await (const page of catalogOf(backup, clusterId)) {
    head = page.find(({ id }) => id === headId)?.value;
    const others = page.filter(({ id }) => id !== headId);
    if (others.length > 0) await commit(others.map(({ id, value }) => put(id, value)));
  }
  await keepRecords(state, clusterId, from);
  const before = await headOf(state, clusterId, from);
  const waits = await waitsForOpening(state, clusterId);
  const { suspension, warning, stopped, custody } = there.key.value;
  // No lease: whether the key opens is asked anew. What the instance says of the cluster now stays.
  const { generation, kid, wrapped: wrap, check } = wrapped;
  const key: ClusterKeyRecord = {
    ...{ format: 1, clusterId, generation, custody, kid, wrapped: wrap, check, stopped },
    ...(suspension === undefined ? {} : { suspension }),
    ...(warning === undefined ? {} : { warning }),
  };
  await commit([
    ...(before === undefined ? [] : [writeRecord<unknown>(clusterCatalogTable, before.id, before.version, null)]),
    ...(before === undefined || waits
      ? []
      : [writeRecord<unknown>(clusterCatalogTable, keptPrefix(clusterId) + headId, null, before.value)]),
    ...(head === undefined ? [] : [put(headId, head)]),
    writeRecord(clusterKeyTable, clusterId, there.key.version, key),
  ]);
  await clearSide(state, clusterId, from, commit);
  const found = await sumCatalog(state, clusterId);
  if (found.digest !== held.catalog.digest)
    throw new MoveError(`The catalog of '${held.name}' was read back as something else than the backup has.`);
}

/** Nothing is left to clear away. */
async function settle(state: SealedState, clusterId: Guid): Promise<void> {
  const todo = await state.get(keyTodos, clusterId);
  if (todo !== undefined) await state.commit({ write: [writeRecord(keyTodos, clusterId, todo.version, null)] });
}
