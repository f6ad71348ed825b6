import { describe, expect, it } from 'vitest';
import { mkdirSync, mkdtempSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import { writeRecord } from '../../state/state.ts';
import { createClusterContents } from './cluster-contents.ts';
import { clusterCatalogTable } from '../process/remote-catalog-store.ts';
import type { SupervisedClusterKeys } from './cluster-keys.ts';

describe('the contents of a deleted cluster', () => {
  it('go, records and directory, and those of another one stay', async () => {
    const state = await SealedState.open({
      store: new MemoryStateStore(),
      rootKey: new RootKey(Buffer.alloc(32, 1)),
      randomBytes: systemRandomBytes,
    });
    const extentDirectory = mkdtempSync(join(tmpdir(), 'kustody-contents-'));
    try {
      const [gone, stays] = [newGuid(systemRandomBytes), newGuid(systemRandomBytes)];
      for (const id of [gone, stays]) {
        mkdirSync(join(extentDirectory, id));
        writeFileSync(join(extentDirectory, id, 'a.blob'), 'sealed');
        await state.commit({
          write: [
            writeRecord(clusterCatalogTable, `${id}/head`, null, {
              format: 1,
              generation: 1,
              revision: 1,
              sealed: 'AAAA',
            }),
          ],
        });
      }
      const keys = {
        processOf: () => undefined,
        admitted: () => Promise.resolve({ outcome: 'absent' }),
      } satisfies Partial<SupervisedClusterKeys>;
      const log = {
        event: () => undefined,
        warning: () => undefined,
        failure: (_name: string, error: unknown) =>
          Promise.reject(error instanceof Error ? error : new Error('failure')),
      };
      const contents = createClusterContents({
        state,
        keys: keys as unknown as SupervisedClusterKeys,
        blobs: { directory: extentDirectory },
        clock: { now: () => 0, every: () => () => undefined },
        log,
      });
      await contents.upkeep();
      expect((await state.list(clusterCatalogTable)).length).toBe(2);
      await state.commit({ write: [...(await contents.removeCluster(gone))] });
      await contents.upkeep();
      expect((await state.list(clusterCatalogTable)).map(({ id }) => id)).toEqual([`${stays}/head`]);
      expect([gone, stays].map((id) => existsSync(join(extentDirectory, id)))).toEqual([false, true]);
      expect(await contents.databaseBytes(stays, gone)).toBeUndefined();
    } finally {
      rmSync(extentDirectory, { recursive: true });
    }
  });
});
