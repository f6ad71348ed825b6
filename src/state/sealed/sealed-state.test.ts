import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../base/random.ts';
import { listAll } from '../list-all.ts';
import type { MemoryRecords } from '../memory/memory-state-store.ts';
import { MemoryStateStore } from '../memory/memory-state-store.ts';
import { SealedRecordError } from '../record-seal.ts';
import { RootKey } from '../root-key.ts';
import { WrongRootKeyError } from './check-record.ts';
import { SealedState } from './sealed-state.ts';
import type { Table } from '../state.ts';
import { expectRecord, writeRecord } from '../state.ts';
import type { StoredRecord } from '../state-store.ts';

interface Person {
  readonly name: string;
  readonly age: number;
}
const people: Table<Person> = {
  name: 'people',
  parse: (value) => {
    if (typeof value !== 'object' || value === null || !('name' in value) || !('age' in value))
      throw new Error('not a person');
    const { name, age } = value;
    if (typeof name !== 'string' || typeof age !== 'number') throw new Error('not a person');
    return { name, age };
  },
};
const rootBytes = Buffer.alloc(32, 5);
const open = (records: MemoryRecords, bytes = rootBytes): Promise<SealedState> =>
  SealedState.open({
    store: new MemoryStateStore(records),
    rootKey: new RootKey(bytes),
    randomBytes: systemRandomBytes,
  });

async function withAda(
  records: MemoryRecords = new Map(),
): Promise<{ records: MemoryRecords; state: SealedState; stored: StoredRecord }> {
  const state = await open(records);
  await state.commit({ write: [writeRecord(people, 'ada', null, { name: 'Ada', age: 36 })] });
  return { records, state, stored: storedOf(records, 'ada') };
}

function storedOf(records: MemoryRecords, id: string): StoredRecord {
  const stored = records.get('people')?.get(id);
  if (stored === undefined) throw new Error(`${id} is not stored`);
  return stored;
}

const plant = (records: MemoryRecords, record: StoredRecord): void =>
  void records.get(record.table)?.set(record.id, record);

describe('SealedState', () => {
  it('never cuts a list that was asked for without a limit', async () => {
    const { state } = await withAda();
    const write = Array.from({ length: 10_000 }, (_, n) => writeRecord(people, `p${n}`, null, { name: 'p', age: n }));
    await state.commit({ write });
    await expect(state.list(people)).rejects.toThrow('whoever asks without a limit gets all');
    expect((await listAll(state, people)).length).toBe(10_001);
    expect((await state.list(people, { limit: 10_000 })).length).toBe(10_000);
  });

  it('gives back what was written, to this process and the next', async () => {
    const { records, state } = await withAda();
    const ada = await state.get(people, 'ada');
    expect(ada?.value).toEqual({ name: 'Ada', age: 36 });
    await state.commit({ write: [writeRecord(people, 'ada', ada?.version ?? null, { name: 'Ada', age: 37 })] });
    const again = await open(records);
    expect((await again.list(people, { prefix: 'a' })).map(({ value }) => value.age)).toEqual([37]);
    const latest = await again.get(people, 'ada');
    await again.commit({ write: [writeRecord(people, 'ada', latest?.version ?? null, null)] });
    expect(await again.get(people, 'ada')).toBeUndefined();
  });

  it('stores nothing in the clear but table, id and version', async () => {
    const { records, state } = await withAda();
    // So long that what is sealed does not have it by chance.
    const augusta = { name: 'Augusta Ada King-Noel', age: 361_815_121_036 };
    await state.commit({ write: [writeRecord(people, 'augusta', null, augusta)] });
    const everything = [...records.values()].flatMap((table) =>
      [...table.values()].map(({ value }) => Buffer.from(value)),
    );
    const bytes = Buffer.concat(everything);
    for (const secret of [augusta.name, '"age":', String(augusta.age), rootBytes]) {
      if (typeof secret === 'string') expect(JSON.stringify(augusta)).toContain(secret);
      expect(bytes.includes(secret)).toBe(false);
    }
  });

  it('keeps the expectations of a commit', async () => {
    const { state } = await withAda();
    const stale = state.commit({
      expect: [expectRecord(people, 'ada', 1)],
      write: [writeRecord(people, 'bob', null, { name: 'Bob', age: 1 })],
    });
    await expect(stale).rejects.toMatchObject({ name: 'StateConflictError', table: 'people', id: 'ada' });
    expect(await state.get(people, 'bob')).toBeUndefined();
  });

  it('does not write what it could not read again', async () => {
    const { state } = await withAda();
    const wrong = { ...people, parse: () => ({ name: '', age: 0 }) };
    await expect(state.commit({ write: [writeRecord(people, 'x', null, { name: 'x', age: NaN })] })).rejects.toThrow(
      'not a person',
    );
    await expect(state.commit({ write: [{ ...writeRecord(wrong, 'x', null, null), put: undefined }] })).rejects.toThrow(
      'is JSON',
    );
  });

  it('refuses a wrong root key when it is opened', async () => {
    const { records } = await withAda();
    await expect(open(records, Buffer.alloc(32, 6))).rejects.toBeInstanceOf(WrongRootKeyError);
    expect((await (await open(records)).get(people, 'ada'))?.value.name).toBe('Ada');
  });

  it('lets two processes open a new store at once', async () => {
    const records: MemoryRecords = new Map();
    const [left, right] = await Promise.all([open(records), open(records)]);
    await left.commit({ write: [writeRecord(people, 'ada', null, { name: 'Ada', age: 1 })] });
    expect((await right.get(people, 'ada'))?.value.age).toBe(1);
  });

  it('does not start a record again at a version that it had', async () => {
    const { records, state, stored } = await withAda();
    await state.commit({ write: [writeRecord(people, 'ada', stored.version, null)] });
    await state.commit({ write: [writeRecord(people, 'ada', null, { name: 'Ada', age: 99 })] });
    expect(Math.abs(storedOf(records, 'ada').version - stored.version)).toBeGreaterThan(1000);
    const staleWriter = state.commit({ write: [writeRecord(people, 'ada', stored.version, { name: 'Ada', age: 0 })] });
    await expect(staleWriter).rejects.toMatchObject({ name: 'StateConflictError' });
    // The old bytes under the new version are refused.
    plant(records, { ...stored, version: storedOf(records, 'ada').version });
    await expect(state.get(people, 'ada')).rejects.toBeInstanceOf(SealedRecordError);
  });

  it('refuses a record moved to another id, table, version or data directory', async () => {
    const { records, state, stored } = await withAda();
    await state.commit({ write: [writeRecord(people, 'bob', null, { name: 'Bob', age: 1 })] });
    plant(records, { ...stored, id: 'bob' });
    await expect(state.get(people, 'bob')).rejects.toBeInstanceOf(SealedRecordError);
    plant(records, { ...stored, version: stored.version + 1 });
    await expect(state.list(people)).rejects.toBeInstanceOf(SealedRecordError);
    plant(records, stored);
    records.set('others', new Map([['ada', { ...stored, table: 'others' }]]));
    await expect(state.get({ ...people, name: 'others' }, 'ada')).rejects.toBeInstanceOf(SealedRecordError);
    const elsewhere = await withAda();
    plant(elsewhere.records, stored);
    await expect(elsewhere.state.get(people, 'ada')).rejects.toBeInstanceOf(SealedRecordError);
  });

  it('refuses every cut and every changed byte', async () => {
    const { records, state, stored } = await withAda();
    const whole = Buffer.from(stored.value);
    const refuse = async (value: Buffer): Promise<void> => {
      plant(records, { ...stored, value });
      await expect(state.get(people, 'ada')).rejects.toBeInstanceOf(SealedRecordError);
    };
    for (let length = 0; length < whole.length; length += 1) await refuse(whole.subarray(0, length));
    for (let index = 0; index < whole.length; index += 1) {
      const changed = Buffer.from(whole);
      changed[index] = (changed[index] ?? 0) ^ (1 << (index % 8));
      await refuse(changed);
    }
    await refuse(Buffer.concat([whole, Buffer.from([0])]));
  });

  it('refuses any splice of two records', async () => {
    const { records, state, stored } = await withAda();
    await state.commit({ write: [writeRecord(people, 'bob', null, { name: 'Bob', age: 11 })] });
    const other = storedOf(records, 'bob');
    await fc.assert(
      fc.asyncProperty(fc.nat(stored.value.byteLength), fc.nat(other.value.byteLength), async (left, right) => {
        const value = Buffer.concat([stored.value.subarray(0, left), other.value.subarray(right)]);
        if (value.equals(stored.value)) return;
        plant(records, { ...stored, value });
        await expect(state.get(people, 'ada')).rejects.toBeInstanceOf(SealedRecordError);
      }),
      { numRuns: 300 },
    );
  });
});
