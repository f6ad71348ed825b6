import { createKeyOperation } from './create-key.ts';
import { cryptoOperations } from './crypto-operations.ts';
import { importKeyOperation } from './import-key.ts';
import { keyBackupOperations } from './key-backup.ts';
import { keyLifecycleOperations } from './key-lifecycle.ts';
import { refusedOperations } from './refused-operations.ts';
import { rotationOperations } from './rotation-operations.ts';
import { signingOperations } from './signing-operations.ts';
import type { VaultOperation } from '../objects/operation.ts';

/** What Key Vault has for keys and Kustody has not built: refused by name. */
const notBuilt = [
  {
    id: 'SecureWrapKey',
    method: 'POST',
    path: '/keys/{name}/{version}/securewrapkey',
    latest: true,
    permission: 'wrapKey',
    dataAction: 'keys/wrap/action',
  },
  {
    id: 'SecureUnwrapKey',
    method: 'POST',
    path: '/keys/{name}/{version}/secureunwrapkey',
    latest: true,
    permission: 'unwrapKey',
    dataAction: 'keys/unwrap/action',
  },
  {
    id: 'GetKeyAttestation',
    method: 'GET',
    path: '/keys/{name}/{version}/attestation',
    permission: 'get',
    dataAction: 'keys/read',
  },
] as const satisfies readonly VaultOperation[];

/** Every operation on keys. Literal segments win over `{placeholders}`, whatever the order here. */
export const keyOperations: readonly VaultOperation[] = [
  createKeyOperation,
  importKeyOperation,
  ...keyLifecycleOperations,
  ...cryptoOperations,
  ...signingOperations,
  ...keyBackupOperations,
  ...rotationOperations,
  ...refusedOperations,
  ...notBuilt,
];
