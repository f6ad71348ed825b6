import { writeFileSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { ClusterKey } from '../../encryption/cluster-key.ts';
import { ExtentFiles } from '../../encryption/extent-files/extent-files.ts';
import type { SealedExtent } from '../../encryption/extent-files/sealed-extent.ts';
import { parseSealedExtent, wrappedDekOf } from '../../encryption/extent-files/sealed-extent.ts';
import { toBase64Url } from '../../base/base64url.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';
import { dataKeysOf, rewrapBetween } from './data-keys.ts';
import type { ProcessDataKeys } from './data-keys.ts';
import type { OwnKeyChange } from './database-keyring.ts';
import { DatabaseKeyring, ownKeysOf } from './database-keyring.ts';

const databaseId = newGuid(systemRandomBytes);
const other = newGuid(systemRandomBytes);
const clusterId = newGuid(systemRandomBytes);
const bytes = systemRandomBytes(32);
const ownKey = () => ClusterKey.from(databaseId, Uint8Array.from(bytes));

const opened = (): DatabaseKeyring => {
  const ring = new DatabaseKeyring();
  ring.open(databaseId, ownKey());
  return ring;
};
const locked = (): DatabaseKeyring => {
  const ring = new DatabaseKeyring();
  ring.lock(databaseId);
  return ring;
};

const clusterKey = ClusterKey.create(clusterId, systemRandomBytes);
const keysWith = (databaseKeys: DatabaseKeyring, generation = 1, key = clusterKey): ProcessDataKeys =>
  dataKeysOf(generation, key, { randomBytes: systemRandomBytes, databaseKeys });

const made: ExtentFiles[] = [];
afterEach(() => Promise.all(made.splice(0).map((files) => files.dispose())));

describe.runIf(process.platform === 'linux')('the key of a database', () => {
  const store = new MemoryBlobStore();
  const filesWith = (ring: DatabaseKeyring, keys = keysWith(ring)): ExtentFiles => {
    const files = new ExtentFiles({
      ...{ store, randomBytes: systemRandomBytes, cacheBytesMax: 0, openBytesMax: 2 ** 20 },
      withDekWrappingKey: (use) => keys.withDekWrappingKey(use),
      withDatabaseKey: (id, use) => ring.lend(id, 'dekWrapping', use),
    });
    made.push(files);
    return files;
  };
  const sealed = async (ring: DatabaseKeyring, id = databaseId): Promise<SealedExtent> => {
    const file = await filesWith(ring).create();
    writeFileSync(file.path, 'rows');
    return file.seal('clusters/c', id);
  };

  it('is needed besides that of the cluster to open an extent', async () => {
    const extent = await sealed(opened());
    expect(parseSealedExtent({ ...extent })).toEqual(extent);
    expect(extent.sealedFor).toBe(databaseId);
    expect(readFileSync((await filesWith(opened()).open(extent)).path, 'utf8')).toBe('rows');
    await expect(filesWith(locked()).open(extent)).rejects.toMatchObject({ code: 'DatabaseLocked' });
    await expect(filesWith(new DatabaseKeyring()).open(extent)).rejects.toMatchObject({ name: 'KeyUnwrapError' });
    const wrong = new DatabaseKeyring();
    wrong.open(databaseId, ClusterKey.create(databaseId, systemRandomBytes));
    await expect(filesWith(wrong).open(extent)).rejects.toMatchObject({ name: 'KeyUnwrapError' });
    const alone = { ...extent };
    Reflect.deleteProperty(alone, 'sealedFor');
    await expect(filesWith(opened()).open(alone)).rejects.toMatchObject({ name: 'KeyUnwrapError' });
  });

  it('is not asked for by another database', async () => {
    const extent = await sealed(locked(), other);
    expect(extent.sealedFor).toBeUndefined();
    expect(readFileSync((await filesWith(locked()).open(extent)).path, 'utf8')).toBe('rows');
  });

  it('seals nothing while it is away', async () => {
    await expect(sealed(locked())).rejects.toMatchObject({ code: 'DatabaseLocked' });
    expect(() => keysWith(locked()).makeSegmentKey(databaseId)).toThrow('not here');
  });

  it('stays as it is, and need not be here, when the custody of the cluster changes', async () => {
    const extent = await sealed(opened());
    const segment = keysWith(opened()).makeSegmentKey(databaseId);
    const next = ClusterKey.create(clusterId, systemRandomBytes);
    const rewrap = rewrapBetween(keysWith(locked()), keysWith(locked(), 2, next));
    const moved = { ...extent, wrappedDek: toBase64Url(rewrap.dek(wrappedDekOf(extent), false)) };
    const movedSegment = rewrap.segmentKey(segment.wrapped, false);
    const keys = keysWith(opened(), 2, next);
    expect(readFileSync((await filesWith(opened(), keys).open(moved)).path, 'utf8')).toBe('rows');
    expect(keys.openSegmentKey(movedSegment, databaseId).equals(segment.key)).toBe(true);
    await expect(filesWith(opened()).open(moved)).rejects.toMatchObject({ name: 'KeyUnwrapError' });
  });

  describe('that changes together with the cluster key', () => {
    const next = ClusterKey.create(clusterId, systemRandomBytes);
    const another = ClusterKey.create(databaseId, systemRandomBytes);
    const own = () => ownKeysOf(ownKey());
    const ringOf = (change: OwnKeyChange): DatabaseKeyring => {
      const ring = change.from === undefined ? new DatabaseKeyring() : opened();
      ring.setAside(next.derive('check'), change);
      expect(ring.adopt(next.derive('check'))).toBe(true);
      return ring;
    };

    it.each<[string, OwnKeyChange]>([
      ['comes', { databaseId, from: undefined, to: ownKeysOf(another) }],
      ['is another one', { databaseId, from: own(), to: ownKeysOf(another) }],
      ['goes', { databaseId, from: own(), to: undefined }],
    ])('%s: what is wrapped anew opens with both of the next keys, and with nothing else', async (_, change) => {
      const before = change.from === undefined ? new DatabaseKeyring() : opened();
      const extent = await sealed(before);
      const segment = keysWith(before).makeSegmentKey(databaseId);
      const after = keysWith(ringOf(change), 2, next);
      const rewrap = rewrapBetween(keysWith(before), after, change);
      expect(rewrap.database).toEqual({ databaseId, hasOwnKey: change.to !== undefined });
      const wrappedDek = toBase64Url(rewrap.dek(wrappedDekOf(extent), true));
      const moved: SealedExtent = { ...extent, wrappedDek, sealedFor: databaseId };
      if (change.to === undefined) Reflect.deleteProperty(moved, 'sealedFor');
      const movedSegment = rewrap.segmentKey(segment.wrapped, true);
      const opens = async (ring: DatabaseKeyring, keys: ProcessDataKeys): Promise<boolean> => {
        const read = await filesWith(ring, keys)
          .open(moved)
          .catch(() => undefined);
        const key = await Promise.resolve()
          .then(() => keys.openSegmentKey(movedSegment, databaseId))
          .catch(() => undefined);
        expect(key === undefined).toBe(read === undefined);
        return read !== undefined && readFileSync(read.path, 'utf8') === 'rows' && key?.equals(segment.key) === true;
      };
      expect(await opens(ringOf(change), after)).toBe(true);
      expect(await opens(ringOf(change), keysWith(ringOf(change)))).toBe(false); // the cluster key before
      const without = change.to === undefined ? [] : [opened(), new DatabaseKeyring(), locked()];
      for (const ring of without) expect(await opens(ring, keysWith(ring, 2, next))).toBe(false);
    });

    it('is not opened anew by what was read of the record before', () => {
      const gone = ringOf({ databaseId, from: own(), to: undefined });
      gone.open(databaseId, ownKey());
      gone.lock(databaseId);
      expect(gone.isLocked(databaseId)).toBe(false);
      expect(gone.lend(databaseId, 'log', (key) => key)).toBeUndefined();
      const changed = ringOf({ databaseId, from: own(), to: ownKeysOf(another) });
      changed.open(databaseId, ownKey());
      const held = changed.lendOwn(databaseId, 'log', (key) => Buffer.from(key));
      expect(held).toEqual(another.derive('log'));
    });

    it('stays when the change is given up', () => {
      const ring = opened();
      ring.setAside(next.derive('check'), { databaseId, from: own(), to: undefined });
      ring.forgetAside(next.derive('check'));
      expect(ring.adopt(next.derive('check'))).toBe(false);
      expect(ring.lendOwn(databaseId, 'log', (key) => Buffer.from(key))).toEqual(ownKey().derive('log'));
    });
  });

  it('is needed for the rows of the log', () => {
    const { wrapped, key } = keysWith(opened()).makeSegmentKey(databaseId);
    expect(keysWith(opened()).openSegmentKey(wrapped, databaseId).equals(key)).toBe(true);
    expect(() => keysWith(locked()).openSegmentKey(wrapped, databaseId)).toThrow('not here');
    expect(() => keysWith(new DatabaseKeyring()).openSegmentKey(wrapped, databaseId)).toThrow('not here');
  });
});
