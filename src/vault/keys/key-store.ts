import type { Guid } from '../../base/guid.ts';
import type { KeyName, KeyVersion } from '../../base/names.ts';
import { listAll } from '../../state/list-all.ts';
import type { State, StateExpectation, StateWrite, Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import type { KeyRecord, KeyVersionRecord } from './key-records.ts';
import { keyRecordId, vaultKeys, vaultKeyVersions, vaultPrivateKeys, versionRecordId } from './key-records.ts';

export interface FoundVersion {
  readonly key: Versioned<KeyRecord>;
  readonly version: Versioned<KeyVersionRecord>;
}

/** A key as it stands, the deleted ones included.
 * @param isOver one whose retention is over is gone, whether it has been swept up or not */
export async function findKey(
  state: State,
  vaultId: Guid,
  name: KeyName,
  isOver: (key: KeyRecord) => boolean,
): Promise<Versioned<KeyRecord> | undefined> {
  const key = await state.get(vaultKeys, keyRecordId(vaultId, name));
  return key === undefined || isOver(key.value) ? undefined : key;
}

/** A version of a key, the current one by default. */
export async function findVersion(
  state: State,
  vaultId: Guid,
  key: Versioned<KeyRecord>,
  wanted?: KeyVersion,
): Promise<FoundVersion | undefined> {
  const id = versionRecordId(vaultId, key.value.name, wanted ?? key.value.currentVersion);
  const version = await state.get(vaultKeyVersions, id); // missing too when the key was purged a moment ago
  return version === undefined ? undefined : { key, version };
}

/** That what was read is still so when the answer is committed: a key disabled or deleted in between must not work. */
export const stillAsRead = ({ key, version }: FoundVersion): readonly StateExpectation[] => [
  expectRecord(vaultKeys, key.id, key.version),
  expectRecord(vaultKeyVersions, version.id, version.version),
];

/** Everything of one key, private parts first in the list. */
export async function purgeWrites(state: State, key: Versioned<KeyRecord>): Promise<readonly StateWrite[]> {
  const prefix = `${key.id}/`;
  const privateKeys = await listAll(state, vaultPrivateKeys, prefix);
  const versions = await listAll(state, vaultKeyVersions, prefix);
  return [
    ...privateKeys.map((record) => writeRecord(vaultPrivateKeys, record.id, record.version, null)),
    ...versions.map((record) => writeRecord(vaultKeyVersions, record.id, record.version, null)),
    writeRecord(vaultKeys, key.id, key.version, null),
  ];
}
