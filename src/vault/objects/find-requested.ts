import { invariant } from '../../base/invariant.ts';
import type { ObjectName } from '../../base/names.ts';
import { parseKeyVersion } from '../../base/names.ts';
import type { Soon } from '../../base/soon.ts';
import { soon } from '../../base/soon.ts';
import type { VaultError } from '../vault-error.ts';
import { vaultError } from '../vault-error.ts';
import type { Found, ObjectKind, ObjectRecord, VersionRecord } from './object-kind.ts';
import { recoveryId } from './deletions.ts';
import { findObject, findVersion } from './object-store.ts';
import type { VaultRequest, VaultServices } from './operation.ts';

export function requestedName(request: VaultRequest): ObjectName {
  invariant(request.name !== undefined, 'the path of this operation has a name');
  return request.name;
}

/** The live object and version that the path names. @throws VaultError 404 */
export function requireVersion<Version extends VersionRecord, Whole extends ObjectRecord>(
  { state, retention }: VaultServices,
  kind: ObjectKind<Version, Whole>,
  request: VaultRequest,
): Soon<Found<Version, Whole>> {
  const { vaultId } = request.vault;
  const name = requestedName(request);
  // Made only when it is thrown: an error costs more than the rest of the look-up.
  const missing = (): VaultError =>
    vaultError(kind.errors.notFound, request.version === undefined ? name : `${name}/${request.version}`);
  return soon(findObject(state, kind, vaultId, name, retention.isOver), (object) => {
    if (object === undefined || object.value.deleted !== undefined) throw missing();
    const wanted = request.version === undefined ? undefined : parseKeyVersion(request.version);
    if (request.version !== undefined && wanted === undefined) throw missing();
    return soon(findVersion(state, kind, object, wanted), (found) => {
      if (found === undefined) throw missing();
      return found;
    });
  });
}

/** The same, for whoever looks at it. While it comes back from a deletion, who names a version, and Kustody itself, does not wait for that
 * but uses it; for all others it is not there yet. @throws VaultError 404 */
export function requireShown<Version extends VersionRecord, Whole extends ObjectRecord>(
  services: VaultServices,
  kind: ObjectKind<Version, Whole>,
  request: VaultRequest,
): Soon<Found<Version, Whole>> {
  return soon(requireVersion(services, kind, request), (found) => {
    if (request.version !== undefined || request.isOurOwn) return found;
    return soon(services.deletions.isNotYet(recoveryId(kind, found.object.id)), (isNotYet) => {
      if (isNotYet) throw vaultError(kind.errors.notFound, requestedName(request));
      return found;
    });
  });
}

/** The current version of the deleted object that the path names. @throws VaultError 404 */
export async function requireDeleted<Version extends VersionRecord, Whole extends ObjectRecord>(
  { state, retention }: VaultServices,
  kind: ObjectKind<Version, Whole>,
  request: VaultRequest,
): Promise<Found<Version, Whole>> {
  const { vaultId } = request.vault;
  const name = requestedName(request);
  const object = await findObject(state, kind, vaultId, name, retention.isOver);
  const found = object?.value.deleted === undefined ? undefined : await findVersion(state, kind, object);
  if (found === undefined) throw vaultError(kind.errors.deletedNotFound, name);
  return found;
}
