import { isJsonObject } from '../../base/json.ts';
import { checkValidity, member } from '../objects/attributes.ts';
import type { VaultOperation, VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import { vaultError } from '../vault-error.ts';
import { readPrivateJwk } from './jwk-import.ts';
import { checkKeyOps, readKeyChanges } from './key-attributes.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { readTransferredKey } from './key-transfer.ts';
import { readKeyType } from './key-types.ts';
import { addVersion, requestedPlace } from './new-version.ts';
import { readRelease } from './release-policy.ts';

export const importKeyOperation = {
  id: 'ImportKey',
  method: 'PUT',
  path: '/keys/{name}',
  permission: 'import',
  dataAction: 'keys/import/action',
  handle: importKey,
} as const satisfies VaultOperation;

/** A key made elsewhere: a new key, or a new version of a live one. */
async function importKey(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const place = await requestedPlace(services, request, 'import');
  const body = parseBodyObject(request.body ?? Buffer.from('{}'));
  const jwk = member(body, 'key');
  if (jwk === undefined) throw vaultError('requiredProperty', 'key');
  if (!isJsonObject(jwk)) throw vaultError('invalidProperty', 'key');
  const type = readKeyType(member(jwk, 'kty'), request.vault);
  const asked = member(body, 'Hsm') ?? false;
  if (typeof asked !== 'boolean') throw vaultError('invalidProperty', 'Hsm');
  if (asked && request.vault.sku !== 'premium') throw vaultError('hsmNeedsPremium');
  const hsm = type.hsm || asked;
  const release = readRelease(body, hsm, request.vault, place.current);
  const changes = readKeyChanges({ ...body, key_ops: jwk['key_ops'] ?? null });
  checkKeyOps(changes.keyOps, { kty: type.kty, hsm });
  checkValidity(changes.notBefore, changes.expires);
  const transferred = member(jwk, 'key_hsm');
  if (transferred !== undefined && !hsm) throw vaultError('invalidProperty', 'key.key_hsm');
  const pair =
    transferred === undefined
      ? readPrivateJwk(jwk, type.kty)
      : await readTransferredKey(services, request, transferred, type.kty);
  return addVersion(services, request, place, { pair, hsm, release, changes });
}
