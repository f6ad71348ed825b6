import { beforeAll, expect, it } from 'vitest';
import { armResources } from '../../arm/resource.ts';
import type { ArmResource } from '../../arm/resource.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { MemoryStateStore } from '../../state/memory/memory-state-store.ts';
import { RootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import type { State } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { firstChildren } from './cluster-store.ts';

const prefix = '/c/databases/';
const names = Array.from({ length: 30 }, (_one, index) => `db${index}`);
let state: State;
let read = 0;

beforeAll(async () => {
  const sealed = await SealedState.open({
    store: new MemoryStateStore(),
    rootKey: new RootKey(systemRandomBytes(32)),
    randomBytes: systemRandomBytes,
  });
  const ids = names.flatMap((name) => [
    name,
    ...['p1', 'p2', 'p3'].map((below) => `${name}/principalassignments/${below}`),
  ]);
  const write = [...ids.map((id) => `${prefix}${id}`), '/c/data', '/c/e'].map((id) =>
    writeRecord(armResources, id, null, { id } as unknown as ArmResource),
  );
  await sealed.commit({ write });
  state = {
    get: (table, id) => sealed.get(table, id),
    list: async (table, options) => {
      const found = await sealed.list(table, options);
      read += found.length;
      return found;
    },
    commit: (commit) => sealed.commit(commit),
  };
});

it.each([1, 2, 7, 30, 100])('page by page, %i at a time, they are all that there are, in order', async (count) => {
  const found: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await firstChildren(state, prefix, after, count);
    expect(page.length).toBeLessThanOrEqual(count);
    found.push(...page.map(({ id }) => id.slice(prefix.length)));
    after = page.at(-1)?.id;
    if (after === undefined) break;
  }
  expect(found).toEqual(names.toSorted());
});

it('reads little more than it gives', async () => {
  read = 0;
  await firstChildren(state, prefix, undefined, 2);
  expect(read).toBeLessThan(12);
});
