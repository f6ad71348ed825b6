import { writeRecord, expectRecord } from '../../state/state.ts';
import { checkValidity } from '../objects/attributes.ts';
import { requireVersion } from '../objects/find-requested.ts';
import { deleteObject, getDeletedObject, getObject, purgeObject, recoverObject } from '../objects/lifecycle.ts';
import { listObjects, listVersions } from '../objects/lists.ts';
import type { VaultOperation, VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import { checkKeyOps, readKeyChanges } from './key-attributes.ts';
import { keyKind, kidOf } from './key-bundle.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { vaultKeys, vaultKeyVersions } from './key-records.ts';
import { readReleaseUpdate } from './release-policy.ts';
import { expectDue } from './rotation-due.ts';

export const keyLifecycleOperations = [
  {
    id: 'GetKey',
    method: 'GET',
    path: '/keys/{name}/{version}',
    latest: true,
    permission: 'get',
    dataAction: 'keys/read',
    handle: getObject(keyKind),
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
    handle: deleteObject(keyKind),
  },
  {
    id: 'GetDeletedKey',
    method: 'GET',
    path: '/deletedkeys/{name}',
    permission: 'get',
    dataAction: 'keys/read',
    handle: getDeletedObject(keyKind),
  },
  {
    id: 'RecoverDeletedKey',
    method: 'POST',
    path: '/deletedkeys/{name}/recover',
    permission: 'recover',
    dataAction: 'keys/recover/action',
    handle: recoverObject(keyKind),
  },
  {
    id: 'PurgeDeletedKey',
    method: 'DELETE',
    path: '/deletedkeys/{name}',
    permission: 'purge',
    dataAction: 'keys/purge/action',
    handle: purgeObject(keyKind),
  },
  {
    id: 'GetKeys',
    method: 'GET',
    path: '/keys',
    permission: 'list',
    dataAction: 'keys/read',
    handle: listObjects(keyKind, 'live'),
  },
  {
    id: 'GetKeyVersions',
    method: 'GET',
    path: '/keys/{name}/versions',
    permission: 'list',
    dataAction: 'keys/read',
    handle: listVersions(keyKind),
  },
  {
    id: 'GetDeletedKeys',
    method: 'GET',
    path: '/deletedkeys',
    permission: 'list',
    dataAction: 'keys/read',
    handle: listObjects(keyKind, 'deleted'),
  },
] as const satisfies readonly VaultOperation[];

async function updateKey(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { object, version } = await requireVersion(services, keyKind, request);
  const body = parseBodyObject(request.body ?? Buffer.from('{}'));
  const release = readReleaseUpdate(body, version.value, request.version !== undefined);
  const changes = readKeyChanges(body);
  const value = { ...version.value, ...changes, ...release, updatedAt: services.clock.now() };
  checkKeyOps(changes.keyOps, value);
  checkValidity(value.notBefore, value.expires);
  const changed = { object, version: { ...version, value } };
  return {
    status: 200,
    id: kidOf(request.vault, changed),
    body: keyKind.bundle(request.vault, changed, request.apiVersion),
    expect: [expectRecord(vaultKeys, object.id, object.version)],
    write: [writeRecord(vaultKeyVersions, version.id, version.version, value)],
    // Its dates may have changed.
    committed: () => {
      if (value.version === object.value.currentVersion) expectDue(services, changed);
    },
  };
}
