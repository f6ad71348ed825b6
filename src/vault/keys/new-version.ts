import type { Guid } from '../../base/guid.ts';
import type { KeyName, KeyVersion } from '../../base/names.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { vaultError } from '../vault-error.ts';
import { requestedName } from '../objects/find-requested.ts';
import type { KeyChanges } from './key-attributes.ts';
import { keyKind, kidOf } from './key-bundle.ts';
import type { VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import type { KeyRecord, KeyRelease, KeyVersionRecord, PublicKey } from './key-records.ts';
import { keyTables, vaultKeys, vaultKeyVersions, vaultPrivateKeys } from './key-records.ts';
import { objectRecordId, versionRecordId } from '../objects/object-kind.ts';
import { deletionId } from '../objects/deletions.ts';
import { findVersion, purgeWrites } from '../objects/object-store.ts';
import type { KeyPair } from '../material/key-pairs.ts';
import { keyOpsOf } from './key-types.ts';
import { expectDue } from './rotation-due.ts';
import { expiryUnder } from './rotation-policy.ts';

/** Where a new version goes: a name nobody has, or a live key. */
export interface KeyPlace {
  readonly name: KeyName;
  /** What is replaced. */
  readonly stored: Versioned<KeyRecord> | undefined;
  /** What stays of it. */
  readonly kept: KeyRecord | undefined;
  /** The version that the new one follows. */
  readonly current: KeyVersionRecord | undefined;
  /** What is left of a key whose retention is over goes in the same commit. */
  readonly leftovers: readonly StateWrite[];
}

/** @param operation as refusals name it
 * @throws VaultError 409 where a deleted key has the name, 403 where the key is a certificate's */
export async function requestedPlace(
  { state, retention, deletions }: VaultServices,
  request: VaultRequest,
  operation: string,
): Promise<KeyPlace> {
  const sent = requestedName(request);
  const stored = await state.get(vaultKeys, objectRecordId(request.vault.vaultId, sent));
  if (stored === undefined) return { name: sent, stored, kept: undefined, current: undefined, leftovers: [] };
  if (retention.isOver(stored.value)) {
    // Its own record is replaced.
    const leftovers = (await purgeWrites(state, keyKind, stored)).filter((write) => write.id !== stored.id);
    return { name: sent, stored, kept: undefined, current: undefined, leftovers };
  }
  const { name, deleted } = stored.value;
  if (deleted !== undefined) {
    const isUnderWay = deletions.isUnderWay(deletionId(keyTables, stored.id));
    throw vaultError(isUnderWay ? 'keyIsBeingDeleted' : 'keyIsDeleted', name);
  }
  const current = (await findVersion(state, keyTables, stored))?.version.value;
  if (current?.managed) throw vaultError('keyIsManaged', operation);
  return { name, stored, kept: stored.value, current, leftovers: [] };
}

/** What a new version is to be. */
export interface NewVersion {
  readonly pair: KeyPair;
  readonly hsm: boolean;
  readonly release: KeyRelease;
  readonly changes: KeyChanges;
}

/** The new version becomes the current one. */
export function addVersion(
  services: VaultServices,
  { vault, apiVersion }: VaultRequest,
  place: KeyPlace,
  wanted: NewVersion,
): VaultOutcome {
  const { randomBytes, clock } = services;
  const { write, ...found } = versionWrites(vault.vaultId, place, wanted, randomBytes, clock.now());
  return {
    ...{ status: 200, id: kidOf(vault, found), body: keyKind.bundle(vault, found, apiVersion), write },
    committed: () => expectDue(services, found),
  };
}

/** What follows a version when its key is rotated: of the same kind, and valid for as long as the policy says. */
export function rotatedVersion(
  { rotationPolicy }: KeyRecord,
  { keyOps, hsm, tags, exportable, releasePolicy }: KeyVersionRecord,
  pair: KeyPair,
  now: Instant,
): NewVersion {
  const expires = expiryUnder(rotationPolicy, now);
  const kept = { keyOps, ...(tags === undefined ? {} : { tags }), ...(expires === undefined ? {} : { expires }) };
  const release = releasePolicy === undefined || exportable === undefined ? {} : { exportable, releasePolicy };
  return { pair, hsm: hsm ?? false, release, changes: kept };
}

export function versionWrites(
  vaultId: Guid,
  { name, stored, kept, leftovers }: KeyPlace,
  wanted: NewVersion,
  randomBytes: RandomBytes,
  now: Instant,
) {
  const version = Buffer.from(randomBytes(16)).toString('hex') as KeyVersion;
  const key: KeyRecord = { ...kept, format: 1, name, currentVersion: version };
  const record = newRecord(version, wanted, now);
  const id = versionRecordId(vaultId, name, version);
  const write: readonly StateWrite[] = [
    ...leftovers,
    writeRecord(vaultPrivateKeys, id, null, { format: 1, pkcs8: wanted.pair.privateKey }),
    writeRecord(vaultKeyVersions, id, null, record),
    writeRecord(vaultKeys, objectRecordId(vaultId, name), stored?.version ?? null, key),
  ];
  return { object: { id, version: 0, value: key }, version: { id, version: 0, value: record }, write };
}

export function newRecord(
  version: KeyVersion,
  { pair, hsm, release, changes }: NewVersion,
  now: Instant,
): KeyVersionRecord {
  return {
    format: 1,
    version,
    ...publicKeyOf(pair),
    ...(hsm ? { hsm } : {}),
    ...release,
    keyOps: changes.keyOps ?? keyOpsOf[pair.kty],
    enabled: changes.enabled ?? true,
    ...(changes.notBefore === undefined ? {} : { notBefore: changes.notBefore }),
    ...(changes.expires === undefined ? {} : { expires: changes.expires }),
    createdAt: now,
    updatedAt: now,
    ...(changes.tags === undefined ? {} : { tags: changes.tags }),
  };
}

const publicKeyOf = (pair: KeyPair): PublicKey =>
  pair.kty === 'RSA'
    ? { kty: pair.kty, bits: pair.bits, n: pair.n, e: pair.e }
    : { kty: pair.kty, crv: pair.crv, x: pair.x, y: pair.y };
