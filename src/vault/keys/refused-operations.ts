import { member } from '../objects/attributes.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { requireVersion } from '../objects/find-requested.ts';
import type { VaultOperation, VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import { vaultError } from '../vault-error.ts';
import { keyKind } from './key-bundle.ts';

/** What is refused here as Key Vault itself refuses it. */
export const refusedOperations = [
  {
    id: 'Release',
    method: 'POST',
    path: '/keys/{name}/{version}/release',
    latest: true,
    permission: 'release',
    dataAction: 'keys/release/action',
    handle: release,
  },
] as const satisfies readonly VaultOperation[];

/** A key leaves for an environment that an attestation service vouches for. None can be asked here, so no statement is ever verified, and
 * no key ever leaves. */
async function release(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { value: key } = (await requireVersion(services, keyKind, request)).version;
  if (!key.enabled) throw vaultError('keyDisabled', 'release');
  if (key.exportable !== true) throw vaultError('operationNotInKeyOps', 'release');
  const target = request.body === undefined ? undefined : member(parseBodyObject(request.body), 'target');
  if (target === undefined) throw vaultError('requiredProperty', 'target');
  if (typeof target !== 'string' || target === '') throw vaultError('invalidProperty', 'target');
  throw vaultError('attestationNotVerified');
}
