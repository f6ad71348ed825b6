import { invariant } from '../../base/invariant.ts';
import type { KeyName } from '../../base/names.ts';
import { parseKeyVersion } from '../../base/names.ts';
import type { State, Versioned } from '../../state/state.ts';
import type { VaultError } from '../vault-error.ts';
import { vaultError } from '../vault-error.ts';
import type { KeyRequest, KeyServices } from './key-operation.ts';
import type { KeyRecord } from './key-records.ts';
import type { FoundVersion } from './key-store.ts';
import { findKey, findVersion } from './key-store.ts';

export function requestedName(request: KeyRequest): KeyName {
  invariant(request.name !== undefined, 'the path of this operation has a name');
  return request.name;
}

/** The live key and version that the path names. @throws VaultError 404 */
export async function requireVersion({ state, retention }: KeyServices, request: KeyRequest): Promise<FoundVersion> {
  const name = requestedName(request);
  // Made only when it is thrown: an error costs more than the rest of the look-up.
  const missing = (): VaultError =>
    vaultError('keyNotFound', request.version === undefined ? name : `${name}/${request.version}`);
  const key = await findKey(state, request.vault.vaultId, name, retention.isOver);
  if (key === undefined || key.value.deleted !== undefined) throw missing();
  const wanted = request.version === undefined ? undefined : parseKeyVersion(request.version);
  if (request.version !== undefined && wanted === undefined) throw missing();
  const found = await findVersion(state, request.vault.vaultId, key, wanted);
  if (found === undefined) throw missing();
  return found;
}

/** The current version of the deleted key that the path names. @throws VaultError 404 */
export async function requireDeleted({ state, retention }: KeyServices, request: KeyRequest): Promise<FoundVersion> {
  const name = requestedName(request);
  const key = await findKey(state, request.vault.vaultId, name, retention.isOver);
  const found = key?.value.deleted === undefined ? undefined : await currentVersion(state, request, key);
  if (found === undefined) throw vaultError('deletedKeyNotFound', name);
  return found;
}

const currentVersion = (
  state: State,
  request: KeyRequest,
  key: Versioned<KeyRecord>,
): Promise<FoundVersion | undefined> => findVersion(state, request.vault.vaultId, key);
