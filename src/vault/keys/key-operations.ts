import { createKeyOperation } from './create-key.ts';
import { cryptoOperations } from './crypto-operations.ts';
import { keyLifecycleOperations } from './key-lifecycle.ts';
import type { VaultOperation } from '../objects/operation.ts';

/** What Key Vault has for keys and Kustody has not built: refused by name. */
const notBuilt = [
  { id: 'ImportKey', method: 'PUT', path: '/keys/{name}', permission: 'import', dataAction: 'keys/import/action' },
  {
    id: 'RotateKey',
    method: 'POST',
    path: '/keys/{name}/rotate',
    permission: 'rotate',
    dataAction: 'keys/rotate/action',
  },
  {
    id: 'BackupKey',
    method: 'POST',
    path: '/keys/{name}/backup',
    permission: 'backup',
    dataAction: 'keys/backup/action',
  },
  { id: 'RestoreKey', method: 'POST', path: '/keys/restore', permission: 'restore', dataAction: 'keys/restore/action' },
  {
    id: 'Sign',
    method: 'POST',
    path: '/keys/{name}/{version}/sign',
    latest: true,
    permission: 'sign',
    dataAction: 'keys/sign/action',
  },
  {
    id: 'Verify',
    method: 'POST',
    path: '/keys/{name}/{version}/verify',
    latest: true,
    permission: 'verify',
    dataAction: 'keys/verify/action',
  },
  {
    id: 'Release',
    method: 'POST',
    path: '/keys/{name}/{version}/release',
    latest: true,
    permission: 'release',
    dataAction: 'keys/release/action',
  },
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
    id: 'GetKeyRotationPolicy',
    method: 'GET',
    path: '/keys/{name}/rotationpolicy',
    permission: 'getrotationpolicy',
    dataAction: 'keyrotationpolicies/read',
  },
  {
    id: 'UpdateKeyRotationPolicy',
    method: 'PUT',
    path: '/keys/{name}/rotationpolicy',
    permission: 'setrotationpolicy',
    dataAction: 'keyrotationpolicies/write',
  },
  {
    id: 'GetKeyAttestation',
    method: 'GET',
    path: '/keys/{name}/{version}/attestation',
    permission: 'get',
    dataAction: 'keys/read',
  },
  { id: 'GetRandomBytes', method: 'POST', path: '/rng', permission: 'get', dataAction: 'rng/action' },
] as const satisfies readonly VaultOperation[];

/** Every operation on keys. Literal segments win over `{placeholders}`, whatever the order here. */
export const keyOperations: readonly VaultOperation[] = [
  createKeyOperation,
  ...keyLifecycleOperations,
  ...cryptoOperations,
  ...notBuilt,
];
