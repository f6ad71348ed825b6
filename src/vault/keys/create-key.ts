import { isJsonObject } from '../../base/json.ts';
import type { JsonObject } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { KeyVersion } from '../../base/names.ts';
import type { Instant } from '../../clock/clock.ts';
import type { StateWrite } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { checkValidity, member } from '../objects/attributes.ts';
import { requestedName } from '../objects/find-requested.ts';
import { objectRecordId, versionRecordId } from '../objects/object-kind.ts';
import { purgeWrites } from '../objects/object-store.ts';
import type { RsaBits, RsaKeyPair } from '../rsa/rsa-keys.ts';
import { isRsaBits } from '../rsa/rsa-keys.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { vaultError } from '../vault-error.ts';
import type { KeyChanges } from './key-attributes.ts';
import { readKeyChanges } from './key-attributes.ts';
import { keyKind, kidOf } from './key-bundle.ts';
import { parseBodyObject } from './key-op-body.ts';
import type { VaultOperation, VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import type { KeyRecord, KeyVersionRecord } from './key-records.ts';
import { keyOperationNames, vaultKeys, vaultKeyVersions, vaultPrivateKeys } from './key-records.ts';

export const createKeyOperation = {
  id: 'CreateKey',
  method: 'POST',
  path: '/keys/{name}/create',
  permission: 'create',
  dataAction: 'keys/create/action',
  handle: createKey,
} as const satisfies VaultOperation;

/** A new key, or a new version of a live one, which becomes the current one. */
async function createKey(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault, apiVersion } = request;
  const now = services.clock.now();
  const sent = requestedName(request);
  const stored = await services.state.get(vaultKeys, objectRecordId(vault.vaultId, sent));
  const over = stored !== undefined && services.retention.isOver(stored.value);
  if (stored?.value.deleted !== undefined && !over) throw vaultError('keyIsDeleted', stored.value.name);

  const body = parseBodyObject(request.body ?? Buffer.from('{}'));
  const bits = readKeyType(body, vault);
  const changes = readKeyChanges(body);
  checkValidity(changes.notBefore, changes.expires);
  const pair = await request.newKey(() => services.keyPool.take(bits));

  const version = newKeyVersion(services.randomBytes);
  const name = over ? sent : (stored?.value.name ?? sent);
  const key: KeyRecord = { ...(over ? {} : stored?.value), format: 1, name, currentVersion: version };
  const record = newVersion(version, pair, changes, now);
  // What is left of a key whose retention is over goes in the same commit; its own record is replaced.
  const leftovers = over
    ? (await purgeWrites(services.state, keyKind, stored)).filter((write) => write.id !== stored.id)
    : [];
  const id = versionRecordId(vault.vaultId, name, version);
  const write: StateWrite[] = [
    ...leftovers,
    writeRecord(vaultPrivateKeys, id, null, { format: 1, pkcs8: pair.privateKey }),
    writeRecord(vaultKeyVersions, id, null, record),
    writeRecord(vaultKeys, objectRecordId(vault.vaultId, name), stored?.version ?? null, key),
  ];
  const found = { object: { id, version: 0, value: key }, version: { id, version: 0, value: record } };
  return { status: 200, id: kidOf(vault, found), body: keyKind.bundle(vault, found, apiVersion), write };
}

const newKeyVersion = (randomBytes: RandomBytes): KeyVersion =>
  Buffer.from(randomBytes(16)).toString('hex') as KeyVersion;

function newVersion(version: KeyVersion, pair: RsaKeyPair, changes: KeyChanges, now: Instant): KeyVersionRecord {
  return {
    format: 1,
    version,
    kty: 'RSA',
    bits: pair.bits,
    n: pair.n,
    e: pair.e,
    keyOps: changes.keyOps ?? keyOperationNames,
    enabled: changes.enabled ?? true,
    ...(changes.notBefore === undefined ? {} : { notBefore: changes.notBefore }),
    ...(changes.expires === undefined ? {} : { expires: changes.expires }),
    createdAt: now,
    updatedAt: now,
    ...(changes.tags === undefined ? {} : { tags: changes.tags }),
  };
}

/** Types that Key Vault has and Kustody has not built. */
const notBuiltTypes: ReadonlySet<string> = new Set(['EC', 'EC-HSM', 'RSA-HSM']);
const rsaExponent = 65537;

/** @throws VaultError 400 for what Key Vault refuses, 501 for what only Kustody does */
function readKeyType(body: JsonObject, vault: VaultSettings): RsaBits {
  const kty = member(body, 'kty');
  if (kty === undefined) throw vaultError('requiredProperty', 'kty');
  if (typeof kty !== 'string') throw vaultError('invalidProperty', 'kty');
  if (kty.endsWith('-HSM') && notBuiltTypes.has(kty) && vault.sku !== 'premium')
    throw vaultError('hsmNeedsPremium', kty);
  if (notBuiltTypes.has(kty)) throw vaultError('notBuilt', `keys of type ${kty}`);
  if (kty !== 'RSA') throw vaultError('unsupportedKeyType', kty.slice(0, 100));
  const exponent = member(body, 'public_exponent');
  if (exponent !== undefined && exponent !== rsaExponent) throw vaultError('invalidProperty', 'public_exponent');
  if (member(body, 'crv') !== undefined) throw vaultError('invalidProperty', 'crv');
  const bits = member(body, 'key_size') ?? 2048;
  if (isJsonObject(bits) || !isRsaBits(bits)) throw vaultError('invalidProperty', 'key_size');
  return bits;
}
