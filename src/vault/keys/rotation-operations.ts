import { writeRecord } from '../../state/state.ts';
import { requireVersion } from '../objects/find-requested.ts';
import type { Found } from '../objects/object-kind.ts';
import { stillAsRead } from '../objects/object-store.ts';
import type { VaultOperation, VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import { keyKind, kidOf } from './key-bundle.ts';
import { costOfRotation } from './key-cost.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import type { KeyRecord, KeyVersionRecord, RotationPolicy } from './key-records.ts';
import { vaultKeys } from './key-records.ts';
import { expectDue } from './rotation-due.ts';
import { makeKey } from './key-types.ts';
import { addVersion, requestedPlace, rotatedVersion } from './new-version.ts';
import { vaultError } from '../vault-error.ts';
import { readRotationPolicy, rotationPolicyAnswer } from './rotation-policy.ts';

export const rotationOperations = [
  {
    id: 'RotateKey',
    method: 'POST',
    path: '/keys/{name}/rotate',
    permission: 'rotate',
    dataAction: 'keys/rotate/action',
    cost: costOfRotation,
    handle: rotateKey,
  },
  {
    id: 'GetKeyRotationPolicy',
    method: 'GET',
    path: '/keys/{name}/rotationpolicy',
    permission: 'getrotationpolicy',
    dataAction: 'keyrotationpolicies/read',
    handle: getPolicy,
  },
  {
    id: 'UpdateKeyRotationPolicy',
    method: 'PUT',
    path: '/keys/{name}/rotationpolicy',
    permission: 'setrotationpolicy',
    dataAction: 'keyrotationpolicies/write',
    handle: setPolicy,
  },
] as const satisfies readonly VaultOperation[];

/** A new version like the current one, with a key of its own. */
async function rotateKey(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { object, version } = await requireVersion(services, keyKind, request);
  const place = await requestedPlace(services, request, 'rotate');
  const pair = await request.newKey(() => makeKey(version.value, services.keyPool));
  const wanted = rotatedVersion(object.value, version.value, pair, services.clock.now());
  return addVersion(services, request, place, wanted);
}

async function getPolicy(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const found = await requireVersion(services, keyKind, request);
  const { name, rotationPolicy } = found.object.value;
  return {
    status: 200,
    id: kidOf(request.vault, found),
    body: rotationPolicyAnswer(request.vault, name, rotationPolicy),
    expect: stillAsRead(keyKind, found),
  };
}

async function setPolicy(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault } = request;
  const found = await requireVersion(services, keyKind, request);
  const { object, version } = found;
  if (version.value.managed) throw vaultError('keyIsManaged', 'setrotationpolicy');
  const now = services.clock.now();
  const rotationPolicy: RotationPolicy = {
    ...readRotationPolicy(parseBodyObject(request.body ?? Buffer.from('{}'))),
    vaultName: vault.name,
    createdAt: object.value.rotationPolicy?.createdAt ?? now,
    updatedAt: now,
  };
  const changed: Found<KeyVersionRecord, KeyRecord> = {
    ...found,
    object: { ...object, value: { ...object.value, rotationPolicy } },
  };
  return {
    status: 200,
    id: kidOf(vault, found),
    body: rotationPolicyAnswer(vault, object.value.name, rotationPolicy),
    write: [writeRecord(vaultKeys, object.id, object.version, changed.object.value)],
    committed: () => expectDue(services, changed),
  };
}
