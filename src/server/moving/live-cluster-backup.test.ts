import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clusterId, makeClusterInstance } from '../../../tests/support/backed-up-cluster.ts';
import { openLive } from '../../../tests/support/live-instance-writer.ts';
import { quickDirectory } from '../../../tests/support/quick-directory.ts';
import type { Json } from '../../base/json.ts';
import { parseRootKey } from '../../state/root-key.ts';
import { SqliteStateStore } from '../../state/sqlite/sqlite-state-store.ts';
import type { State, Table } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { sideOf } from './backup-sides.ts';
import { withState } from './held-state.ts';

/** All of them read while commits are held would be more than may be; of a cluster with 50,000 it took longer than commits wait. */
const records = 6_000;
/** Read while commits are held: what changed since it was looked at last, and what says which cluster it is. */
const heldRecordsMax = 2_500;
const eachCommit = 1_000;

const root = quickDirectory('kustody-live-cluster-backup-');
const [instance, copy] = [join(root, 'instance'), join(root, 'copy')];
const catalog: Table<Json> = { name: 'cluster-catalog', parse: (value) => value };
const idOf = (side: string, id: string): string => `${clusterId}/${side}${id}`;
const value = (revision: number): Json => ({ format: 1, generation: 1, revision, sealed: 'AAAA' });
const keyOf = () => parseRootKey(readFileSync(join(instance, 'root.key'), 'utf8'));

type Live = Awaited<ReturnType<typeof openLive>>;
let live: Live;
beforeAll(async () => {
  await makeClusterInstance(instance);
  mkdirSync(copy, { mode: 0o700 });
  live = await openLive(instance, keyOf());
  for (let from = 0; from < records; from += eachCommit)
    await live.sealed.commit({
      write: Array.from({ length: eachCommit }, (_, at) =>
        writeRecord(catalog, idOf('', `e/${String(from + at).padStart(7, '0')}`), null, value(1)),
      ),
    });
});
afterAll(async () => {
  await live.close();
  rmSync(root, { recursive: true, force: true });
});

/** Each commit writes two records at both ends of the catalog anew, makes one and removes one. @returns what ends it */
function keepWriting(state: State): { readonly step: () => number; readonly end: () => Promise<void> } {
  const ending = new AbortController();
  let step = 1;
  const running = (async () => {
    while (!ending.signal.aborted) {
      const next = step + 1;
      const version = async (id: string) => (await state.get(catalog, idOf('', id)))?.version ?? null;
      const gone = `made/${next - 3}`;
      const goneVersion = await version(gone);
      const [first, last] = await Promise.all([version('a/number'), version('z/number')]);
      await state.commit({
        write: [
          writeRecord(catalog, idOf('', 'a/number'), first, value(next)),
          writeRecord(catalog, idOf('', 'z/number'), last, value(next)),
          writeRecord(catalog, idOf('', `made/${next}`), null, value(next)),
          ...(goneVersion === null ? [] : [writeRecord<Json>(catalog, idOf('', gone), goneVersion, null)]),
        ],
      });
      step = next;
    }
  })();
  return {
    step: () => step,
    end: () => {
      ending.abort();
      return running;
    },
  };
}

async function numbersIn(directory: string, side: 'a' | 'b') {
  const store = SqliteStateStore.open(directory);
  try {
    return await withState(sideOf(store, side), keyOf(), async (state) => {
      const revision = async (id: string) => (await state.get(catalog, idOf('', id)))?.value;
      const made = await state.list(catalog, { prefix: idOf('', 'made/') });
      return { numbers: [await revision('a/number'), await revision('z/number')], made: made.map(({ id }) => id) };
    });
  } finally {
    await store.close();
  }
}

/** @returns how many records were read while commits were held */
function countHeld({ store }: Live): () => number {
  let [held, count] = [false, 0];
  const [list, get, hold] = [store.list.bind(store), store.get.bind(store), store.hold.bind(store)];
  store.list = async (...args) => {
    const page = await list(...args);
    if (held) count += page.length;
    return page;
  };
  store.get = (...args) => {
    if (held) count += 1;
    return get(...args);
  };
  store.hold = (limitMs, startTimer, work) =>
    hold(limitMs, startTimer, async () => {
      held = true;
      return work().finally(() => (held = false));
    });
  return () => count;
}

describe(`a backup of a cluster of ${records} records that is served`, () => {
  it('is of one moment between two commits, while commits are held for a moment alone', async () => {
    const writing = keepWriting(live.sealed);
    const before = writing.step();
    const heldRecords = countHeld(live);
    const manifest = await live.take(copy, {}, 'one').finally(writing.end);
    const after = writing.step();
    expect(heldRecords()).toBeLessThan(heldRecordsMax);
    expect(after).toBeGreaterThan(before); // it was served meanwhile
    const { numbers, made } = await numbersIn(copy, manifest.side);
    const { revision: number } = numbers[0] as { readonly revision: number };
    expect(numbers).toEqual([value(number), value(number)]);
    expect(made.toSorted()).toEqual(
      [number - 2, number - 1, number].map((step) => idOf('', `made/${step}`)).toSorted(),
    );
    expect(number).toBeGreaterThanOrEqual(before);
    expect(number).toBeLessThanOrEqual(after);
    expect(manifest.cluster?.catalog.records).toBeGreaterThan(records);
  });
});
