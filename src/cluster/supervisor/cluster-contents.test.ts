import { afterEach, describe, expect, it } from 'vitest';
import { mkdirSync, mkdtempSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSmallContainer } from '../../../tests/support/small-container.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import { writeRecord } from '../../state/state.ts';
import type { BlobPlace } from '../../storage/places/blob-place.ts';
import type { ClusterContentsPorts } from './cluster-contents.ts';
import { createClusterContents, removedClusters, removedDatabases, sweptAgainMs } from './cluster-contents.ts';
import { clusterCatalogTable } from '../process/remote-catalog-store.ts';
import type { SupervisedClusterKeys } from './cluster-keys.ts';

const made: string[] = [];
afterEach(() => {
  for (const directory of made.splice(0)) rmSync(directory, { recursive: true });
});

/** Two clusters that have no process, one record each. */
async function twoClusters(given?: BlobPlace) {
  const state = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(Buffer.alloc(32, 1)),
    randomBytes: systemRandomBytes,
  });
  const directory = mkdtempSync(join(tmpdir(), 'kustody-contents-'));
  made.push(directory);
  const ids: readonly [Guid, Guid] = [newGuid(systemRandomBytes), newGuid(systemRandomBytes)];
  const sealed = { format: 1, generation: 1, revision: 1, sealed: 'AAAA' } as const;
  for (const id of ids) await state.commit({ write: [writeRecord(clusterCatalogTable, `${id}/head`, null, sealed)] });
  /** Names of databases that a process has been told are deleted, once there is one. */
  const told: string[][] = [];
  const process = {
    call: (_operation: string, { dropped }: { readonly dropped: string[] }) => {
      told.push(dropped);
      return Promise.resolve({ outcome: 'done', removed: dropped, problems: { count: 0, first: [] } });
    },
    end: () => Promise.resolve(),
  };
  const running = new Set<Guid>();
  const keys = {
    processOf: (id: Guid) => (running.has(id) ? process : undefined),
    admitted: (id: Guid) => Promise.resolve({ outcome: running.has(id) ? 'admitted' : 'absent' }),
  };
  const time = { now: 1_000_000, isDoubtful: false };
  const failures: string[] = [];
  const ports: ClusterContentsPorts = {
    state,
    keys: keys as unknown as SupervisedClusterKeys,
    blobs: given ?? { directory },
    clock: { now: () => time.now, every: () => () => undefined },
    log: {
      event: () => undefined,
      warning: () => undefined,
      failure: (_name, error) => void failures.push(String(error)),
    },
    destructionHeld: () => time.isDoubtful,
  };
  const put = (id: Guid, name: string): void => {
    mkdirSync(join(directory, id), { recursive: true });
    writeFileSync(join(directory, id, `${name}.blob`), 'sealed');
  };
  return {
    ...{ state, ids, time, failures, running, told, put, contents: createClusterContents(ports) },
    restarted: () => createClusterContents(ports),
    hasDirectory: (id: Guid) => existsSync(join(directory, id)),
    waiting: async () => (await state.list(removedClusters)).map(({ value }) => value.sweepAt),
  };
}

describe('the contents of a deleted cluster', () => {
  it('go, records and directory, and those of another one stay', async () => {
    const { state, ids, put, contents, hasDirectory, failures } = await twoClusters();
    const [gone, stays] = ids;
    for (const id of ids) put(id, 'a');
    await contents.upkeep();
    expect((await state.list(clusterCatalogTable)).length).toBe(2);
    await state.commit({ write: [...(await contents.removeCluster(gone))] });
    await contents.upkeep();
    expect((await state.list(clusterCatalogTable)).map(({ id }) => id)).toEqual([`${stays}/head`]);
    expect(ids.map(hasDirectory)).toEqual([false, true]);
    expect(await contents.databaseBytes(stays, gone)).toBeUndefined();
    expect(failures).toEqual([]);
  });

  it('are looked for once more after the longest request, whoever serves then: what came late goes', async () => {
    const { state, ids, put, time, contents, restarted, hasDirectory, waiting } = await twoClusters();
    const [gone, stays] = ids;
    for (const id of ids) put(id, 'a');
    await state.commit({ write: [...(await contents.removeCluster(gone))] });
    await contents.upkeep();
    const dueAt = time.now + sweptAgainMs;
    put(gone, 'late'); // of a process that was paused before it was deleted
    time.now = dueAt - 1;
    await restarted().upkeep();
    expect([hasDirectory(gone), await waiting()]).toEqual([true, [dueAt]]);
    time.now = dueAt;
    time.isDoubtful = true;
    await restarted().upkeep();
    expect(hasDirectory(gone)).toBe(true);
    time.isDoubtful = false;
    await restarted().upkeep();
    expect([hasDirectory(gone), hasDirectory(stays), await waiting()]).toEqual([false, true, []]);
  });

  it('and those of a deleted database are looked for once more by its cluster, which is woken for that', async () => {
    const { state, ids, time, contents, restarted, running, told } = await twoClusters();
    const [id] = ids;
    const database = newGuid(systemRandomBytes);
    await state.commit({ write: [...(await contents.removeDatabase(id, database))] });
    expect(await contents.hasDropped(id)).toBe(true);
    await contents.upkeepOf(id, []); // it has no process
    expect([told, await contents.hasDropped(id)]).toEqual([[], true]);
    running.add(id);
    await contents.upkeepOf(id, []);
    expect([told.splice(0), await contents.hasDropped(id)]).toEqual([[[database]], false]);
    time.now += sweptAgainMs - 1;
    await contents.upkeepOf(id, []);
    expect([told.splice(0), await contents.hasDropped(id)]).toEqual([[[]], false]);
    time.now += 1;
    const again = restarted();
    expect(await again.hasDropped(id)).toBe(true);
    await again.upkeepOf(id, []);
    expect([told, await again.hasDropped(id), await state.list(removedDatabases)]).toEqual([[[database]], false, []]);
  });

  it('are kept in mind while their container is away, which is not asked for each of many', async () => {
    const container = await startSmallContainer();
    const { state, ids, time, contents, failures, waiting } = await twoClusters({ container: container.url });
    for (const id of ids) {
      container.blobs.set(`${id}/clusters/${id}/a`, Buffer.from('sealed'));
      await state.commit({ write: [...(await contents.removeCluster(id))] });
    }
    container.refuse(403);
    await contents.upkeep();
    expect([failures.length, (await waiting()).length, container.blobs.size]).toEqual([1, 2, 2]);
    container.answer();
    await contents.upkeep();
    expect([failures.length, container.blobs.size]).toEqual([1, 0]);
    const [one] = ids;
    container.blobs.set(`${one}/clusters/${one}/late`, Buffer.from('sealed'));
    time.now += sweptAgainMs;
    container.refuse(403);
    await contents.upkeep();
    expect((await waiting()).length).toBe(2);
    container.answer();
    await contents.upkeep();
    expect([await waiting(), container.blobs.size]).toEqual([[], 0]);
    await container.close();
  });
});
