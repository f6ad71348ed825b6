import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { ListOptions, RecordCommit, RecordWrite, StateStore, StoredRecord } from './state-store.ts';
import { StateConflictError } from './state-store.ts';

/** One place where records live, opened and closed by the tests. */
export interface Backing {
  open(): StateStore | Promise<StateStore>;
  /** True if two stores may have it open at once, as two processes of a team server do. */
  readonly shared: boolean;
  dispose?(): void | Promise<void>;
}

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const put = (table: string, id: string, expect: number | null, version: number, value: string): RecordWrite => ({
  table,
  id,
  expect,
  put: { version, value: bytes(value) },
});
const ids = (records: readonly StoredRecord[]): string[] => records.map(({ id }) => id);

/** What every store of records does. */
export function stateStoreConformance(name: string, makeBacking: () => Backing | Promise<Backing>): void {
  const backings: Backing[] = [];
  const fresh = async (): Promise<{ backing: Backing; store: StateStore }> => {
    const backing = await makeBacking();
    backings.push(backing);
    return { backing, store: await backing.open() };
  };
  afterAll(async () => {
    for (const backing of backings) await backing.dispose?.();
  });

  describe(`${name} keeps the promises of a state store`, () => {
    it('gives back what was written, byte by byte, also after it was opened again', async () => {
      const { backing, store } = await fresh();
      const value = Buffer.from(Array.from({ length: 256 }, (_, index) => index));
      const version = Number.MAX_SAFE_INTEGER;
      await store.commit({ write: [{ table: 'a', id: 'x', expect: null, put: { version, value } }] });
      await store.commit({
        write: [{ table: 'a', id: 'empty', expect: null, put: { version: 1, value: Buffer.alloc(0) } }],
      });
      await store.close();
      const again = await backing.open();
      const record = await again.get('a', 'x');
      expect(record).toMatchObject({ table: 'a', id: 'x', version });
      expect(Buffer.from(record?.value ?? []).equals(value)).toBe(true);
      expect((await again.get('a', 'empty'))?.value.byteLength).toBe(0);
      expect(await again.get('b', 'x')).toBeUndefined();
      await again.close();
    });

    it('writes all of a commit or nothing', async () => {
      const { store } = await fresh();
      await store.commit({ write: [put('a', '1', null, 10, 'one')] });
      const both = store.commit({ write: [put('a', '2', null, 1, 'two'), put('a', '1', 11, 12, 'wrong')] });
      await expect(both).rejects.toMatchObject({ name: 'StateConflictError', table: 'a', id: '1' });
      expect(await store.get('a', '2')).toBeUndefined();
      await store.close();
    });

    it('lets a version stay for a value that is sealed anew, and for no other', async () => {
      const { backing, store } = await fresh();
      await store.commit({ write: [put('a', 'x', null, 10, 'one'), put('a', 'y', null, 1, 'other')] });
      const resealed = { write: [put('a', 'x', 10, 10, 'anew'), put('a', 'z', null, 5, 'new')], reseals: true };
      await store.commit(resealed);
      await expect(store.commit({ ...resealed, write: [put('a', 'x', 9, 9, 'wrong')] })).rejects.toMatchObject({
        name: 'StateConflictError',
      });
      await expect(store.commit({ write: [put('a', 'x', 10, 10, 'same')] })).rejects.toThrow('changes the version');
      const together = [
        store.commit({ write: [put('a', 'y', 1, 1, 'anew')], reseals: true }),
        store.commit({ write: [put('a', 'y', 1, 2, 'next')] }),
      ];
      await Promise.all(together);
      await store.close();
      const again = await backing.open();
      const found = (await again.list('a')).map(({ id, version, value }) => [
        id,
        version,
        Buffer.from(value).toString(),
      ]);
      expect(found).toEqual([
        ['x', 10, 'anew'],
        ['y', 2, 'next'],
        ['z', 5, 'new'],
      ]);
      await again.close();
    });

    it.each([
      ['a create of what exists', { write: [put('a', 'here', null, 2, '')] }],
      ['a change of what does not', { write: [put('a', 'gone', 5, 6, '')] }],
      ['a change of another version', { write: [put('a', 'here', 5, 6, '')] }],
      ['a delete of another version', { write: [{ table: 'a', id: 'here', expect: 5, put: null }] }],
      [
        'an expectation of another version',
        { expect: [{ table: 'a', id: 'here', expect: 5 }], write: [put('b', 'n', null, 1, '')] },
      ],
      [
        'an expectation of absence',
        { expect: [{ table: 'a', id: 'here', expect: null }], write: [put('b', 'n', null, 1, '')] },
      ],
    ] satisfies [string, RecordCommit][])('refuses %s', async (_name, commit) => {
      const { store } = await fresh();
      await store.commit({ write: [put('a', 'here', null, 1, 'value')] });
      await expect(store.commit(commit)).rejects.toBeInstanceOf(StateConflictError);
      expect(ids(await store.list('a'))).toEqual(['here']);
      expect(await store.list('b')).toEqual([]);
      await store.close();
    });

    it('takes several commits at once: of two for one record one wins, and the others are not held up', async () => {
      const { store } = await fresh();
      const results = await Promise.allSettled([
        store.commit({ write: [put('a', '1', null, 1, 'first')] }),
        store.commit({ write: [put('a', '1', null, 2, 'second')] }),
        store.commit({ write: [put('a', '2', null, 3, 'other')] }),
        store.commit({ expect: [{ table: 'a', id: '2', expect: null }], write: [put('a', '3', null, 3, 'no')] }),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected']);
      expect(ids(await store.list('a'))).toEqual(['1', '2']);
      await store.close();
    });

    it('does not keep the buffer of the caller', async () => {
      const { store } = await fresh();
      const value = bytes('before');
      await store.commit({ write: [{ table: 'a', id: 'x', expect: null, put: { version: 1, value } }] });
      value.fill(0);
      expect(Buffer.from((await store.get('a', 'x'))?.value ?? []).toString()).toBe('before');
      await store.close();
    });

    it('lists by UTF-8 bytes, by prefix, after an id, up to a limit', async () => {
      const { store } = await fresh();
      const names = [
        'a',
        'a/',
        'a/1',
        'a/2',
        'a/\u{10ffff}x',
        'a0',
        'b',
        'é',
        '\uffee',
        '\u{1f600}',
        'A',
        "'",
        '%',
        '_',
        '"',
      ];
      await store.commit({ write: names.map((id, index) => put('t', id, null, index + 1, id)) });
      await store.commit({ write: [put('u', 'a/3', null, 1, 'another table')] });
      const sorted = names.toSorted((left, right) => Buffer.compare(bytes(left), bytes(right)));
      const listed = async (options?: ListOptions): Promise<string[]> => ids(await store.list('t', options));
      expect(await listed()).toEqual(sorted);
      expect(await listed({ prefix: 'a/' })).toEqual(['a/', 'a/1', 'a/2', 'a/\u{10ffff}x']);
      expect(await listed({ prefix: 'a/', after: 'a/1', limit: 1 })).toEqual(['a/2']);
      expect(await listed({ after: 'b' })).toEqual(['é', '\uffee', '\u{1f600}']);
      expect(await listed({ prefix: 'a/', after: 'b' })).toEqual([]);
      expect(await listed({ prefix: 'a/', after: 'A', limit: 2 })).toEqual(['a/', 'a/1']);
      expect(await listed({ prefix: 'zz' })).toEqual([]);
      expect(await listed({ limit: 2 })).toEqual(sorted.slice(0, 2));
      await store.close();
    });

    it('names its tables, and not those that are empty again', async () => {
      const { store } = await fresh();
      expect(await store.tables()).toEqual([]);
      await store.commit({
        write: [put('b', '1', null, 1, ''), put('a', '1', null, 1, ''), put('a', '2', null, 1, '')],
      });
      expect(await store.tables()).toEqual(['a', 'b']);
      await store.commit({ write: [{ table: 'b', id: '1', expect: 1, put: null }] });
      expect(await store.tables()).toEqual(['a']);
      await store.close();
    });

    it('takes names of 1,024 characters and values of a megabyte', async () => {
      const { store } = await fresh();
      const id = 'x'.repeat(1024);
      const value = Buffer.alloc(1024 * 1024, 7);
      await store.commit({ write: [{ table: 'a', id, expect: null, put: { version: 1, value } }] });
      expect(Buffer.from((await store.get('a', id))?.value ?? []).equals(value)).toBe(true);
      await store.close();
    });

    it.each([
      ['an empty id', put('a', '', null, 1, '')],
      ['a NUL in an id', put('a', 'x\0y', null, 1, '')],
      ['half a surrogate pair in an id', put('a', 'x\ud800', null, 1, '')],
      ['an id that is too long', put('a', 'x'.repeat(1025), null, 1, '')],
      ['version 0', put('a', 'x', null, 0, '')],
      ['a version that stays', put('a', 'x', 1, 1, '')],
      ['a fraction', put('a', 'x', null, 1.5, '')],
      ['a delete of nothing', { table: 'a', id: 'x', expect: null, put: null }],
    ] satisfies [string, RecordWrite][])('calls %s a bug', async (_name, write) => {
      const { store } = await fresh();
      await expect(store.commit({ write: [write] })).rejects.toMatchObject({ name: 'InvariantError' });
      await expect(store.commit({ write: [put('a', 'y', null, 1, ''), put('a', 'y', null, 2, '')] })).rejects.toThrow();
      await store.close();
    });

    it('does what a map would do, whatever the operations', async () => {
      const id = fc.constantFrom('a', 'b', 'c', 'd/1', 'd/2');
      const change = fc.record({ id, right: fc.boolean(), remove: fc.boolean(), value: fc.string({ maxLength: 5 }) });
      const step = fc.oneof(
        { weight: 4, arbitrary: fc.uniqueArray(change, { selector: (one) => one.id, minLength: 1, maxLength: 3 }) },
        { weight: 1, arbitrary: fc.constant('reopen' as const) },
      );
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
          const { backing, store: first } = await fresh();
          let store = first;
          const model = new Map<string, { version: number; value: string }>();
          let version = 100;
          for (const one of steps) {
            if (one === 'reopen') {
              await store.close();
              store = await backing.open();
            } else {
              const write = one.map((wanted): RecordWrite => {
                const present = model.get(wanted.id)?.version ?? null;
                const expected = wanted.right ? present : (present ?? 0) + 1_000_000;
                version += 1;
                const isDelete = wanted.remove && expected !== null;
                return { ...put('t', wanted.id, expected, version, wanted.value), ...(isDelete && { put: null }) };
              });
              const outcome = await store.commit({ write }).then(
                () => true,
                (error: unknown) => {
                  if (error instanceof StateConflictError) return false;
                  throw error;
                },
              );
              expect(outcome).toBe(one.every(({ right }) => right));
              for (const { id: written, put: value } of outcome ? write : []) {
                if (value === null) model.delete(written);
                else model.set(written, { version: value.version, value: Buffer.from(value.value).toString() });
              }
            }
            const listed = await store.list('t');
            const seen = listed.map((record) => [record.id, record.version, Buffer.from(record.value).toString()]);
            const wanted = [...model].map(([key, record]) => [key, record.version, record.value]);
            expect(seen).toEqual(wanted.sort());
          }
          await store.close();
        }),
        { numRuns: 25 },
      );
    });

    it('lets one of two racing handles win each record, and loses no increment', async (context) => {
      const { backing, store: left } = await fresh();
      if (!backing.shared) {
        await left.close();
        context.skip('this store is locked by one process');
      }
      const right = await backing.open();
      const increment = async (store: StateStore, by: number): Promise<void> => {
        for (let done = 0; done < 50;) {
          const record = await store.get('t', 'n');
          const next = Number(Buffer.from(record?.value ?? bytes('0')).toString()) + 1;
          const version = (record?.version ?? 0) + by;
          const won = await store
            .commit({ write: [put('t', 'n', record?.version ?? null, version, String(next))] })
            .then(
              () => true,
              () => false,
            );
          if (won) done += 1;
        }
      };
      await Promise.all([increment(left, 1), increment(right, 2)]);
      expect(Buffer.from((await left.get('t', 'n'))?.value ?? []).toString()).toBe('100');
      await left.close();
      await right.close();
    });
  });
}
