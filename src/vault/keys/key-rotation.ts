import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { State, StateWrite, Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { VaultAuditRecord } from '../audit.ts';
import type { AuditEntry } from '../audit-spans.ts';
import type { DueSchedule, DueSweep } from '../objects/due-schedule.ts';
import { createDueSchedule, sweepDue } from '../objects/due-schedule.ts';
import { findVersion } from '../objects/object-store.ts';
import type { Found } from '../objects/object-kind.ts';
import { eachObject } from '../objects/retention.ts';
import type { RsaKeyPool } from '../rsa/rsa-keys.ts';
import type { VaultDirectory, VaultSettings } from '../vault-directory.ts';
import { kidOf } from './key-bundle.ts';
import type { KeyRecord, KeyVersionRecord } from './key-records.ts';
import { keyTables, vaultKeys } from './key-records.ts';
import { makeKey } from './key-types.ts';
import { rotatedVersion, versionWrites } from './new-version.ts';
import type { LifetimeAction } from './rotation-due.ts';
import { nextDue } from './rotation-due.ts';

export interface KeyRotationOptions extends DueSweep {
  readonly state: State;
  readonly randomBytes: RandomBytes;
  readonly keyPool: RsaKeyPool;
  readonly directory: VaultDirectory;
  readonly audit: (record: Omit<VaultAuditRecord, 'time'>) => Promise<AuditEntry>;
  /** While true nothing is due, whatever the clock says: it is doubtful. */
  readonly held?: (() => boolean) | undefined;
}

type FoundKey = Found<KeyVersionRecord, KeyRecord>;

const dayMs = 86_400_000;
/** Key Vault itself, as its application is known in every tenant. */
const keyVaultId = 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093' as Guid;
/** As diagnostic logs of the service name what it does by itself. */
const auditedAs = { rotate: 'KeyRotateIfDue', notify: 'KeyNearExpiryEventGridNotification' } as const;

/** Rotates keys and gives notice by their policies. The records are the truth: which version is the current one, when it was made and
 * when it expires; so whoever looks late does what is due once. */
export const createKeyRotation = (options: KeyRotationOptions): DueSchedule =>
  createDueSchedule(options.clock, options.held ?? (() => false), () =>
    sweepDue(
      eachObject(options.state, keyTables, '', () => undefined),
      options,
      (key) => advance(options, key),
    ),
  );

/** Does what is due of one key. @returns when the next thing is */
async function advance(options: KeyRotationOptions, listed: Versioned<KeyRecord>): Promise<Instant | undefined> {
  const { state, clock, directory } = options;
  for (let key = listed; ;) {
    const found = await findVersion(state, keyTables, key);
    const due = found && nextDue(found);
    if (found === undefined || due === undefined) return undefined;
    const now = clock.now();
    if (due.at > now) return due.at;
    const policy = key.value.rotationPolicy;
    const vault = policy && (await directory.find(policy.vaultName));
    // Of what is deleted nothing is rotated; it may come back.
    if (key.value.deleted !== undefined || vault === undefined || !key.id.startsWith(`${vault.vaultId}/`))
      return instant(now + dayMs);
    try {
      await commitDue(options, vault, found, due.action);
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error; // somebody else changed the key: look again
    }
    const again = await state.get(vaultKeys, key.id);
    if (again === undefined) return undefined;
    key = again;
  }
}

async function commitDue(
  options: KeyRotationOptions,
  vault: VaultSettings,
  found: FoundKey,
  action: LifetimeAction,
): Promise<void> {
  const { state, randomBytes } = options;
  const { id, write } =
    action === 'rotate'
      ? await rotationOf(options, vault, found)
      : { id: kidOf(vault, found), write: [noticeOf(found)] };
  const { tenantId, vaultId, name } = vault;
  const audit = await options.audit({
    ...{ vaultId, vaultName: name, operation: auditedAs[action], kid: id, status: 200, clientAddress: '' },
    caller: { objectId: keyVaultId, appId: keyVaultId, tenantId, displayName: 'Azure Key Vault' },
    requestId: newGuid(randomBytes),
    correlationId: newGuid(randomBytes),
  });
  const { version } = found;
  await state.commit({
    expect: [expectRecord(keyTables.versions, version.id, version.version)],
    write: [...write, ...audit.write],
  });
  audit.committed();
}

async function rotationOf(
  { keyPool, randomBytes, clock }: KeyRotationOptions,
  vault: VaultSettings,
  { object, version }: FoundKey,
): Promise<{ readonly id: string; readonly write: readonly StateWrite[] }> {
  const now = clock.now();
  const pair = await makeKey(version.value, keyPool);
  const place = { name: object.value.name, stored: object, kept: object.value, current: version.value, leftovers: [] };
  const wanted = rotatedVersion(object.value, version.value, pair, now);
  const { write, ...made } = versionWrites(vault.vaultId, place, wanted, randomBytes, now);
  return { id: kidOf(vault, made), write };
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
