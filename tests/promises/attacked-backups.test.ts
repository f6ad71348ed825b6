import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemRandomBytes } from '../../src/base/random.ts';
import { instant } from '../../src/clock/clock.ts';
import { backupMark, markTable } from '../../src/server/move-marks.ts';
import { sideOf } from '../../src/server/moving/backup-sides.ts';
import { readManifest, writeManifest } from '../../src/server/moving/backup-manifest.ts';
import { backUp } from '../../src/server/moving/backup.ts';
import { sumRecords } from '../../src/server/moving/copy-records.ts';
import { withState } from '../../src/server/moving/held-state.ts';
import { clusterKeyTable } from '../../src/encryption/cluster-key-state.ts';
import { openRootKeyFile } from '../../src/state/root-key.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import { changeKey, clusterId, clusterIn, makeClusterInstance } from '../support/backed-up-cluster.ts';
import { kustody, temporaryDirectory } from '../support/kustody-command.ts';
import { blobsIn, movedClusters, recordsIn } from '../support/moved-instance.ts';

/** An instance that nobody serves, an older and a newer backup of its cluster `one`, and one of all of it; each attack has copies of its own. */
let directory: ReturnType<typeof temporaryDirectory>;
const at = (name: string): string => join(directory.path, name);
const rootKeyAt = (instance: string) => openRootKeyFile(join(instance, 'root.key'), systemRandomBytes);
beforeAll(async () => {
  directory = temporaryDirectory();
  await makeClusterInstance(at('instance'));
  await changeKey(at('instance'), { wrapped: Buffer.alloc(256, 7).toString('base64url') });
  const take = async (to: string, cluster?: string): Promise<void> => {
    mkdirSync(at(to), { mode: 0o700 });
    const ends = { from: { dataDirectory: at('instance') }, to: { dataDirectory: at(to) } };
    await backUp({ ...ends, now: () => instant(0), ...(cluster !== undefined && { cluster }) });
  };
  await take('older', 'one');
  await changeKey(at('instance'), { wrapped: Buffer.alloc(256, 8).toString('base64url') });
  await take('cluster', 'one');
  await take('whole');
});
afterAll(() => directory[Symbol.dispose]());

type Attack = (copy: string) => Promise<void>;

async function inStore<T>(copy: string, work: (store: SqliteStateStore) => Promise<T>): Promise<T> {
  const store = SqliteStateStore.open(copy);
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** The key of a cluster, sealed as it lies there. */
const keyIn = (copy: string, id: string = clusterId): Promise<Uint8Array> =>
  inStore(copy, async (store) => {
    const found = await store.get('side-a-cluster-keys', id);
    if (found === undefined) throw new Error('The backup has a key.');
    return found.value;
  });

const putKey =
  (valueOf: () => Promise<Uint8Array>): Attack =>
  async (copy) => {
    const value = await valueOf();
    await inStore(copy, async (store) => {
      const found = await store.get('side-a-cluster-keys', clusterId);
      const { table, id, version = 0 } = found ?? { table: '', id: '' };
      // As one who writes the file: the version stays what it was.
      await store.commit({ write: [{ table, id, expect: version, put: null }] });
      await store.commit({ write: [{ table, id, expect: null, put: { version, value } }] });
    });
  };
const othersKey = putKey(() => keyIn(at('whole'), movedClusters[1]));
const olderKey = putKey(() => keyIn(at('older')));

/** What the manifest says of the records is right again. @param withMac by one who has the root key, or with a digest that anybody makes */
const madeRight =
  (attack: Attack, withMac: boolean): Attack =>
  async (copy) => {
    const rootKey = rootKeyAt(at('instance'));
    const held = await inStore(copy, (store) => readManifest(store, rootKey, copy));
    await attack(copy);
    await inStore(copy, async (store) => {
      const manifest = { ...held, records: await sumRecords(sideOf(store, held.side)) };
      if (withMac) return writeManifest(store, manifest, rootKey);
      const text = JSON.stringify(manifest);
      return putManifest(store, { text, mac: createHash('sha256').update(text).digest('hex') });
    });
  };

async function putManifest(
  store: SqliteStateStore,
  held: { readonly text: string; readonly mac: string },
): Promise<void> {
  const { version = 0 } = (await store.get(markTable, backupMark)) ?? {};
  const put = { version: version + 1, value: Buffer.from(JSON.stringify(held)) };
  await store.commit({ write: [{ table: markTable, id: backupMark, expect: version, put }] });
}

const edited =
  (change: (text: string) => string): Attack =>
  (copy) =>
    inStore(copy, async (store) => {
      const found = await store.get(markTable, backupMark);
      const held = JSON.parse(Buffer.from(found?.value ?? '').toString()) as { text: string; mac: string };
      expect(change(held.text)).not.toBe(held.text);
      await putManifest(store, { ...held, text: change(held.text) });
    });

const extentOf = (copy: string, cluster: string, name: string): string =>
  join(copy, 'extents', cluster, `${name}.blob`);
const swapped =
  (...places: readonly (readonly [cluster: string, name: string])[]): Attack =>
  (copy) => {
    const [one = '', other = ''] = places.map(([cluster, name]) => extentOf(copy, cluster, name));
    renameSync(one, `${one}.aside`);
    renameSync(other, one);
    renameSync(`${one}.aside`, other);
    return Promise.resolve();
  };
const halved =
  (...path: readonly string[]): Attack =>
  (copy) => {
    const file = join(copy, ...path);
    truncateSync(file, Math.floor(statSync(file).size / 2));
    return Promise.resolve();
  };

const changedExtents = 'The backup was changed: its extent';
const notLast = 'is not the one that was written last: an old one was put back';
const ofEither: readonly (readonly [what: string, attack: Attack, told: string])[] = [
  ['the key of another cluster in the place of its own', othersKey, 'The backup was changed'],
  [
    'that, with a digest that anybody can make',
    madeRight(othersKey, false),
    'what the backup says of itself was changed',
  ],
  ['that, with a MAC by one who has the root key', madeRight(othersKey, true), notLast],
  ['an older wrap of its key', olderKey, 'The backup was changed'],
  ['that, with a MAC by one who has the root key', madeRight(olderKey, true), notLast],
  ['extents of two tables in each other\u2019s place', swapped([clusterId, 'x'], [clusterId, 'y/z']), changedExtents],
  ['an extent that was cut', halved('extents', clusterId, 'x.blob'), changedExtents],
  ['records that were cut', halved('state.db'), 'damaged'],
  ['a manifest that names its other side', edited((text) => text.replace('"side":"a"', '"side":"b"')), 'was changed'],
  [
    'a manifest that counts fewer extents',
    edited((text) => text.replace('"blobs":{"blobs":', '"blobs":{"blobs":1')),
    'was changed',
  ],
];
const [, second = ''] = movedClusters;

let attacks = 0;
async function attacked(base: string, attack: Attack) {
  const folder = at(`attack-${(attacks += 1)}`);
  const [copy, instance, to] = ['copy', 'instance', 'to'].map((name) => join(folder, name)) as [string, string, string];
  cpSync(at(base), copy, { recursive: true });
  cpSync(at('instance'), instance, { recursive: true });
  await attack(copy);
  return { folder, copy, instance, to };
}

describe('`restore --cluster` refuses by name, and leaves the cluster as it is,', () => {
  it.each(ofEither)('%s', async (_, attack, told) => {
    const { folder, copy, instance } = await attacked('cluster', attack);
    const before = [await clusterIn(instance), await recordsIn(instance), blobsIn(instance)];
    const command = ['restore', '--from', copy, '--cluster', 'one', '--to', instance, '--accept-rollback'];
    const { code, stdout, stderr } = await kustody(command);
    expect({ code, stdout, stderr }).toMatchObject({ code: 1, stdout: '', stderr: saying(told) });
    expect(stderr).not.toMatch(/\n\s+at /);
    expect([await clusterIn(instance), await recordsIn(instance), blobsIn(instance)]).toEqual(before);
    rmSync(folder, { recursive: true });
  });
});

/** Whoever has the root key may say what he likes of a backup, and not what was sealed last. */
const isRemade = (told: string): boolean => told === notLast;

describe('`restore` refuses by name, and makes no instance that is served,', () => {
  it.each([
    ...ofEither.filter(([, , told]) => !isRemade(told)),
    [
      'extents of two clusters in each other\u2019s place',
      swapped([clusterId, 'x'], [second, 'x']),
      changedExtents,
    ] as const,
    [
      'a manifest that says it is of another instance',
      edited((text) => text.replace(/"state":"../, '"state":"00')),
      'was changed',
    ] as const,
  ])('%s', async (_, attack, told) => {
    const { folder, copy, to } = await attacked('whole', attack);
    const env = { KUSTODY_ROOT_KEY: readFileSync(join(at('instance'), 'root.key'), 'utf8').trim() };
    const { code, stdout, stderr } = await kustody(['restore', '--from', copy, '--to', to, '--accept-rollback'], env);
    expect({ code, stdout, stderr }).toMatchObject({ code: 1, stdout: '', stderr: saying(told) });
    expect(stderr).not.toMatch(/\n\s+at /);
    if (existsSync(join(to, 'state.db'))) {
      const up = await kustody(['up', '--data', to], env);
      expect(up).toMatchObject({ code: 1, stderr: saying('is being filled') });
    }
    rmSync(folder, { recursive: true });
  });
});

it('a record of another state, with a MAC by one who has the root key, opens nowhere once it was restored', async () => {
  for (const attack of [othersKey, olderKey]) {
    const { copy, to } = await attacked('whole', madeRight(attack, true));
    const env = { KUSTODY_ROOT_KEY: readFileSync(join(at('instance'), 'root.key'), 'utf8').trim() };
    expect(await kustody(['restore', '--from', copy, '--to', to, '--accept-rollback'], env)).toMatchObject({ code: 0 });
    await inStore(to, (store) =>
      withState(store, rootKeyAt(at('instance')), async (state) => {
        await expect(state.get(clusterKeyTable, clusterId)).rejects.toThrow(notLast);
      }),
    );
  }
});

const saying = (text: string): string => expect.stringContaining(text) as string;
