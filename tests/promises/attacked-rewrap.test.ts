import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { toBase64Url } from '../../src/base/base64url.ts';
import { parseGuid } from '../../src/base/guid.ts';
import { parseKeyVersion } from '../../src/base/names.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { clusterKeyTable } from '../../src/encryption/cluster-key-state.ts';
import { markTable } from '../../src/server/move-marks.ts';
import { namedBackup, readManifest, writeManifest } from '../../src/server/moving/backup-manifest.ts';
import { sideOf } from '../../src/server/moving/backup-sides.ts';
import { sumRecords } from '../../src/server/moving/copy-records.ts';
import { withState } from '../../src/server/moving/held-state.ts';
import type { RootKey } from '../../src/state/root-key.ts';
import { openRootKeyFile } from '../../src/state/root-key.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import { writeRecord } from '../../src/state/state.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';

it('`backup rewrap` refuses by name another wrap in the place of the key, and leaves the backup as it is', async () => {
  using directory = temporaryDirectory();
  const [data, copy] = [join(directory.path, 'data'), join(directory.path, 'copy')];
  const up = startKustody(['up', '--data', data, '--log-level', 'silent', '--seed']);
  try {
    await up.printed('Stop with');
    expect(await kustody(['backup', '--data', data, '--cluster', 'kustody', '--to', copy])).toMatchObject({ code: 0 });
    // By whoever writes the file, and by one who has the root key and makes all of it right again.
    for (const [isSealed, says] of [
      [false, 'The backup was changed'],
      [true, 'was not found in this key vault'],
    ] as const) {
      const attacked = join(directory.path, `attacked-${isSealed}`);
      cpSync(copy, attacked, { recursive: true });
      await changeWrap(attacked, isSealed ? openRootKeyFile(join(data, 'root.key'), systemRandomBytes) : undefined);
      const held = await heldIn(attacked);
      const refused = await kustody(['backup', 'rewrap', '--data', data, '--to', attacked, '--cluster', 'kustody']);
      expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(says) as string });
      expect(await heldIn(attacked)).toEqual(held);
    }
  } finally {
    up.process.kill('SIGTERM');
    await up.result;
  }
});

/** Another wrap of the key, of an earlier version of it. @param rootKey of one who seals it, and makes the MAC of the manifest anew */
async function changeWrap(copy: string, rootKey: RootKey | undefined): Promise<void> {
  const store = SqliteStateStore.open(copy);
  const named = await namedBackup(store);
  if (named === undefined) throw new Error('It is a backup.');
  const side = sideOf(store, named.side);
  const [record] = await side.list(clusterKeyTable.name);
  if (record === undefined) throw new Error('The backup has a key.');
  if (rootKey === undefined) {
    const { table, id, version } = record;
    const put = { version: version + 1, value: systemRandomBytes(record.value.byteLength) };
    await side.commit({ write: [{ table, id, expect: version, put }] });
  } else {
    const manifest = await readManifest(store, rootKey, copy);
    await withState(side, rootKey, async (state) => {
      const key = await state.get(clusterKeyTable, parseGuid(record.id) ?? '');
      if (key === undefined) throw new Error('The backup has a key.');
      const kid = { ...key.value.kid, version: parseKeyVersion('0'.repeat(32)) ?? key.value.kid.version };
      const wrapped = toBase64Url(systemRandomBytes(256));
      await state.commit({
        write: [writeRecord(clusterKeyTable, key.id, key.version, { ...key.value, kid, wrapped })],
      });
    });
    await writeManifest(store, { ...manifest, records: await sumRecords(side) }, rootKey);
  }
  await store.close();
}

/** All records of a backup, and what it says of itself. */
async function heldIn(copy: string): Promise<readonly unknown[]> {
  const store = SqliteStateStore.open(copy);
  const held = [await sumRecords(store), await store.list(markTable)];
  await store.close();
  return held;
}
