import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../base/random.ts';
import { listAll } from '../list-all.ts';
import { MemoryStateStore } from '../memory/memory-state-store.ts';
import { RootKey } from '../root-key.ts';
import type { Table } from '../state.ts';
import { writeRecord } from '../state.ts';
import type { StateStore } from '../state-store.ts';
import { firstSegmentOwner, sharedOwner, TableRows } from '../table-rows.ts';
import type { TableRow } from '../table-rows.ts';
import { SealedState } from './sealed-state.ts';

interface Person {
  readonly age: number;
  readonly names: readonly string[];
}

const people: Table<Person> = { name: 'people', parse: (value) => value as unknown as Person };
const letters: Table<Person> = { ...people, name: 'letters' };
const person = (age: number): Person => ({ age, names: ['Ada'] });

async function opened(keptOpenMax: number, kept: Pick<TableRow, 'keptOpen' | 'keptVeiled'> = { keptOpen: true }) {
  const store = new MemoryStateStore();
  const reads = { count: 0 };
  const counting: StateStore = {
    get: (table, id) => {
      if (table === people.name) reads.count += 1;
      return store.get(table, id);
    },
    list: (table, options) => {
      if (table === people.name) reads.count += 1;
      return store.list(table, options);
    },
    tables: () => store.tables(),
    commit: (commit) => store.commit(commit),
    compact: () => store.compact(),
    close: () => store.close(),
  };
  const state = await SealedState.open({
    store: counting,
    rootKey: new RootKey(Buffer.alloc(32, 5)),
    randomBytes: systemRandomBytes,
    tables: [
      { table: people, owner: firstSegmentOwner('house'), ...kept },
      { table: letters, owner: sharedOwner('history'), losable: true },
    ],
    keptOpenMax,
  });
  const put = async (id: string, value: Person | null): Promise<void> => {
    const known = await state.get(people, id);
    if (known === undefined && value === null) return;
    await state.commit({ write: [writeRecord(people, id, known?.version ?? null, value)] });
  };
  return { state, put, reads, store };
}

describe('records that are kept open', () => {
  it('are read from the store once', async () => {
    const { state, put, reads } = await opened(10);
    await put('a/1', person(1));
    await put('a/2', person(2));
    await listAll(state, people, 'a/');
    reads.count = 0;
    expect((await state.get(people, 'a/1'))?.value.age).toBe(1);
    expect((await listAll(state, people, 'a/')).map(({ id }) => id)).toEqual(['a/1', 'a/2']);
    expect(reads.count).toBe(0);
  });

  it('are put together to a list once, as long as nothing is written that must not be lost', async () => {
    const { state, put } = await opened(10);
    for (const id of ['a/1', 'a/2', 'b/1']) await put(id, person(1));
    const list = (limit?: number) => state.list(people, { prefix: 'a/', ...(limit === undefined ? {} : { limit }) });
    await list();
    const whole = await list();
    expect(await list()).toBe(whole);
    expect((await list(1)).map(({ id }) => id)).toEqual(['a/1']);
    expect((await state.list(people, { prefix: 'a/', after: 'a/1' })).map(({ id }) => id)).toEqual(['a/2']);
    await state.commit({ write: [writeRecord(letters, '1', null, person(1))] });
    expect(await list()).toBe(whole);
    await put('a/2', person(2));
    expect((await list()).map(({ value }) => value.age)).toEqual([1, 2]);
    await put('a/1', null);
    expect((await list()).map(({ id }) => id)).toEqual(['a/2']);
    await put('a/3', person(3));
    expect((await list()).map(({ id }) => id)).toEqual(['a/2', 'a/3']);
    expect(await state.list(people, { prefix: 'a/', limit: 2 })).toHaveLength(2);
  });

  it('are those of tables that say so, and so many', async () => {
    for (const scene of [await opened(10, {}), await opened(1), await opened(0)]) {
      await scene.put('a/1', person(1));
      await scene.put('a/2', person(2));
      await listAll(scene.state, people, 'a/');
      scene.reads.count = 0;
      await listAll(scene.state, people, 'a/');
      expect(scene.reads.count).toBe(1);
    }
  });

  it('stay veiled where they hold secrets: read once, opened each time', async () => {
    const { state, put, reads } = await opened(10, { keptVeiled: true });
    await put('a/1', person(1));
    const first = await state.get(people, 'a/1');
    reads.count = 0;
    const second = await state.get(people, 'a/1');
    expect(reads.count).toBe(0);
    expect(second).toEqual(first);
    expect(second).not.toBe(first);
    await put('a/1', person(2));
    expect((await state.get(people, 'a/1'))?.value.age).toBe(2);
    await put('a/1', null);
    expect(await state.get(people, 'a/1')).toBeUndefined();
  });

  it('are not those that take much room', async () => {
    const { state, put, reads } = await opened(10, { keptVeiled: true });
    await put('a/1', { age: 1, names: ['x'.repeat(16_384)] });
    await state.get(people, 'a/1');
    reads.count = 0;
    await state.get(people, 'a/1');
    expect(reads.count).toBe(1);
  });

  it('are not what hides a record that was brought back: each list is held against the store once', async () => {
    const { state, put, store } = await opened(10);
    await put('a/1', person(1));
    await put('a/2', person(2));
    const old = await store.get(people.name, 'a/2');
    await put('a/2', null);
    if (old === undefined) throw new Error('a/2 was stored');
    await store.commit({ write: [{ table: people.name, id: 'a/2', expect: null, put: old }] });
    await expect(listAll(state, people, 'a/')).rejects.toThrow('was deleted, and put back outside Kustody');
    await expect(listAll(state, people, 'a/')).rejects.toThrow('was deleted, and put back outside Kustody');
  });

  it('have a mark that changes with every record of the same owner, before the commit is acknowledged', async () => {
    const { state, put } = await opened(10);
    await put('a/1', person(1));
    await put('b/1', person(1));
    const [a, b] = [state.markOf(people, 'a/1'), state.markOf(people, 'b/1')];
    expect(a).toBeDefined();
    expect(a).not.toBe(b);
    await put('a/2', person(2));
    const next = state.markOf(people, 'a/1');
    expect(next).not.toBe(a);
    expect(state.markOf(people, 'b/1')).toBe(b);
    await put('a/2', null);
    expect([a, next]).not.toContain(state.markOf(people, 'a/1'));
    expect(state.markOf(people, 'nobody/1')).toBeUndefined();
    expect((await opened(0)).state.markOf(people, 'a/1')).toBeUndefined();
  });

  it('have a mark for all of them, which changes with every record but those that may be lost', async () => {
    const { state, put } = await opened(10);
    await put('a/1', person(1));
    const mark = state.markOfAll();
    expect(mark).toBeDefined();
    await state.commit({ write: [writeRecord(letters, '1', null, person(1))] });
    expect(state.markOfAll()).toBe(mark);
    await Promise.all([
      state.commit({ write: [writeRecord(letters, '2', null, person(1))] }),
      state.commit({ write: [writeRecord(people, 'b/1', null, person(1))] }),
    ]);
    const next = state.markOfAll();
    expect(next).not.toBe(mark);
    await put('a/1', null);
    expect([mark, next]).not.toContain(state.markOfAll());
    expect((await opened(0)).state.markOfAll()).toBeUndefined();
  });

  it('are none that may be lost: the mark of all says nothing of those', () => {
    for (const kept of [{ keptOpen: true }, { keptVeiled: true }] as const)
      expect(() => new TableRows([{ table: letters, owner: sharedOwner('history'), losable: true, ...kept }])).toThrow(
        'letters',
      );
  });

  it('cannot be changed by whoever reads them', async () => {
    const { state, put } = await opened(10);
    await put('a/1', person(1));
    const names = (await state.get(people, 'a/1'))?.value.names as string[];
    expect(() => names.push('Eve')).toThrow(TypeError);
  });

  it('are always what was written last', async () => {
    const id = fc.constantFrom('a/1', 'a/2', 'b/1', 'b/2', 'b/3');
    const step = fc.record({ id, age: fc.option(fc.nat(5)), reads: fc.array(id, { maxLength: 3 }) });
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 20 }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom({ keptOpen: true } as const, { keptVeiled: true } as const),
        async (steps, keptOpenMax, kept) => {
          const { state, put } = await opened(keptOpenMax, kept);
          const model = new Map<string, number>();
          for (const { id, age, reads } of steps) {
            await put(id, age === null ? null : person(age));
            if (age === null) model.delete(id);
            else model.set(id, age);
            for (const read of reads) expect((await state.get(people, read))?.value.age).toBe(model.get(read));
            for (const prefix of ['', 'a/', 'b/']) {
              const listed = (await listAll(state, people, prefix)).map((record) => [record.id, record.value.age]);
              expect(listed).toEqual([...model].filter(([key]) => key.startsWith(prefix)).toSorted());
            }
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
