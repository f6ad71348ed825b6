import { backupObject, restoreObject } from '../objects/backup.ts';
import type { VaultOperation } from '../objects/operation.ts';
import { keyKind } from './key-bundle.ts';

export const keyBackupOperations = [
  {
    id: 'BackupKey',
    method: 'POST',
    path: '/keys/{name}/backup',
    permission: 'backup',
    dataAction: 'keys/backup/action',
    handle: backupObject(keyKind),
  },
  {
    id: 'RestoreKey',
    method: 'POST',
    path: '/keys/restore',
    permission: 'restore',
    dataAction: 'keys/restore/action',
    handle: restoreObject(keyKind),
  },
] as const satisfies readonly VaultOperation[];
