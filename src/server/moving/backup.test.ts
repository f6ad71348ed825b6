import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
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
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';
import { parseRootKey, RootKey } from '../../state/root-key.ts';
import { stateIdOf } from '../../state/sealed/check-record.ts';
import { SqliteStateStore } from '../../state/sqlite/sqlite-state-store.ts';
import { backupMark, markTable, writeMark } from '../move-marks.ts';
import { isOfSide } from './backup-sides.ts';
import type { RestoreSettings } from './backup.ts';
import { backUp, restore } from './backup.ts';
import { MoveError } from './move-error.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-backup-'));
const base = join(root, 'base');
beforeAll(() => makeInstance(base));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const now = () => instant(Date.UTC(2026, 0, 1));
let number = 0;
/** A copy of the instance, and two empty directories. */
function places() {
  const path = join(root, `${(number += 1)}`);
  const [instance, copy, back] = ['instance', 'copy', 'back'].map((name) => join(path, name)) as [
    string,
    string,
    string,
  ];
  for (const directory of [copy, back]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  cpSync(base, instance, { recursive: true });
  const rootKey = parseRootKey(readFileSync(join(instance, 'root.key'), 'utf8'));
  const take = () => backUp({ from: { dataDirectory: instance }, to: { dataDirectory: copy }, now });
  const bringBack = (more: Partial<Pick<RestoreSettings, 'rootKey' | 'acceptsRollback' | 'log'>> = {}) =>
    restore({
      from: { dataDirectory: copy },
      to: { dataDirectory: back },
      rootKey,
      acceptsRollback: true,
      now,
      ...more,
    });
  return { instance, copy, back, take, bringBack };
}

const filesIn = (directory: string): readonly string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile());

describe('a backup', () => {
  it('brings an instance back as it was, and no backup before it, and stays one', async () => {
    const { instance, copy, back, take, bringBack } = places();
    await take();
    await changeInstance(instance);
    const [records, blobs] = [await recordsIn(instance), blobsIn(instance)];
    const kept = join(copy, 'extents', movedClusters[1] ?? '', 'x.blob');
    const before = statSync(kept).ino;
    const manifest = await take();
    expect(statSync(kept).ino).toBe(before); // not written again
    expect(manifest).toMatchObject({ takenOn: '2026-01-01T00:00:00.000Z', blobs: { blobs: 4 } });
    expect(blobsIn(copy)).toEqual(blobs);
    rmSync(blobOf(instance, 'y/z'));
    expect(await isServed(copy)).toBe(false);
    await bringBack();
    expect([await recordsIn(back), blobsIn(back)]).toEqual([records, blobs]);
    expect([await isServed(instance), await isServed(back), await isServed(copy)]).toEqual([true, true, false]);
    expect(existsSync(join(back, 'root.key'))).toBe(false);
  });

  it('holds no root key and nothing in the clear, for its owner alone', async () => {
    const { instance, copy, take } = places();
    await take();
    const key = readFileSync(join(instance, 'root.key'), 'utf8').trim();
    const traces = [key, Buffer.from(key, 'base64url').toString('latin1'), '"row"'];
    for (const path of filesIn(copy)) {
      const bytes = readFileSync(path, 'latin1');
      expect(traces.filter((text) => bytes.includes(text))).toEqual([]);
      if (process.platform !== 'win32') expect(statSync(path).mode & 0o077).toBe(0);
    }
  });

  it('leaves nothing of the one before, in its records, its files or its extents', async () => {
    const { instance, copy, take } = places();
    await take();
    const sealed = Buffer.from((await recordsIn(instance))[gone]?.split(' ')[1] ?? '', 'hex');
    const has = () => filesIn(copy).filter((path) => readFileSync(path).includes(sealed));
    expect([sealed.length > 20, has().length]).toEqual([true, 1]);
    await changeInstance(instance);
    const { side } = await take();
    expect(has()).toEqual([]);
    expect(blobsIn(copy)).toEqual(blobsIn(instance));
    await withStore(copy, async (store) =>
      expect((await store.tables()).filter((name) => name !== markTable && !isOfSide(name, side))).toEqual([]),
    );
  });

  it('leaves out what is there of clusters that are gone', async () => {
    const { instance, copy, take } = places();
    await take();
    cpSync(join(copy, 'extents', movedClusters[0] ?? ''), join(copy, 'extents', lostCluster), { recursive: true });
    await take();
    expect(blobsIn(copy)).toEqual(blobsIn(instance));
  });

  it('stays what it was until the next one has come to its end', async () => {
    const { instance, copy, back, take, bringBack } = places();
    await take();
    const [records, blobs] = [await recordsIn(instance), blobsIn(instance)];
    await changeInstance(instance);
    const inTheWay = blobOf(copy, 'new');
    mkdirSync(inTheWay);
    await expect(take()).rejects.toThrow();
    await bringBack();
    expect([await recordsIn(back), blobsIn(back)]).toEqual([records, blobs]);
    rmSync(inTheWay, { recursive: true });
    await take();
    expect(blobsIn(copy)).toEqual(blobsIn(instance));
  });

  it('that was never finished is none', async () => {
    const { instance, copy, take, bringBack } = places();
    await withStore(instance, async (source) => {
      const move = { format: 1, migration: newGuid(systemRandomBytes), other: 'here' } as const;
      const state = (await stateIdOf(source)) ?? '';
      await withStore(copy, (store) => writeMark(store, 'filling', { ...move, state }));
    });
    await expect(bringBack()).rejects.toThrow('no backup that was finished');
    expect(await isServed(copy)).toBe(false);
    await take();
    await bringBack();
  });
});

describe('a backup is refused', () => {
  it.each<readonly [string, (copy: string) => Promise<void> | void]>([
    ['a blob was changed', (copy) => flip(blobOf(copy))],
    ['a blob was cut', (copy) => truncateSync(blobOf(copy), 10)],
    ['a blob is missing', (copy) => rmSync(blobOf(copy))],
    [
      'a record was changed',
      (copy) =>
        withStore(copy, async (store) => {
          const [record] = await store.list('side-a-cluster-catalog');
          if (record === undefined) throw new Error('There is a record.');
          const put = { version: record.version + 1, value: Buffer.from('changed') };
          await store.commit({ write: [{ table: record.table, id: record.id, expect: record.version, put }] });
        }),
    ],
    [
      'what it says of itself was changed',
      (copy) =>
        withStore(copy, async (store) => {
          const record = await store.get(markTable, backupMark);
          const value = Buffer.from(
            Buffer.from(record?.value ?? [])
              .toString()
              .replace('takenOn', 'takenIn'),
          );
          const put = { version: 99, value };
          await store.commit({ write: [{ table: markTable, id: backupMark, expect: record?.version ?? 0, put }] });
        }),
    ],
  ])('when %s', async (_what, harm) => {
    const { copy, back, take, bringBack } = places();
    await take();
    await harm(copy);
    await expect(bringBack()).rejects.toThrow(/changed/);
    expect(await isServed(back)).toBe(false);
  });

  it('under another root key, without a yes to the rollback, and over what is there', async () => {
    const { instance, take, bringBack, copy } = places();
    await take();
    const told: unknown[] = [];
    const log = { warning: (...line: unknown[]) => void told.push(line) };
    await expect(bringBack({ acceptsRollback: false, log })).rejects.toThrow('--accept-rollback');
    const line = ['restore-refused', { operation: 'InstanceRestore', why: 'without --accept-rollback' }];
    expect(told).toEqual([line]);
    await expect(bringBack({ rootKey: new RootKey(Buffer.alloc(32, 1)) })).rejects.toThrow(
      'is not the one of the backup',
    );
    const over = { from: { dataDirectory: copy }, to: { dataDirectory: instance }, acceptsRollback: true, now };
    const rootKey = parseRootKey(readFileSync(join(instance, 'root.key'), 'utf8'));
    await expect(restore({ ...over, rootKey })).rejects.toThrow('holds a state already');
    await bringBack();
  });

  it('into a directory with one of another instance, or with an instance', async () => {
    const { instance, copy, take } = places();
    await take();
    const other = join(root, `other-${number}`);
    await makeInstance(other);
    const from = { dataDirectory: other };
    await expect(backUp({ from, to: { dataDirectory: copy }, now })).rejects.toThrow('a backup of another instance');
    await expect(backUp({ from, to: { dataDirectory: instance }, now })).rejects.toThrow('holds a state already');
    writeFileSync(join(other, 'seed-begun'), '');
    await expect(restoreOf(other)).rejects.toThrow(MoveError);
  });
});

const gone = `cluster-catalog/${movedClusters[0] ?? ''}/a`;
const lostCluster = '00000000-0000-4000-8000-000000000005';

const restoreOf = (directory: string) =>
  restore({
    ...{ from: { dataDirectory: directory }, to: { dataDirectory: directory }, acceptsRollback: true, now },
    rootKey: parseRootKey(readFileSync(join(directory, 'root.key'), 'utf8')),
  });

const blobOf = (directory: string, name = 'x'): string =>
  join(directory, 'extents', movedClusters[0] ?? '', `${name}.blob`);

function flip(path: string): void {
  const bytes = readFileSync(path);
  bytes[5] = (bytes[5] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

async function withStore(directory: string, work: (store: SqliteStateStore) => Promise<void>): Promise<void> {
  const store = SqliteStateStore.open(directory);
  await work(store);
  await store.close();
}
