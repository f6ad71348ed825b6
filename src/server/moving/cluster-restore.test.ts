import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  askNext,
  changeCluster,
  changeKey,
  clusterId,
  clusterIn,
  inState,
  keptOfLater,
  keyIn,
  makeClusterInstance,
  nextVersion,
  writeState,
} from '../../../tests/support/backed-up-cluster.ts';
import { movedClusters } from '../../../tests/support/moved-instance.ts';
import { findEvents } from '../../audit/find-events.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';
import { FilesystemBlobStore } from '../../storage/filesystem/filesystem-blob-store.ts';
import { SqliteStateStore } from '../../state/sqlite/sqlite-state-store.ts';
import { openStore } from '../state-place.ts';
import { backupMark, markTable } from '../move-marks.ts';
import { backUp } from './backup.ts';
import type { ClusterRestoreSettings } from './cluster-restore.ts';
import { restoreCluster } from './cluster-restore.ts';
import type { RewrapSettings } from './cluster-rewrap.ts';
import { rewrapBackup } from './cluster-rewrap.ts';
import { parseRootKey, RootKey } from '../../state/root-key.ts';
import { MoveError } from './move-error.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-cluster-restore-'));
const [base, baseCopy] = [join(root, 'base'), join(root, 'base-copy')];
const now = () => instant(Date.UTC(2026, 0, 1));
beforeAll(async () => {
  await makeClusterInstance(base);
  mkdirSync(baseCopy, { mode: 0o700 });
  await backUp({ from: { dataDirectory: base }, to: { dataDirectory: baseCopy }, cluster: 'one', now });
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let number = 0;
function places() {
  const path = join(root, `${(number += 1)}`);
  const [instance, copy] = [join(path, 'instance'), join(path, 'copy')];
  cpSync(base, instance, { recursive: true });
  cpSync(baseCopy, copy, { recursive: true });
  const setBack = (more: Partial<ClusterRestoreSettings> = {}) =>
    restoreCluster({
      ...{ from: { dataDirectory: copy }, to: { dataDirectory: instance }, cluster: 'one', acceptsRollback: true, now },
      ...more,
    });
  return { instance, copy, setBack };
}

it('names the full key that it needs, and tells what stays as it is now', async () => {
  const { instance, setBack } = places();
  const then = await clusterIn(instance);
  await changeCluster(instance);
  const { manifest, kept } = await setBack();
  expect(manifest.cluster?.kid).toBe(`https://v.vault.azure.net/keys/k/${'0'.repeat(32)}`);
  expect(kept).toEqual({ databases: 1, tables: 2, settings: 0 });
  expect(await clusterIn(instance)).toEqual({ ...then, suspended: true, kept: keptOfLater });
});

it('the log and the audit say that it was refused without a yes to the rollback, and the cluster is as it was', async () => {
  const { instance, copy, setBack } = places();
  const then = await clusterIn(instance);
  const told: unknown[] = [];
  const log = { warning: (...line: unknown[]) => void told.push(line) };
  await expect(setBack({ acceptsRollback: false, log })).rejects.toThrow(MoveError);
  expect(told).toEqual([['restore-refused', { operation: 'ClusterRestore', why: 'without --accept-rollback' }]]);
  const { events } = await inState(instance, (state) =>
    findEvents(state, { operation: 'ClusterRestore' }, { limit: 100 }),
  );
  expect(events.map(({ event }) => event.facts)).toMatchObject([
    { status: 'Refused', place: `${copy} (cluster one)`, caller: { displayName: 'kustody' } },
  ]);
  expect(await clusterIn(instance)).toEqual(then);
});

it('a second restore before the cluster was opened keeps what was there before the first', async () => {
  const { instance, copy, setBack } = places();
  await changeCluster(instance);
  await setBack();
  await setBack();
  expect(await clusterIn(instance)).toMatchObject({ kept: keptOfLater });
  const again = backUp({ from: { dataDirectory: instance }, to: { dataDirectory: copy }, cluster: 'one', now });
  await expect(again).rejects.toThrow('was set back and has not opened its data since');
});

const version = (digit: string) => ({ vaultHost: 'v.vault.azure.net', name: 'k', version: digit.repeat(32) });
const otherKey = {
  custody: {
    kind: 'customer',
    key: {
      vaultUri: 'https://v.vault.azure.net/',
      vaultHost: 'v.vault.azure.net',
      keyName: 'k',
      keyVersion: '1'.repeat(32),
      identity: clusterId,
    },
  },
};

it.each<[string, string, (at: ReturnType<typeof places>) => Promise<unknown>]>([
  ['there is no yes to it', 'Give --accept-rollback', () => Promise.resolve({ acceptsRollback: false })],
  ['there is no such cluster', "There is no cluster 'two'", () => Promise.resolve({ cluster: 'two' })],
  [
    'the backup is of another cluster that has the name now',
    "is of the cluster 'one', not of",
    ({ instance }) => inState(instance, (state) => writeState(state, 'renamed')),
  ],
  [
    'the backup is of another instance',
    'The root key is not the one of the backup',
    async ({ instance }) => {
      rmSync(instance, { recursive: true });
      await makeClusterInstance(instance);
    },
  ],
  [
    'the backup is of a whole instance',
    'is a backup of a whole instance',
    async ({ instance, copy }) => {
      rmSync(copy, { recursive: true });
      mkdirSync(copy, { mode: 0o700 });
      await backUp({ from: { dataDirectory: instance }, to: { dataDirectory: copy }, now });
    },
  ],
  ['there is no backup', 'holds no backup that was finished', ({ copy }) => changeManifest(copy, () => undefined)],
  [
    'its manifest was changed',
    'what the backup says of itself was changed',
    ({ copy }) => changeManifest(copy, (text) => text.replace('"name":"one"', '"name":"two"')),
  ],
  [
    'it was made by a newer Kustody',
    'was made by a newer Kustody',
    ({ copy }) => changeManifest(copy, (text) => text.replace('"format":2', '"format":3')),
  ],
  [
    'its manifest names another cluster',
    'what the backup says of itself was changed',
    ({ copy }) => changeManifest(copy, (text) => text.replaceAll(clusterId, second)),
  ],
  [
    'its manifest names another version of the key',
    'what the backup says of itself was changed',
    ({ copy }) => changeManifest(copy, (text) => text.replace('0'.repeat(32), '1'.repeat(32))),
  ],
  [
    'its manifest names the database of another resource',
    'what the backup says of itself was changed',
    ({ copy }) => changeManifest(copy, (text) => text.replaceAll(second, clusterId)),
  ],
  [
    'its extents have each other\u2019s names',
    'its extents are not those that it says it holds',
    ({ copy }) => swap(extentsIn(copy)),
  ],
  [
    'its extents are those of another cluster',
    'its extents are not those that it says it holds',
    ({ instance, copy }) => swap([extentsIn(copy)[0] ?? '', extentsIn(instance, second)[0] ?? '']),
  ],
  [
    'its records are older than its list of extents',
    'The backup was changed',
    async ({ instance, copy }) => {
      const older = join(copy, '..', 'older');
      cpSync(copy, older, { recursive: true });
      await changeCluster(instance);
      await changeKey(instance, {});
      await backUp({ from: { dataDirectory: instance }, to: { dataDirectory: copy }, cluster: 'one', now });
      await mixRecords(older, copy);
    },
  ],
  ['an extent of it was changed', 'its extents are not those that it says it holds', ({ copy }) => shorten(copy)],
  ['an extent of it is missing', 'is missing', ({ copy }) => shorten(copy, true)],
  ['a record of it was changed', 'The backup was changed', ({ copy }) => changeRecord(copy)],
  [
    'the cluster is under another key',
    'Set the cluster to the key of the backup first',
    ({ instance }) => changeKey(instance, { kid: { ...version('0'), name: 'other' } }),
  ],
  [
    'the cluster names another version of the key',
    'Set the cluster to the version of the backup first',
    async ({ instance, copy }) => {
      const custody = { ...otherKey.custody, key: { ...otherKey.custody.key, keyVersion: undefined } };
      await changeKey(instance, { custody: JSON.parse(JSON.stringify(custody)) as never });
      rmSync(copy, { recursive: true });
      mkdirSync(copy, { mode: 0o700 });
      await backUp({ from: { dataDirectory: instance }, to: { dataDirectory: copy }, cluster: 'one', now });
      await changeKey(instance, { ...otherKey, kid: version('1') });
    },
  ],
  [
    'the cluster has another cluster key',
    'has got another cluster key since',
    ({ instance }) => changeKey(instance, { generation: 2 }),
  ],
  [
    'the cluster has another cluster key, of the same number',
    'has got another cluster key since',
    ({ instance }) => changeKey(instance, { check: Buffer.alloc(16, 9).toString('base64url') }),
  ],
  [
    'a database was made since',
    "has the databases 'new', 'db', and the backup 'db'",
    ({ instance }) => inState(instance, (state) => writeState(state, 'database')),
  ],
  ['there is not enough room', 'There is no room for', () => Promise.resolve({ freeBytes: () => 1000 })],
])('refuses by name when %s, and leaves the cluster as it is', async (_, message, change) => {
  const at = places();
  const settings = (await change(at)) as Partial<ClusterRestoreSettings> | undefined;
  const before = await clusterIn(at.instance);
  const extents = contentOf(at.instance);
  const outcome = await at.setBack(settings).then(
    () => 'set back',
    (error: unknown) => error as Error,
  );
  expect(outcome).toBeInstanceOf(MoveError);
  expect(String(outcome)).toContain(message);
  expect(await clusterIn(at.instance)).toEqual(before);
  expect(contentOf(at.instance)).toEqual(extents);
});

it('puts nothing in the place of an extent when that of the backup changes after all of them were read', async () => {
  const { instance, copy, setBack } = places();
  const [extent = ''] = extentsIn(copy);
  const own = extentsIn(instance)[0] ?? '';
  // One that the backup is to take the place of.
  writeFileSync(own, readFileSync(own).fill(7, 0, 64));
  const before = [await clusterIn(instance), contentOf(instance)];
  const whole = readFileSync(extent);
  let reads = 0;
  const found = Object.getOwnPropertyDescriptor(FilesystemBlobStore.prototype, 'read')?.value as typeof read;
  function read(
    this: FilesystemBlobStore,
    ...[name, range]: Parameters<FilesystemBlobStore['read']>
  ): ReturnType<FilesystemBlobStore['read']> {
    const path = extentsIn(copy).find((one) => one.endsWith(`/${name}.blob`));
    if (path === extent && (reads += 1) === 2) writeFileSync(extent, Buffer.from(whole).fill(9, 0, 64));
    return found.call(this, name, range);
  }
  const spy = vi.spyOn(FilesystemBlobStore.prototype, 'read').mockImplementation(read);
  try {
    await expect(setBack()).rejects.toThrow('is not what it says it holds');
  } finally {
    spy.mockRestore();
  }
  expect([await clusterIn(instance), contentOf(instance)]).toEqual(before);
  writeFileSync(extent, whole);
  await setBack();
  expect(contentOf(instance).map(([, content]) => content)).toEqual(contentOf(copy).map(([, content]) => content));
});

describe('a backup moved to another version of the key', () => {
  const rewrap = ({ copy, instance }: ReturnType<typeof places>, more: Partial<RewrapSettings> = {}) =>
    rewrapBackup({
      ...{ to: { dataDirectory: copy }, cluster: 'one', ask: askNext },
      rootKey: parseRootKey(readFileSync(join(instance, 'root.key'), 'utf8')),
      ...more,
    });
  const full = (version: string) => `https://v.vault.azure.net/keys/k/${version}`;

  it('names that one, restores to it, and is left alone the second time', async () => {
    const at = places();
    const then = await clusterIn(at.instance);
    const moved = await rewrap(at);
    expect(moved).toMatchObject({ before: full('0'.repeat(32)), manifest: { cluster: { kid: full(nextVersion) } } });
    expect(await rewrap(at)).toEqual({ before: undefined, manifest: moved.manifest });
    await changeCluster(at.instance);
    await at.setBack();
    expect(await keyIn(at.instance)).toBe(`${nextVersion} next`);
    expect(await clusterIn(at.instance)).toMatchObject({ digest: then.digest });
  });

  it.each<[string, string, Partial<RewrapSettings>]>([
    ['it is of another cluster', "is a backup of the cluster 'one', not of 'two'", { cluster: 'two' }],
    ['the root key is another one', 'The root key is not the one', { rootKey: new RootKey(Buffer.alloc(32, 9)) }],
    ['the vault refuses', 'disabled', { ask: () => Promise.reject(new Error('The key is disabled.')) }],
  ])('is what it was when %s', async (_, message, more) => {
    const at = places();
    await expect(rewrap(at, more)).rejects.toThrow(message);
    await changeCluster(at.instance);
    expect((await at.setBack()).manifest.cluster?.kid).toBe(full('0'.repeat(32)));
    expect(await keyIn(at.instance)).toBe(`${'0'.repeat(32)} first`);
  });

  it('is not one of a whole instance', async () => {
    const at = places();
    rmSync(at.copy, { recursive: true });
    mkdirSync(at.copy, { mode: 0o700 });
    await backUp({ from: { dataDirectory: at.instance }, to: { dataDirectory: at.copy }, now });
    await expect(rewrap(at)).rejects.toThrow('is a backup of a whole instance');
  });
});

it('refuses an instance that somebody serves', async () => {
  const { instance, setBack } = places();
  const served = await openStore({ dataDirectory: instance });
  try {
    await expect(setBack()).rejects.toThrow(/another|in use|running/i);
  } finally {
    await served.close();
  }
});

async function changeManifest(copy: string, change: (text: string) => string | undefined): Promise<void> {
  const store = SqliteStateStore.open(copy);
  const found = await store.get(markTable, backupMark);
  if (found === undefined) throw new Error('It has a manifest.');
  const held = JSON.parse(Buffer.from(found.value).toString()) as { text: string; mac: string };
  const text = change(held.text);
  const put =
    text === undefined ? null : { version: found.version + 1, value: Buffer.from(JSON.stringify({ ...held, text })) };
  await store.commit({ write: [{ table: markTable, id: backupMark, expect: found.version, put }] });
  await store.close();
}

async function changeRecord(copy: string): Promise<void> {
  const store = SqliteStateStore.open(copy);
  const [record] = await store.list('side-a-cluster-catalog');
  if (record === undefined) throw new Error('It has a catalog.');
  const { table, id, version: expect_ } = record;
  const put = { version: expect_ + 1, value: systemRandomBytes(64) };
  await store.commit({ write: [{ table, id, expect: expect_, put }] });
  await store.close();
}

const [, second = ''] = movedClusters as readonly string[];

const extentsIn = (directory: string, cluster: string = clusterId): readonly string[] =>
  readdirSync(join(directory, 'extents', cluster), { recursive: true, encoding: 'utf8' })
    .filter((one) => one.endsWith('.blob'))
    .sort()
    .map((one) => join(directory, 'extents', cluster, one));

const contentOf = (directory: string): readonly (readonly [path: string, content: string])[] =>
  extentsIn(directory).map((path) => [path, readFileSync(path, 'base64')]);

/** The first gets the content of the other, and the other of the first. */
function swap([one = '', other = '']: readonly string[]): Promise<void> {
  const [first, next] = [readFileSync(one), readFileSync(other)];
  expect(first.equals(next)).toBe(false);
  writeFileSync(one, next);
  writeFileSync(other, first);
  return Promise.resolve();
}

/** The catalog of an older backup, sealed as it is, in the place of the one of a newer. */
async function mixRecords(from: string, to: string): Promise<void> {
  const [older, newer] = [SqliteStateStore.open(from), SqliteStateStore.open(to)];
  const tableOf = async (store: SqliteStateStore): Promise<string> =>
    (await store.tables()).find((name) => name.endsWith('-cluster-catalog')) ?? '';
  const there = await newer.list(await tableOf(newer));
  for (const { id, value } of await older.list(await tableOf(older))) {
    const found = there.find((record) => record.id === id);
    if (found === undefined) continue;
    const put = { version: found.version + 1, value };
    await newer.commit({ write: [{ table: found.table, id, expect: found.version, put }] });
  }
  await older.close();
  await newer.close();
}

function shorten(copy: string, removed = false): Promise<void> {
  const directory = join(copy, 'extents', clusterId);
  const [name] = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((one) => one.endsWith('.blob'));
  const path = join(directory, name ?? '');
  if (removed) rmSync(path);
  else truncateSync(path, 2_000);
  return Promise.resolve();
}
