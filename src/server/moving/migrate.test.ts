import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  blobsIn,
  changeInstance,
  isServed,
  makeInstance,
  movedClusters,
  recordsIn,
} from '../../../tests/support/moved-instance.ts';
import { RootKey } from '../../state/root-key.ts';
import { SqliteStateStore } from '../../state/sqlite/sqlite-state-store.ts';
import { checkTable } from '../../state/tree/build-trees.ts';
import type { ListOptions, StateStore } from '../../state/state-store.ts';
import { digestOf, requireDigest } from './copy-blobs.ts';
import { copyRecords, requireSameRecords, sumRecords } from './copy-records.ts';
import { removeMark, writeMark } from '../move-marks.ts';
import { instant } from '../../clock/clock.ts';
import type { MoveProgress, MoveSettings } from './migrate.ts';
import { migrate as migrateAt, planMigration as planAt } from './migrate.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-migrate-'));
const base = join(root, 'base');
beforeAll(() => makeInstance(base));
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Move = Omit<MoveSettings, 'now'>;
const now = () => instant(Date.UTC(2026, 0, 1));
const migrate = (move: Move) => migrateAt({ ...move, now });
const planMigration = (move: Move) => planAt({ ...move, now });

let number = 0;
/** A copy of the instance, and an empty directory. */
function ends(): { from: { dataDirectory: string }; to: { dataDirectory: string } } {
  const path = join(root, `${(number += 1)}`);
  mkdirSync(join(path, 'to'), { recursive: true, mode: 0o700 });
  cpSync(base, join(path, 'from'), { recursive: true });
  return { from: { dataDirectory: join(path, 'from') }, to: { dataDirectory: join(path, 'to') } };
}

async function sumOf(directory: string) {
  const store = SqliteStateStore.open(directory);
  const sum = await sumRecords(store);
  await store.close();
  return sum;
}

describe('a move', () => {
  it('copies sealed records, blobs and the file of the root key as they are, and tells how far it is', async () => {
    const { from, to } = ends();
    const told: MoveProgress[] = [];
    const planned = await planMigration({ from, to });
    expect(readdirSync(to.dataDirectory)).toEqual([]);
    const { counts } = await migrate({ from, to, progress: (progress) => told.push(progress) });
    expect(counts).toEqual(planned);
    expect(counts).toMatchObject({
      clusters: movedClusters.length,
      blobs: { blobs: 4, bytes: 12_000 },
      rootKey: 'file',
    });
    expect(await sumOf(from.dataDirectory)).toEqual(counts?.records);
    expect(await recordsIn(to.dataDirectory)).toEqual(await recordsIn(from.dataDirectory));
    expect(blobsIn(to.dataDirectory)).toEqual(blobsIn(from.dataDirectory));
    const modes = ['root.key', 'state.db', `extents/${movedClusters[0] ?? ''}/x.blob`].map(
      (name) => statSync(join(to.dataDirectory, name)).mode & 0o777,
    );
    if (process.platform !== 'win32') expect(modes).toEqual([0o600, 0o600, 0o600]);
    for (const phase of ['blobs', 'records', 'reading back'] as const) {
      const of = told.filter((one) => one.phase === phase);
      expect(of.at(-1)).toEqual({ phase, done: of.length, of: of.length });
    }
    expect([await isServed(from.dataDirectory), await isServed(to.dataDirectory)]).toEqual([false, true]);
    const again = await migrate({ from, to });
    expect(again.counts).toBeUndefined();
  });

  it('takes no file of a key along that is kept elsewhere', async () => {
    const { from, to } = ends();
    const key = readFileSync(join(from.dataDirectory, 'root.key'), 'utf8').trim();
    const rootKey = new RootKey(Buffer.from(key, 'base64url'));
    const { counts } = await migrate({ from, to, rootKey });
    expect(counts?.rootKey).toBe('elsewhere');
    expect(existsSync(join(to.dataDirectory, 'root.key'))).toBe(false);
  });

  it('goes on with what an earlier run has begun, though the source was changed meanwhile and the copy was damaged', async () => {
    const { from, to } = ends();
    await migrate({ from, to });
    // As it was before the source said that it was moved.
    const [cluster = ''] = movedClusters;
    await withStore(from.dataDirectory, (store) => removeMark(store, 'moved'));
    const state = await stateOf(from.dataDirectory);
    const mark = { format: 1, migration: newGuid(systemRandomBytes), state, other: 'here' } as const;
    await withStore(to.dataDirectory, async (store) => {
      await writeMark(store, 'filling', mark);
      const record = await store.get('cluster-catalog', `${cluster}/b`);
      const other = { table: 'cluster-catalog', id: `${cluster}/b` };
      const version = record?.version ?? 0;
      // The same version with another value.
      await store.commit({ write: [{ ...other, expect: version, put: null }] });
      await store.commit({ write: [{ ...other, expect: null, put: { version, value: Buffer.from('damaged') } }] });
    });
    writeFileSync(join(to.dataDirectory, 'extents', cluster, 'y', 'z.blob'), Buffer.alloc(3_000));
    await changeInstance(from.dataDirectory);
    expect(await isServed(to.dataDirectory)).toBe(false);
    const { migration } = await migrate({ from, to });
    expect(migration).toBe(mark.migration);
    expect(await recordsIn(to.dataDirectory)).toEqual(await recordsIn(from.dataDirectory));
    expect(blobsIn(to.dataDirectory)).toEqual(blobsIn(from.dataDirectory));
  });
});

describe('copying', () => {
  it('finds a copy that is read back as something else, of records and of blobs', async () => {
    const { from, to } = ends();
    const [source, target] = [SqliteStateStore.open(from.dataDirectory), SqliteStateStore.open(to.dataDirectory)];
    const sum = await sumRecords(source);
    await copyRecords(source, target, () => undefined);
    requireSameRecords(sum, await sumRecords(target));
    const lying: StateStore = Object.assign(Object.create(target) as StateStore, {
      tables: () => target.tables(),
      list: async (table: string, options: ListOptions) => {
        const page = await target.list(table, options);
        return page.map((record) => (record.id.endsWith('/漢') ? { ...record, value: Buffer.from('x') } : record));
      },
    });
    const read = await sumRecords(lying);
    expect(read.records).toBe(sum.records);
    expect(() => requireSameRecords(sum, read)).toThrow('is not what the source has');
    await Promise.all([source.close(), target.close()]);
    const wanted = await digestOf(pieces('a', 'b'));
    await expect(requireDigest(pieces('ab'), wanted, 'blob')).resolves.toBeUndefined();
    await expect(requireDigest(pieces('ac'), wanted, 'blob')).rejects.toThrow('read back at the target');
  });

  it('knows records from others that are the same bytes in other pieces', async () => {
    const stores = await Promise.all(
      [
        ['a', 'bc'],
        ['ab', 'c'],
      ].map(async ([id = '', value = '']) => {
        const { to } = ends();
        const store = SqliteStateStore.open(to.dataDirectory);
        await store.commit({
          write: [{ table: 't', id, expect: null, put: { version: 1, value: Buffer.from(value) } }],
        });
        const { digest } = await sumRecords(store);
        await store.close();
        return digest;
      }),
    );
    expect(new Set(stores).size).toBe(2);
  });
});

async function* pieces(...texts: readonly string[]): AsyncIterable<Uint8Array> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

describe('a move is refused', () => {
  it('into the directory that is moved, and where a state or something of one is', async () => {
    const { from, to } = ends();
    const other = ends();
    await expect(migrate({ from, to: from })).rejects.toThrow('are the same directory');
    await expect(migrate({ from, to: other.from })).rejects.toThrow('holds a state already');
    mkdirSync(join(to.dataDirectory, 'extents', 'of somebody'), { recursive: true });
    await expect(migrate({ from, to })).rejects.toThrow('extents beside it');
    expect(await isServed(from.dataDirectory)).toBe(true);
  });

  it('into what is being filled from another instance', async () => {
    const { from, to } = ends();
    const other = join(root, `other-${number}`);
    await makeInstance(other);
    const mark = { format: 1, migration: newGuid(systemRandomBytes), state: await stateOf(other), other } as const;
    await withStore(to.dataDirectory, (store) => writeMark(store, 'filling', mark));
    await expect(migrate({ from, to })).rejects.toThrow(`from another instance (${other})`);
    expect(await isServed(from.dataDirectory)).toBe(true);
  });

  it('once more to elsewhere, of what is being filled, and of what holds nothing', async () => {
    const { from, to } = ends();
    const other = ends();
    await migrate({ from, to });
    await expect(migrate({ from, to: other.to })).rejects.toThrow(`was moved to ${to.dataDirectory} already`);
    await expect(planMigration({ from, to: other.to })).rejects.toThrow(`was moved to ${to.dataDirectory}`);
    const mark = { format: 1, migration: newGuid(systemRandomBytes), state: '', other: 'a' } as const;
    await withStore(other.from.dataDirectory, (store) => writeMark(store, 'filling', mark));
    await expect(migrate({ from: other.from, to: other.to })).rejects.toThrow('is being filled by migration');
    await expect(migrate({ from: ends().to, to: ends().to })).rejects.toThrow('there is nothing to copy');
  });

  it('under another root key, or after a seed that was not ended', async () => {
    const { from, to } = ends();
    const wrong = new RootKey(Buffer.alloc(32, 1));
    await expect(migrate({ from, to, rootKey: wrong })).rejects.toMatchObject({ name: 'WrongRootKeyError' });
    writeFileSync(join(from.dataDirectory, 'seed-begun'), '');
    await expect(migrate({ from, to })).rejects.toThrow('A seed of');
    expect(await isServed(from.dataDirectory)).toBe(true);
  });

  it('while somebody has either end open', async () => {
    const { from, to } = ends();
    for (const end of [from, to]) {
      const store = SqliteStateStore.open(end.dataDirectory);
      await expect(migrate({ from, to })).rejects.toMatchObject({ name: 'StateLockedError' });
      await store.close();
    }
  });
});

async function withStore(directory: string, work: (store: SqliteStateStore) => Promise<void>): Promise<void> {
  const store = SqliteStateStore.open(directory);
  await work(store);
  await store.close();
}

async function stateOf(directory: string): Promise<string> {
  const store = SqliteStateStore.open(directory);
  const record = await store.get(checkTable, 'check');
  await store.close();
  return Buffer.from(record?.value.subarray(0, 16) ?? []).toString('hex');
}
