import type { Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import { instant } from '../../clock/clock.ts';
import { vaultError } from '../vault-error.ts';
import { requireDeleted, requireVersion } from './find-requested.ts';
import { checkValidity, readKeyChanges } from './key-attributes.ts';
import { deletionOf, keyBundle, kidOf } from './key-bundle.ts';
import { parseBodyObject } from './key-op-body.ts';
import type { KeyOperation, KeyOutcome, KeyRequest, KeyServices } from './key-operation.ts';
import type { KeyRecord, KeyVersionRecord } from './key-records.ts';
import { vaultKeys, vaultKeyVersions } from './key-records.ts';
import { purgeWrites, stillAsRead } from './key-store.ts';

const millisecondsPerDay = 86_400_000;

export const keyLifecycleOperations = [
  {
    id: 'GetKey',
    method: 'GET',
    path: '/keys/{name}/{version}',
    latest: true,
    permission: 'get',
    dataAction: 'keys/read',
    handle: getKey,
  },
  {
    id: 'UpdateKey',
    method: 'PATCH',
    path: '/keys/{name}/{version}',
    latest: true,
    permission: 'update',
    dataAction: 'keys/update/action',
    handle: updateKey,
  },
  {
    id: 'DeleteKey',
    method: 'DELETE',
    path: '/keys/{name}',
    permission: 'delete',
    dataAction: 'keys/delete',
    handle: deleteKey,
  },
  {
    id: 'GetDeletedKey',
    method: 'GET',
    path: '/deletedkeys/{name}',
    permission: 'get',
    dataAction: 'keys/read',
    handle: getDeletedKey,
  },
  {
    id: 'RecoverDeletedKey',
    method: 'POST',
    path: '/deletedkeys/{name}/recover',
    permission: 'recover',
    dataAction: 'keys/recover/action',
    handle: recoverDeletedKey,
  },
  {
    id: 'PurgeDeletedKey',
    method: 'DELETE',
    path: '/deletedkeys/{name}',
    permission: 'purge',
    dataAction: 'keys/purge/action',
    handle: purgeDeletedKey,
  },
] as const satisfies readonly KeyOperation[];

/** Shows disabled and expired keys too. */
async function getKey(services: KeyServices, request: KeyRequest): Promise<KeyOutcome> {
  const found = await requireVersion(services, request);
  const body = keyBundle(request.vault, found, request.apiVersion);
  return { status: 200, kid: kidOf(request.vault, found), body, expect: stillAsRead(found) };
}

async function updateKey(services: KeyServices, request: KeyRequest): Promise<KeyOutcome> {
  const found = await requireVersion(services, request);
  const changes = readKeyChanges(parseBodyObject(request.body ?? Buffer.from('{}')));
  const value = { ...found.version.value, ...changes, updatedAt: services.clock.now() };
  checkValidity(value.notBefore, value.expires);
  const changed = { key: found.key, version: { ...found.version, value } };
  return {
    status: 200,
    kid: kidOf(request.vault, changed),
    body: keyBundle(request.vault, changed, request.apiVersion),
    expect: [expectRecord(vaultKeys, found.key.id, found.key.version)],
    write: [writeRecord(vaultKeyVersions, found.version.id, found.version.version, value)],
  };
}

/** All versions at once. Without soft delete the key is gone for good, and the answer says so by having no `recoveryId`. */
async function deleteKey(services: KeyServices, request: KeyRequest): Promise<KeyOutcome> {
  const { vault, apiVersion } = request;
  const found = await requireVersion(services, request);
  const kid = kidOf(vault, found);
  if (!vault.softDelete) {
    const body = keyBundle(vault, found, apiVersion);
    return {
      status: 200,
      kid,
      body,
      write: await purgeWrites(services.state, found.key),
      ...forgetting(services, found.key),
    };
  }
  const now = services.clock.now();
  const purgeAt = instant(now + vault.retentionDays * millisecondsPerDay);
  const key: KeyRecord = { ...found.key.value, deleted: { at: now, purgeAt } };
  const version: KeyVersionRecord = { ...found.version.value, updatedAt: now };
  const changed = { key: { ...found.key, value: key }, version: { ...found.version, value: version } };
  return {
    status: 200,
    kid,
    body: { ...deletionOf(vault, changed), ...keyBundle(vault, changed, apiVersion) },
    write: [
      writeRecord(vaultKeys, found.key.id, found.key.version, key),
      writeRecord(vaultKeyVersions, found.version.id, found.version.version, version),
    ],
    committed: () => services.retention.expectAt(purgeAt),
  };
}

async function getDeletedKey(services: KeyServices, request: KeyRequest): Promise<KeyOutcome> {
  const found = await requireDeleted(services, request);
  const bundle = keyBundle(request.vault, found, request.apiVersion);
  return {
    status: 200,
    kid: kidOf(request.vault, found),
    body: { ...deletionOf(request.vault, found), ...bundle },
    expect: stillAsRead(found),
  };
}

async function recoverDeletedKey(services: KeyServices, request: KeyRequest): Promise<KeyOutcome> {
  const found = await requireDeleted(services, request);
  const { format, name, currentVersion } = found.key.value;
  const key: KeyRecord = { format, name, currentVersion };
  const version: KeyVersionRecord = { ...found.version.value, updatedAt: services.clock.now() };
  const changed = { key: { ...found.key, value: key }, version: { ...found.version, value: version } };
  return {
    status: 200,
    kid: kidOf(request.vault, changed),
    body: keyBundle(request.vault, changed, request.apiVersion),
    write: [
      writeRecord(vaultKeys, found.key.id, found.key.version, key),
      writeRecord(vaultKeyVersions, found.version.id, found.version.version, version),
    ],
  };
}

async function purgeDeletedKey(services: KeyServices, request: KeyRequest): Promise<KeyOutcome> {
  const found = await requireDeleted(services, request);
  if (request.vault.purgeProtection) throw vaultError('purgeProtected', request.vault);
  const write = await purgeWrites(services.state, found.key);
  return { status: 204, kid: kidOf(request.vault, found), write, ...forgetting(services, found.key) };
}

/** Gone means gone from memory and from the free pages of the disk, too. */
const forgetting = (services: KeyServices, key: Versioned<KeyRecord>): { committed: () => Promise<void> } => ({
  committed: () => {
    services.privateKeys.forget(`${key.id}/`);
    return services.compact();
  },
});
