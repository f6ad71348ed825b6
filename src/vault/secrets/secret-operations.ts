import { backupObject, restoreObject } from '../objects/backup.ts';
import { deleteObject, getDeletedObject, purgeObject, recoverObject } from '../objects/lifecycle.ts';
import { listObjects, listVersions } from '../objects/lists.ts';
import type { VaultOperation } from '../objects/operation.ts';
import { secretKind } from './secret-bundle.ts';
import { getSecret, setSecret, updateSecret } from './secret-values.ts';

/** Every operation on secrets. */
export const secretOperations = [
  {
    id: 'SetSecret',
    method: 'PUT',
    path: '/secrets/{name}',
    permission: 'set',
    dataAction: 'secrets/setSecret/action',
    handle: setSecret,
  },
  {
    id: 'GetSecret',
    method: 'GET',
    path: '/secrets/{name}/{version}',
    latest: true,
    permission: 'get',
    dataAction: 'secrets/getSecret/action',
    handle: getSecret,
  },
  {
    id: 'UpdateSecret',
    method: 'PATCH',
    path: '/secrets/{name}/{version}',
    latest: true,
    permission: 'set',
    dataAction: 'secrets/update/action',
    handle: updateSecret,
  },
  {
    id: 'GetSecrets',
    method: 'GET',
    path: '/secrets',
    permission: 'list',
    dataAction: 'secrets/readMetadata/action',
    handle: listObjects(secretKind, 'live'),
  },
  {
    id: 'GetSecretVersions',
    method: 'GET',
    path: '/secrets/{name}/versions',
    permission: 'list',
    dataAction: 'secrets/readMetadata/action',
    handle: listVersions(secretKind),
  },
  {
    id: 'DeleteSecret',
    method: 'DELETE',
    path: '/secrets/{name}',
    permission: 'delete',
    dataAction: 'secrets/delete',
    handle: deleteObject(secretKind),
  },
  {
    id: 'GetDeletedSecret',
    method: 'GET',
    path: '/deletedsecrets/{name}',
    permission: 'get',
    dataAction: 'secrets/readMetadata/action',
    handle: getDeletedObject(secretKind),
  },
  {
    id: 'GetDeletedSecrets',
    method: 'GET',
    path: '/deletedsecrets',
    permission: 'list',
    dataAction: 'secrets/readMetadata/action',
    handle: listObjects(secretKind, 'deleted'),
  },
  {
    id: 'RecoverDeletedSecret',
    method: 'POST',
    path: '/deletedsecrets/{name}/recover',
    permission: 'recover',
    dataAction: 'secrets/recover/action',
    handle: recoverObject(secretKind),
  },
  {
    id: 'PurgeDeletedSecret',
    method: 'DELETE',
    path: '/deletedsecrets/{name}',
    permission: 'purge',
    dataAction: 'secrets/purge/action',
    handle: purgeObject(secretKind),
  },
  {
    id: 'BackupSecret',
    method: 'POST',
    path: '/secrets/{name}/backup',
    permission: 'backup',
    dataAction: 'secrets/backup/action',
    handle: backupObject(secretKind),
  },
  {
    id: 'RestoreSecret',
    method: 'POST',
    path: '/secrets/restore',
    permission: 'restore',
    dataAction: 'secrets/restore/action',
    handle: restoreObject(secretKind),
  },
] as const satisfies readonly VaultOperation[];
