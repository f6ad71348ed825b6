import { checkValidity, member } from '../objects/attributes.ts';
import type { VaultOperation, VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import { checkKeyOps, readKeyChanges } from './key-attributes.ts';
import { costOfCreation } from './key-cost.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { makeKey, readKeyShape, readKeyType } from './key-types.ts';
import { addVersion, requestedPlace } from './new-version.ts';
import { readRelease } from './release-policy.ts';

export const createKeyOperation = {
  id: 'CreateKey',
  method: 'POST',
  path: '/keys/{name}/create',
  permission: 'create',
  dataAction: 'keys/create/action',
  cost: costOfCreation,
  handle: createKey,
} as const satisfies VaultOperation;

/** A new key, or a new version of a live one. */
async function createKey(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const place = await requestedPlace(services, request, 'create');
  const body = parseBodyObject(request.body ?? Buffer.from('{}'));
  const { kty, hsm } = readKeyType(member(body, 'kty'), request.vault);
  const shape = readKeyShape(body, kty);
  const release = readRelease(body, hsm, request.vault, place.current);
  const changes = readKeyChanges(body);
  checkKeyOps(changes.keyOps, { kty, hsm });
  checkValidity(changes.notBefore, changes.expires);
  const pair = await request.newKey(() => makeKey(shape, services.keyPool));
  return addVersion(services, request, place, { pair, hsm, release, changes });
}
