import type { StateWrite } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import type { DueSchedule } from '../objects/due-schedule.ts';
import type { DueWorkServices } from '../objects/due-work.ts';
import { createDueWork } from '../objects/due-work.ts';
import type { Found } from '../objects/object-kind.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { kidOf } from './key-bundle.ts';
import type { KeyRecord, KeyVersionRecord } from './key-records.ts';
import { keyTables, vaultKeys } from './key-records.ts';
import { makeKey } from './key-types.ts';
import { rotatedVersion, versionWrites } from './new-version.ts';
import { nextDue } from './rotation-due.ts';

type FoundKey = Found<KeyVersionRecord, KeyRecord>;

const auditedAs = { rotate: 'KeyRotateIfDue', notify: 'KeyNearExpiryEventGridNotification' } as const;

/** Rotates keys and gives notice by their policies. What is due follows from which version is the current one, when it was made and when
 * it expires. */
export const createKeyRotation = (services: DueWorkServices): DueSchedule =>
  createDueWork(services, {
    tables: keyTables,
    dueAt: (found) => nextDue(found)?.at,
    vaultName: ({ rotationPolicy }) => rotationPolicy?.vaultName,
    work: async (vault, found) => {
      const { version } = found;
      const action = nextDue(found)?.action ?? 'notify';
      const { kid, write } =
        action === 'rotate'
          ? await rotationOf(services, vault, found)
          : { kid: kidOf(vault, found), write: [noticeOf(found)] };
      const expect = [expectRecord(keyTables.versions, version.id, version.version)];
      return { operation: auditedAs[action], id: kid, expect, write };
    },
  });

async function rotationOf(
  { keyPool, randomBytes, clock }: DueWorkServices,
  vault: VaultSettings,
  { object, version }: FoundKey,
): Promise<{ readonly kid: string; readonly write: readonly StateWrite[] }> {
  const now = clock.now();
  const pair = await makeKey(version.value, keyPool);
  const place = { name: object.value.name, stored: object, kept: object.value, current: version.value, leftovers: [] };
  const wanted = rotatedVersion(object.value, version.value, pair, now);
  const { write, ...made } = versionWrites(vault.vaultId, place, wanted, randomBytes, now);
  return { kid: kidOf(vault, made), write };
}

function noticeOf({ object, version }: FoundKey): StateWrite {
  const { rotationPolicy } = object.value;
  if (rotationPolicy === undefined) return writeRecord(vaultKeys, object.id, object.version, object.value);
  const { version: named, expires } = version.value;
  const noticed = { version: named, ...(expires === undefined ? {} : { expires }) };
  return writeRecord(vaultKeys, object.id, object.version, {
    ...object.value,
    rotationPolicy: { ...rotationPolicy, noticed },
  });
}
