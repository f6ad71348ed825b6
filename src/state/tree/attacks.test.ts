import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Json } from '../../base/json.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { FailingStateStore } from '../failing.ts';
import { listAll } from '../list-all.ts';
import type { MemoryRecords } from '../memory/memory-state-store.ts';
import { MemoryStateStore } from '../memory/memory-state-store.ts';
import { recordFormats, RecordSeal } from '../record-seal.ts';
import { RootKey } from '../root-key.ts';
import { SealedState } from '../sealed/sealed-state.ts';
import type { Table } from '../state.ts';
import { writeRecord } from '../state.ts';
import type { StateStore } from '../state-store.ts';
import { firstSegmentOwner, sharedOwner } from '../table-rows.ts';
import { StateAnchor } from './anchor.ts';

const rights: Table<Json> = { name: 'rights', parse: (value) => value };
const logs: Table<Json> = { name: 'logs', parse: (value) => value };
const tables = [
  { table: rights, owner: firstSegmentOwner('vault') },
  { table: logs, owner: sharedOwner('history'), losable: true as const },
];
const rootKey = () => new RootKey(Buffer.alloc(32, 3));

/** What somebody with the disk has kept. */
const copyOf = (records: MemoryRecords): MemoryRecords =>
  new Map([...records].map(([name, rows]) => [name, new Map([...rows].map(([id, row]) => [id, { ...row }]))]));

function open(records: MemoryRecords, more: { store?: StateStore; anchor?: StateAnchor; told?: string[] } = {}) {
  return SealedState.open({
    ...{
      store: more.store ?? new MemoryStateStore(records),
      rootKey: rootKey(),
      randomBytes: systemRandomBytes,
      tables,
    },
    anchor: more.anchor,
    damaged: ({ table, id }) => void more.told?.push(`${table}/${id}`),
  });
}

async function put(state: SealedState, table: Table<Json>, id: string, value: Json | null): Promise<void> {
  const found = await state.get(table, id);
  await state.commit({ write: [writeRecord(table, id, found?.version ?? null, value)] });
}

/** Two vaults, each with 200 rights and one that was taken back after the copy was made. */
async function revoked() {
  const records: MemoryRecords = new Map();
  const state = await open(records);
  for (const vault of ['a', 'b']) {
    const write = Array.from({ length: 200 }, (_, n) =>
      writeRecord(rights, `${vault}/${String(n).padStart(3, '0')}`, null, 'yes'),
    );
    await state.commit({ write });
  }
  await put(state, logs, 'one', 'first');
  const before = copyOf(records);
  await put(state, rights, 'a/100', 'no');
  await put(state, rights, 'a/101', null);
  await put(state, rights, 'a/new', 'yes');
  await put(state, logs, 'one', 'second');
  await state.close();
  return { records, before };
}

const rowOf = (records: MemoryRecords, table: string, id: string) => records.get(table)?.get(id);
function plant(records: MemoryRecords, from: MemoryRecords, table: string, isMeant: (id: string) => boolean): void {
  for (const id of [...(records.get(table)?.keys() ?? [])]) if (isMeant(id)) records.get(table)?.delete(id);
  for (const [id, row] of from.get(table) ?? []) if (isMeant(id)) records.get(table)?.set(id, row);
}

const damage = (id: string, kind: string) => ({ name: 'SealedRecordError', table: 'rights', id, damage: kind });
const othersServe = async (state: SealedState): Promise<void> => {
  expect(await state.list(rights, { prefix: 'b/' })).toHaveLength(200);
  await put(state, rights, 'b/000', 'again');
};

describe('a state whose records were exchanged while it was stopped', () => {
  it('refuses an old record, one that was removed and one that was brought back, by name', async () => {
    const { records, before } = await revoked();
    plant(records, before, 'rights', (id) => id === 'a/100' || id === 'a/101');
    records.get('rights')?.delete('a/050');
    const told: string[] = [];
    const state = await open(records, { told });
    await expect(state.get(rights, 'a/100')).rejects.toMatchObject(damage('a/100', 'old'));
    await expect(state.get(rights, 'a/101')).rejects.toMatchObject(damage('a/101', 'back'));
    await expect(state.get(rights, 'a/050')).rejects.toMatchObject(damage('a/050', 'gone'));
    for (const prefix of ['a/', 'a/1', 'a/05', ''])
      await expect(state.list(rights, { prefix })).rejects.toMatchObject({ name: 'SealedRecordError' });
    const seen: string[] = [];
    const intact = await listAll(state, rights, 'a/', {
      damaged: ({ id, damage: kind }) => void seen.push(`${id} ${kind}`),
    });
    expect(seen).toEqual(['a/050 gone', 'a/100 old', 'a/101 back']);
    expect(intact).toHaveLength(198);
    const page = await state.list(rights, { prefix: 'a/', after: 'a/049', limit: 1, damaged: () => undefined });
    expect(page.map(({ id }) => id)).toEqual(['a/051']);
    expect(new Set(told)).toEqual(new Set(['rights/a/050', 'rights/a/100', 'rights/a/101']));
    for (const id of ['a/100', 'a/101', 'a/050'])
      await expect(state.commit({ write: [writeRecord(rights, id, null, 'yes')] })).rejects.toThrow();
    await othersServe(state);
  });

  it('refuses two rows that changed places', async () => {
    const { records } = await revoked();
    const [left, right] = [rowOf(records, 'rights', 'a/001'), rowOf(records, 'rights', 'b/001')];
    if (left === undefined || right === undefined) throw new Error('both are there');
    records.get('rights')?.set('a/001', { ...right, id: 'a/001' });
    records.get('rights')?.set('b/001', { ...left, id: 'b/001' });
    const state = await open(records);
    await expect(state.get(rights, 'a/001')).rejects.toMatchObject({ name: 'SealedRecordError' });
    await expect(state.get(rights, 'b/001')).rejects.toMatchObject({ name: 'SealedRecordError' });
  });

  it('refuses an old record with the old pages that lead to it', async () => {
    const { records, before } = await revoked();
    plant(records, before, 'rights', (id) => id === 'a/100');
    plant(records, before, 'tree-pages', (id) => id.startsWith('vault a/'));
    const state = await open(records);
    await expect(state.get(rights, 'a/100')).rejects.toMatchObject(damage('a/100', 'unverified'));
    await expect(state.commit({ write: [writeRecord(rights, 'a/zzz', null, 1)] })).rejects.toMatchObject({
      damage: 'unverified',
    });
    await othersServe(state);
  });

  it('refuses all of an owner whose whole tree is old, and serves the others', async () => {
    const { records, before } = await revoked();
    plant(records, before, 'rights', (id) => id.startsWith('a/'));
    plant(records, before, 'tree-pages', (id) => id.startsWith('vault a/'));
    plant(records, before, 'tree-heads', (id) => id === 'of vault a');
    const told: string[] = [];
    const state = await open(records, { told });
    expect(told).toEqual(['tree-heads/of vault a']);
    await expect(state.get(rights, 'a/000')).rejects.toMatchObject(damage('a/000', 'unverified'));
    await expect(state.get(rights, 'a/never')).rejects.toMatchObject(damage('a/never', 'unverified'));
    await expect(state.list(rights, { prefix: 'a/zzz' })).rejects.toMatchObject({ damage: 'unverified' });
    await othersServe(state);
  });

  it('refuses an owner that was removed whole, and one that was brought back', async () => {
    const { records } = await revoked();
    for (const [table, isMeant] of [
      ['rights', (id: string) => id.startsWith('a/')],
      ['tree-pages', (id: string) => id.startsWith('vault a/')],
      ['tree-heads', (id: string) => id === 'of vault a'],
    ] as const)
      plant(records, new Map(), table, isMeant);
    const state = await open(records);
    await expect(state.list(rights, { prefix: 'a/' })).rejects.toMatchObject({ damage: 'unverified' });
    await expect(state.list(rights)).rejects.toMatchObject({ damage: 'unverified' });
    await othersServe(state);

    const again = await revoked();
    const last = await open(again.records);
    const kept = copyOf(again.records);
    for (const { id } of await last.list(rights, { prefix: 'a/' })) await put(last, rights, id, null);
    await last.close();
    for (const table of ['rights', 'tree-pages', 'tree-heads'])
      plant(again.records, kept, table, (id) => /^(?:a\/|(?:of )?vault a)/.test(id));
    const reopened = await open(again.records);
    await expect(reopened.get(rights, 'a/000')).rejects.toMatchObject({ damage: 'unverified' });
    await othersServe(reopened);
  });

  it('does not start on an old digest over all owners', async () => {
    const { records, before } = await revoked();
    for (const table of ['rights', 'tree-pages', 'tree-heads', 'tree-copies'])
      plant(records, before, table, (id) => /^(?:a\/|(?:of )?(?:vault a|owners)|tree-)/.test(id));
    // The log has been written since, and says so.
    await expect(open(records)).rejects.toMatchObject({ name: 'StateRolledBackError' });
    const none = (await revoked()).records;
    for (const table of ['tree-heads', 'tree-copies']) plant(none, new Map(), table, (id) => id.includes('owners'));
    await expect(open(none)).rejects.toMatchObject({ name: 'StateRolledBackError' });
    await SealedState.accept({
      store: new MemoryStateStore(none),
      rootKey: rootKey(),
      randomBytes: systemRandomBytes,
      tables,
    });
    await othersServe(await open(none));
  });

  it('is not taken for one of a time before there were digests', async () => {
    const { records } = await revoked();
    const old = await withoutTrees();
    for (const table of ['tree-heads', 'tree-copies', 'tree-pages', 'seal'])
      plant(records, new Map(), table, () => true);
    const check = rowOf(old, 'seal', 'check');
    if (check === undefined) throw new Error('a state has a check record');
    records.get('seal')?.set('check', check);
    await expect(open(records)).rejects.toMatchObject({ name: 'StateRolledBackError' });
  });

  it('goes on with one flipped bit in the digest over all owners, or in the digests of history', async () => {
    for (const [table, isMeant] of [
      ['tree-heads', (id: string) => id === 'of owners'],
      ['tree-copies', (id: string) => id.includes('of owners')],
      ['tree-pages', (id: string) => id.startsWith('owners/')],
      ['tree-copies', (id: string) => id.includes('owners/')],
      ['tree-pages', (id: string) => id.startsWith('history/')],
      ['tree-heads', (id: string) => id === 'of history'],
    ] as const) {
      const { records } = await revoked();
      const rows = [...(records.get(table) ?? [])].filter(([id]) => isMeant(id));
      expect(rows).not.toEqual([]);
      for (const [, { value }] of rows) value[value.length - 5] = 0xaa ^ (value.at(-5) ?? 0);
      const state = await open(records);
      await put(state, logs, 'two', 'other');
      await put(state, logs, 'one', 'third');
      expect((await state.list(logs)).map(({ value }) => value)).toEqual(['third', 'other']);
      await othersServe(state);
      await state.close();
      expect((await (await open(records)).get(logs, 'one'))?.value).toBe('third');
    }
  });
});

/** As an earlier version has left it. */
async function withoutTrees(count = 2_500): Promise<MemoryRecords> {
  const records: MemoryRecords = new Map();
  const storeId = Buffer.alloc(16, 9);
  const seal = new RecordSeal(rootKey(), storeId, systemRandomBytes, recordFormats.withoutTree);
  const check = { table: 'seal', id: 'check', version: 1 };
  const store = new MemoryStateStore(records);
  const value = Buffer.concat([storeId, seal.seal({ ...check, value: Buffer.from('{}') })]);
  await store.commit({ write: [{ table: 'seal', id: 'check', expect: null, put: { version: 1, value } }] });
  for (let n = 0; n < count; n += 1) {
    const place = { table: 'rights', id: `${n % 2 === 0 ? 'a' : 'b'}/${String(n)}`, version: n + 1 };
    const sealed = seal.seal({ ...place, value: Buffer.from(String(n)) });
    await store.commit({ write: [{ ...place, expect: null, put: { version: place.version, value: sealed } }] });
  }
  return records;
}

describe('a state of an earlier version', () => {
  it('gets its digests at the first open, from wherever a crash has left it', async () => {
    const old = await withoutTrees();
    for (let onCommit = 1; ; onCommit += 1) {
      const records = copyOf(old);
      let failing: FailingStateStore | undefined;
      for (const when of ['before', 'after'] as const) {
        failing = new FailingStateStore(new MemoryStateStore(records), { onCommit, when });
        await open(records, { store: failing }).catch(() => undefined);
      }
      const state = await open(records);
      expect(await listAll(state, rights)).toHaveLength(2_500);
      await put(state, rights, 'a/0', 'changed');
      await state.close();
      expect((await (await open(records)).get(rights, 'a/0'))?.value).toBe('changed');
      if ((failing?.commits() ?? 0) < onCommit) break;
    }
  });
});

it('keeps records and digests together, whichever commit is the last before a crash', async () => {
  for (let onCommit = 1; onCommit <= 12; onCommit += 1)
    for (const when of ['before', 'after'] as const) {
      const records: MemoryRecords = new Map();
      const state = await open(records, {
        store: new FailingStateStore(new MemoryStateStore(records), { onCommit, when }),
      }).catch(() => undefined);
      const acknowledged = new Set<string>();
      for (let n = 0; n < 10; n += 1)
        await Promise.allSettled(
          ['a', 'b'].map(async (vault) => {
            await state?.commit({ write: [writeRecord(rights, `${vault}/${String(n)}`, null, n)] });
            if (state !== undefined) acknowledged.add(`${vault}/${String(n)}`);
          }),
        );
      const again = await open(records);
      const found = (await listAll(again, rights)).map(({ id }) => id);
      for (const id of acknowledged) expect(found).toContain(id);
      await put(again, rights, 'a/more', 1);
    }
});

describe('an anchor', () => {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-anchor-'));
  afterAll(() => rmSync(directory, { recursive: true }));
  let files = 0;
  const fresh = () => join(directory, `anchor-${String((files += 1))}`);

  it('refuses the whole state of yesterday until it is accepted', async () => {
    const file = fresh();
    const records: MemoryRecords = new Map();
    const anchored = (from: MemoryRecords) => open(from, { anchor: StateAnchor.open(file) });
    const state = await anchored(records);
    await put(state, rights, 'a/1', 'yes');
    const yesterday = copyOf(records);
    await put(state, rights, 'a/1', 'no');
    await state.close();
    await expect(anchored(copyOf(yesterday))).rejects.toMatchObject({ name: 'AnchorError' });
    await (await anchored(records)).close();
    // Nobody else's state, and no state at all.
    await expect(anchored(new Map())).rejects.toMatchObject({ name: 'AnchorError' });
    await SealedState.accept({
      ...{ store: new MemoryStateStore(yesterday), rootKey: rootKey(), randomBytes: systemRandomBytes, tables },
      anchor: StateAnchor.open(file),
    });
    expect((await (await anchored(yesterday)).get(rights, 'a/1'))?.value).toBe('yes');
    await expect(anchored(records)).rejects.toMatchObject({ name: 'AnchorError' });
  });

  it('accepts a state that is one commit ahead, as a crash leaves it, and one that was used without the anchor', async () => {
    const file = fresh();
    const records: MemoryRecords = new Map();
    const first = await open(records, { anchor: StateAnchor.open(file) });
    await put(first, rights, 'a/1', 1);
    const before = readFileSync(file);
    const state = copyOf(records);
    await put(first, rights, 'a/1', 2);
    const ahead = copyOf(records);
    await first.close();
    writeFileSync(file, before);
    const second = await open(ahead, { anchor: StateAnchor.open(file) });
    await expect(open(state, { anchor: StateAnchor.open(file) })).rejects.toMatchObject({ name: 'AnchorError' });
    await second.close();
    const without = await open(ahead);
    for (let n = 0; n < 3; n += 1) await put(without, rights, 'a/1', n);
    await without.close();
    const older = copyOf(ahead);
    await (await open(ahead, { anchor: StateAnchor.open(file) })).close();
    const third = await open(ahead, { anchor: StateAnchor.open(file) });
    await put(third, rights, 'a/1', 'last');
    await third.close();
    await expect(open(older, { anchor: StateAnchor.open(file) })).rejects.toMatchObject({ name: 'AnchorError' });
  });

  it('that was emptied is not taken for a new one, and half a write of it is none', async () => {
    const file = fresh();
    const records: MemoryRecords = new Map();
    const state = await open(records, { anchor: StateAnchor.open(file) });
    for (let n = 0; n < 3; n += 1) await put(state, rights, 'a/1', n);
    await state.close();
    const whole = readFileSync(file);
    for (const at of [40, 168]) {
      const torn = Buffer.from(whole);
      torn[at] = 0x20;
      writeFileSync(file, torn);
      await (await open(copyOf(records), { anchor: StateAnchor.open(file) })).close();
    }
    writeFileSync(file, '');
    await expect(open(records, { anchor: StateAnchor.open(file) })).rejects.toMatchObject({ name: 'AnchorError' });
  });
});
