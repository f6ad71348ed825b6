import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Json } from '../../base/json.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { MemoryRecords } from '../memory/memory-state-store.ts';
import { MemoryStateStore } from '../memory/memory-state-store.ts';
import { RecordSeal } from '../record-seal.ts';
import { RootKey } from '../root-key.ts';
import type { RecordCommit, StateStore, StoredRecord } from '../state-store.ts';
import type { Table } from '../state.ts';
import { writeRecord } from '../state.ts';
import { firstSegmentOwner, sharedOwner } from '../table-rows.ts';
import { StateAnchor } from '../tree/anchor.ts';
import { placeOfCopy } from '../tree/tree-records.ts';
import { stateIdOf, whyClosed } from './check-record.ts';
import { readSealedRecord } from './read-record.ts';
import { SealedState } from './sealed-state.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-reseal-'));
afterAll(() => rmSync(root, { recursive: true }));

const rights: Table<Json> = { name: 'rights', parse: (value) => value };
const logs: Table<Json> = { name: 'logs', parse: (value) => value };
const tables = [
  { table: rights, owner: firstSegmentOwner('vault') },
  { table: logs, owner: sharedOwner('history'), losable: true as const },
];
const keyOf = (byte: number) => new RootKey(Buffer.alloc(32, byte));
const [older, newer] = [keyOf(3), keyOf(4)];

interface More {
  readonly store?: StateStore;
  readonly anchor?: StateAnchor;
  readonly other?: RootKey;
}
const open = (records: MemoryRecords, rootKey: RootKey, { store, anchor, other }: More = {}) =>
  SealedState.open({
    ...{ store: store ?? new MemoryStateStore(records), rootKey, otherRootKey: other, anchor },
    ...{ randomBytes: systemRandomBytes, tables, keptOpenMax: 100 },
  });

const put = async (state: SealedState, table: Table<Json>, id: string, value: Json | null): Promise<void> => {
  const found = await state.get(table, id);
  await state.commit({ write: [writeRecord(table, id, found?.version ?? null, value)] });
};

/** Of an owner with 130 rights, one with a single one, and one whose records may be lost. */
async function made(count = 130, more: More = {}): Promise<MemoryRecords> {
  const records: MemoryRecords = new Map();
  const state = await open(records, older, more);
  const write = Array.from({ length: count }, (_, n) => writeRecord<Json>(rights, `a/${n + 1000}`, null, { n }));
  await state.commit({ write: [...write, writeRecord<Json>(rights, 'b/only', null, 'yes')] });
  for (const n of [1, 2, 3]) await put(state, logs, `log ${n}`, n);
  await state.close();
  return records;
}

const copyOf = (records: MemoryRecords): MemoryRecords =>
  new Map([...records].map(([name, rows]) => [name, new Map([...rows].map(([id, row]) => [id, { ...row }]))]));

const allOf = async (state: SealedState): Promise<readonly unknown[]> => [
  ...(await state.list(rights)).map(({ id, version, value }) => [id, version, value]),
  ...(await state.list(logs)).map(({ id, version, value }) => [id, version, value]),
];

/** Names of records that a root key opens, those of the digests with them. */
async function openedBy(records: MemoryRecords, rootKey: RootKey): Promise<readonly string[]> {
  const stateId = Buffer.from((await stateIdOf(new MemoryStateStore(records))) ?? '', 'hex');
  const seal = new RecordSeal(rootKey, stateId, systemRandomBytes);
  const all = [...records.values()].flatMap((rows): StoredRecord[] => [...rows.values()]);
  return all.filter((one) => seal.isCurrent(placeOfCopy(one))).map(({ table, id }) => `${table}/${id}`);
}

const refusal = (opening: Promise<SealedState>): Promise<string> =>
  opening.then(
    () => 'opens',
    (error: unknown) => (error instanceof Error ? error.name : 'unknown'),
  );

describe('a state that is sealed under another root key', () => {
  it('has the same values and versions, and nothing that the old key opens', async () => {
    const records = await made();
    const state = await open(records, newer, { other: older });
    const [before, sealedBefore] = [await allOf(state), (await openedBy(records, older)).length];
    expect(sealedBefore).toBeGreaterThan(134);
    expect(state.rootKey).toBe(older); // until it is asked for
    await put(state, rights, 'b/only', 'still');
    expect(await refusal(open(copyOf(records), older))).toBe('opens');
    await put(state, rights, 'b/only', 'yes');
    expect(await state.reseal(newer)).toMatchObject({ records: 134, resealed: 134, damaged: 0 });
    expect([state.rootKey, state.oldRootKey]).toEqual([newer, undefined]);
    expect(await openedBy(records, older)).toEqual([]);
    expect(await openedBy(records, newer)).toHaveLength(sealedBefore);
    expect(await state.reseal(newer)).toBeUndefined();
    const versionOfOnly = (await state.get(rights, 'b/only'))?.version;
    const after = await allOf(await open(copyOf(records), newer));
    expect(after).toEqual(
      before.map((one) => (String(one).startsWith('b/only') ? ['b/only', versionOfOnly, 'yes'] : one)),
    );
    expect(await refusal(open(records, older))).toBe('WrongRootKeyError');
  });

  it('loses nothing that others commit meanwhile, and keeps none of them', async () => {
    const records = await made();
    const state = await open(records, older);
    let isOver = false;
    const wrote = new Map<string, number>();
    const write = async (id: string): Promise<void> => {
      for (let n = 1; !isOver; n += 1) {
        await put(state, rights, id, n);
        wrote.set(id, n);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const writers = ['a/1000', 'a/1001', 'a/1129', 'b/only', 'c/new'].map(write);
    await state.reseal(newer);
    isOver = true;
    await Promise.all(writers);
    const again = await open(copyOf(records), newer);
    expect(wrote.size).toBe(5);
    for (const [id, n] of wrote) expect([id, (await again.get(rights, id))?.value]).toEqual([id, n]);
    expect(await openedBy(records, older)).toEqual([]);
  });

  it('is open to both keys together after an end at any commit, to the old one alone until it was begun, to the new one when it is done', async () => {
    const whole = await made(90);
    const before = await allOf(await open(copyOf(whole), older));
    const found = new Set<string>();
    for (let commits = 0; ; commits += 1) {
      const records = copyOf(whole);
      const state = await open(records, older, { store: new EndingStore(records, commits) });
      const isDone = await state.reseal(newer).then(
        () => true,
        () => false,
      );
      const alone = [await refusal(open(copyOf(records), older)), await refusal(open(copyOf(records), newer))];
      found.add(alone.join());
      for (const [one, other] of [
        [older, newer],
        [newer, older],
      ] as const)
        expect([commits, await allOf(await open(copyOf(records), one, { other }))]).toEqual([commits, before]);
      const again = await open(records, newer, { other: older });
      await again.reseal(newer);
      expect([commits, await openedBy(records, older)]).toEqual([commits, []]);
      expect([commits, await allOf(await open(records, newer))]).toEqual([commits, before]);
      if (isDone) break;
    }
    expect([...found]).toEqual([
      'opens,WrongRootKeyError',
      'WrongRootKeyError,ResealingError',
      'WrongRootKeyError,opens',
    ]);
  });

  it('serves what was written when it was not done, whichever node goes on', async () => {
    const records = await made();
    const first = await open(records, older, { store: new EndingStore(records, 2) });
    await expect(first.reseal(newer)).rejects.toThrow('ended');
    const second = await open(records, older, { other: newer });
    expect([second.rootKey, second.oldRootKey]).toEqual([newer, older]);
    await put(second, rights, 'a/1100', 'meanwhile');
    await expect(second.reseal(older)).rejects.toThrow('is ended first');
    const third = await open(records, newer, { other: older });
    await third.reseal(newer);
    expect((await (await open(records, newer)).get(rights, 'a/1100'))?.value).toBe('meanwhile');
  });

  it('lets nodes that wait serve it only when their keys open all of it', async () => {
    const records = await made();
    const read = (table: string, id: string) => new MemoryStateStore(records).get(table, id);
    const closed = async (): Promise<readonly string[]> =>
      Promise.all(
        [[older], [older, newer], [newer, older], [newer]].map(async ([rootKey = older, otherRootKey]) => {
          const why = await whyClosed({ get: read }, { rootKey, otherRootKey, randomBytes: systemRandomBytes });
          return why === undefined ? 'opens' : why.includes('KUSTODY_OLD_ROOT_KEY') ? 'old one, too' : 'another one';
        }),
      );
    expect(await closed()).toEqual(['opens', 'opens', 'opens', 'another one']);
    const state = await open(records, older, { store: new EndingStore(records, 2) });
    await expect(state.reseal(newer)).rejects.toThrow('ended');
    expect(await closed()).toEqual(['another one', 'opens', 'opens', 'old one, too']);
    for (const id of ['a/1000', 'b/only'])
      expect(await readSealedRecord(read, { rootKey: newer, otherRootKey: older }, rights, id)).toBeDefined();
    await (await open(records, newer, { other: older })).reseal(newer);
    expect(await closed()).toEqual(['another one', 'opens', 'opens', 'opens']);
  });

  it('goes along with its anchor', async () => {
    const path = join(root, 'anchor');
    const anchor = () => StateAnchor.open(path);
    const records = await made(60, { anchor: anchor() });
    const old = copyOf(records);
    const state = await open(records, older, { anchor: anchor() });
    await state.reseal(newer);
    await state.close();
    await (await open(records, newer, { anchor: anchor() })).close();
    expect(await refusal(open(old, older, { anchor: anchor() }))).toBe('AnchorError');
  });
});

describe('what is damaged', () => {
  const damage = (records: MemoryRecords, id: string): void => {
    const row = records.get('rights')?.get(id);
    if (row === undefined) throw new Error('It is there.');
    records
      .get('rights')
      ?.set(id, { ...row, value: Buffer.from(row.value.map((byte, at) => (at === 30 ? byte ^ 1 : byte))) });
  };

  it('stays refused by name, and keeps nothing else back', async () => {
    const records = await made();
    damage(records, 'b/only');
    damage(records, 'a/1001');
    records.get('rights')?.delete('a/1002');
    records.get('logs')?.delete('log 2');
    const state = await open(records, older);
    expect(await state.reseal(newer)).toMatchObject({ records: 134, damaged: 4 });
    const again = await open(records, newer);
    const refused = (id: string, kind: string) =>
      expect(again.get(rights, id)).rejects.toMatchObject({ name: 'SealedRecordError', damage: kind });
    await refused('b/only', 'broken');
    await refused('a/1001', 'broken');
    await refused('a/1002', 'gone');
    expect((await again.get(rights, 'a/1003'))?.value).toEqual({ n: 3 });
    await put(again, rights, 'b/new', 1);
    expect((await again.list(logs)).map(({ id }) => id)).toEqual(['log 1', 'log 3']);
  });

  it('of the digests is accepted first: nothing is begun', async () => {
    const records = await made();
    records.get('tree-heads')?.delete('of vault b');
    const state = await open(records, older);
    await expect(state.reseal(newer)).rejects.toMatchObject({ name: 'SealedRecordError' });
    expect(state.rootKey).toBe(older);
    const store = new MemoryStateStore(records);
    await SealedState.accept({ store, rootKey: older, randomBytes: systemRandomBytes, tables });
    await (await open(records, older)).reseal(newer);
    expect((await (await open(records, newer)).get(rights, 'b/only'))?.value).toBe('yes');
  });

  it('an old record that somebody puts back, sealed under the old key, is refused as ever', async () => {
    const records = await made();
    const old = copyOf(records);
    const state = await open(records, older);
    await put(state, rights, 'a/1000', 'revoked');
    await state.reseal(newer);
    await state.close();
    records.get('rights')?.set('a/1000', old.get('rights')?.get('a/1000') as StoredRecord);
    for (const more of [{}, { other: older }]) {
      const again = await open(copyOf(records), newer, more);
      await expect(again.get(rights, 'a/1000')).rejects.toMatchObject({ name: 'SealedRecordError', damage: 'old' });
    }
  });
});

/** Ends after so many commits, as a process that is killed. */
class EndingStore extends MemoryStateStore {
  #left: number;

  constructor(records: MemoryRecords, commits: number) {
    super(records);
    this.#left = commits;
  }

  override commit(commit: RecordCommit): Promise<void> {
    if (this.#left === 0) return Promise.reject(new Error('The process has ended.'));
    this.#left -= 1;
    return super.commit(commit);
  }
}

it('a seal that has opened records of more epochs than it keeps keys of seals under its own', () => {
  const stateId = Buffer.alloc(16, 1);
  const seal = () => new RecordSeal(older, stateId, systemRandomBytes);
  const place = { table: 'rights', id: 'a/1', version: 1 };
  const one = seal();
  const sealed = (by: RecordSeal) => ({ ...place, value: by.seal({ ...place, value: Buffer.from('yes') }) });
  expect(one.isCurrent(sealed(one))).toBe(true);
  for (let epoch = 0; epoch < 1_001; epoch += 1) one.open(sealed(seal()));
  expect(seal().open(sealed(one)).toString()).toBe('yes');
});
