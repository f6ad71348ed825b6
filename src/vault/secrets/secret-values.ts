import { invariant } from '../../base/invariant.ts';
import type { JsonObject } from '../../base/json.ts';
import type { ObjectVersion } from '../../base/names.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Soon } from '../../base/soon.ts';
import { soon } from '../../base/soon.ts';
import { expectRecord, getSoon, writeRecord } from '../../state/state.ts';
import type { ObjectChanges } from '../objects/attributes.ts';
import { checkValidity, member, readObjectChanges } from '../objects/attributes.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { requestedName, requireShown, requireVersion } from '../objects/find-requested.ts';
import { idOf } from '../objects/object-answers.ts';
import type { ObjectRecord } from '../objects/object-kind.ts';
import { objectRecordId, versionRecordId } from '../objects/object-kind.ts';
import { findVersion, purgeWrites } from '../objects/object-store.ts';
import { createShownAnswers } from '../objects/shown-answers.ts';
import type { VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import { vaultError } from '../vault-error.ts';
import { secretKind } from './secret-bundle.ts';
import type { SecretVersionRecord } from './secret-records.ts';
import { vaultSecrets, vaultSecretValues, vaultSecretVersions } from './secret-records.ts';

const valueBytesMax = 25_600;
const contentTypeCharsMax = 255;
const tagCharsMax = 512;

interface SecretChanges extends ObjectChanges {
  readonly contentType?: string;
}

/** A new secret, or a new version of a live one, which becomes the current one. */
export async function setSecret(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault, apiVersion } = request;
  const { state, retention } = services;
  const sent = requestedName(request);
  const stored = await state.get(vaultSecrets, objectRecordId(vault.vaultId, sent));
  const over = stored !== undefined && retention.isOver(stored.value);
  // Also while the deletion is under way: recorded.
  if (stored?.value.deleted !== undefined && !over) throw vaultError('secretIsDeleted', stored.value.name);
  const current = stored === undefined || over ? undefined : await findVersion(state, secretKind, stored);
  if (current?.version.value.managed === true) throw vaultError('secretIsManaged', 'set');

  const body = parseBodyObject(request.body ?? Buffer.from('{}'));
  const value = readValue(body);
  const changes = readSecretChanges(body);
  checkValidity(changes.notBefore, changes.expires);
  const now = services.clock.now();
  const version = newVersionOf(services.randomBytes);
  const name = over ? sent : (stored?.value.name ?? sent);
  const secret: ObjectRecord = { format: 1, name, currentVersion: version };
  const record: SecretVersionRecord = {
    ...{ format: 1, version, enabled: true, ...changes },
    ...{ createdAt: now, updatedAt: now },
  };
  const leftovers = over ? (await purgeWrites(state, secretKind, stored)).filter(({ id }) => id !== stored.id) : [];
  const id = versionRecordId(vault.vaultId, name, version);
  const found = { object: { id, version: 0, value: secret }, version: { id, version: 0, value: record } };
  return {
    status: 200,
    id: idOf(vault, secretKind, found),
    body: { value, ...secretKind.bundle(vault, found, apiVersion) },
    write: [
      ...leftovers,
      writeRecord(vaultSecretValues, id, null, { format: 1, value }),
      writeRecord(vaultSecretVersions, id, null, record),
      writeRecord(vaultSecrets, objectRecordId(vault.vaultId, name), stored?.version ?? null, secret),
    ],
  };
}

const shownOf = createShownAnswers(secretKind);

/** Outside its dates a secret is shown as before; a disabled one is not. */
export function getSecret(services: VaultServices, request: VaultRequest): Soon<VaultOutcome> {
  const { vault, apiVersion } = request;
  return soon(requireShown(services, secretKind, request), (found) => {
    if (!found.version.value.enabled) throw vaultError('secretDisabled');
    return soon(getSoon(services.state, vaultSecretValues, found.version.id), (stored) => {
      if (stored === undefined) throw vaultError('secretNotFound', found.object.value.name); // purged a moment ago
      const shown = shownOf(vault, found, apiVersion);
      // The value stands before what is shown of it elsewhere.
      return { ...shown, text: `{"value":${JSON.stringify(stored.value.value)},${shown.text.slice(1)}` };
    });
  });
}

/** Of everything but the value. */
export async function updateSecret(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault, apiVersion } = request;
  const { object, version } = await requireVersion(services, secretKind, request);
  const body = parseBodyObject(request.body ?? Buffer.from('{}'));
  const changes = readSecretChanges(body);
  const value = { ...version.value, ...changes, updatedAt: services.clock.now() };
  checkValidity(value.notBefore, value.expires);
  const changed = { object, version: { ...version, value } };
  return {
    status: 200,
    id: idOf(vault, secretKind, changed),
    body: secretKind.bundle(vault, changed, apiVersion),
    expect: [expectRecord(vaultSecrets, object.id, object.version)],
    write: [writeRecord(vaultSecretVersions, version.id, version.version, value)],
  };
}

function newVersionOf(randomBytes: RandomBytes): ObjectVersion {
  const version = Buffer.from(randomBytes(16)).toString('hex');
  invariant(version.length === 32, 'a version is 32 hex digits');
  return version as ObjectVersion;
}

/** An empty value is one. */
function readValue(body: JsonObject): string {
  const value = member(body, 'value');
  if (value === undefined) throw vaultError('requiredProperty', 'value');
  if (typeof value !== 'string') throw vaultError('invalidProperty', 'value');
  // The service names no property here.
  if (Buffer.byteLength(value, 'utf8') > valueBytesMax) throw vaultError('invalidProperty', '');
  return value;
}

function readSecretChanges(body: JsonObject): SecretChanges {
  const changes = readObjectChanges(body, tagCharsMax);
  const contentType = member(body, 'contentType');
  if (contentType === undefined) return changes;
  if (typeof contentType !== 'string' || contentType.length > contentTypeCharsMax) {
    throw vaultError('invalidProperty', 'contentType');
  }
  return { ...changes, contentType };
}
