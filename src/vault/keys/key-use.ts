import { fromBase64Url } from '../../base/base64url.ts';
import { invariant } from '../../base/invariant.ts';
import type { Soon } from '../../base/soon.ts';
import type { Instant } from '../../clock/clock.ts';
import type { PrivateKey } from '../material/private-keys.ts';
import { parsePrivateKey } from '../material/private-keys.ts';
import { vaultError } from '../vault-error.ts';
import type { VaultServices } from '../objects/operation.ts';
import type { KeyOperationName, KeyVersionRecord } from './key-records.ts';
import { vaultPrivateKeys } from './key-records.ts';
import type { Found } from '../objects/object-kind.ts';

/** @throws VaultError 403 */
export function refuseUnusable(key: KeyVersionRecord, use: KeyOperationName): void {
  if (!key.enabled) throw vaultError('keyDisabled', use);
  if (!key.keyOps.includes(use)) throw vaultError('operationNotInKeyOps', use);
}

/** @throws VaultError 403 */
export function refuseOutsideDates(key: KeyVersionRecord, use: KeyOperationName, now: Instant): void {
  if (key.notBefore !== undefined && now < key.notBefore * 1000) throw vaultError('keyNotYetValid', use);
  if (key.expires !== undefined && now >= key.expires * 1000) throw vaultError('keyExpired', use);
}

/** @throws VaultError 404 when the key was purged a moment ago */
export function privateKeyOf(
  { state, privateKeys, rsaThreads }: VaultServices,
  { object, version }: Found<KeyVersionRecord>,
): Soon<PrivateKey> {
  return privateKeys.get(version.id, async () => {
    const record = await state.get(vaultPrivateKeys, version.id);
    if (record === undefined) throw vaultError('keyNotFound', object.value.name);
    const der = fromBase64Url(record.value.pkcs8);
    invariant(der !== undefined, 'a private key is base64url');
    return parsePrivateKey(version.value.kty, der, rsaThreads);
  });
}
