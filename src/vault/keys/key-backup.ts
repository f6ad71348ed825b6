import { fromBase64Url, toBase64Url } from '../../base/base64url.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { StateWrite } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { listAll } from '../../state/list-all.ts';
import { decodeBase64 } from '../base64url-bytes.ts';
import { member } from '../objects/attributes.ts';
import { openBackup, sealBackup } from '../objects/backup-seal.ts';
import { requireVersion } from '../objects/find-requested.ts';
import { formatObjectId } from '../objects/object-answers.ts';
import { objectRecordId, versionRecordId } from '../objects/object-kind.ts';
import { stillAsRead } from '../objects/object-store.ts';
import type { VaultOperation, VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { vaultError } from '../vault-error.ts';
import { keyKind, kidOf } from './key-bundle.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import type { KeyRecord, KeyVersionRecord } from './key-records.ts';
import { vaultKeys, vaultKeyVersions, vaultPrivateKeys } from './key-records.ts';
import { placeOf } from './new-version.ts';
import { expectDue } from './rotation-due.ts';

export const keyBackupOperations = [
  {
    id: 'BackupKey',
    method: 'POST',
    path: '/keys/{name}/backup',
    permission: 'backup',
    dataAction: 'keys/backup/action',
    handle: backupKey,
  },
  {
    id: 'RestoreKey',
    method: 'POST',
    path: '/keys/restore',
    permission: 'restore',
    dataAction: 'keys/restore/action',
    handle: restoreKey,
  },
] as const satisfies readonly VaultOperation[];

/** The documented number of past versions, and the current one. */
const versionsMax = 501;
/** So that the blob fits into the request that restores it. */
const contentBytesMax = 700_000;

/** Content of a backup: the length of a description in four bytes, the description, private keys one after the other. */
interface BackedUpKey {
  readonly key: KeyRecord;
  /** With how many bytes each private key has. */
  readonly versions: readonly { readonly record: KeyVersionRecord; readonly bytes: number }[];
}

async function backupKey(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { state } = services;
  const { vault } = request;
  const found = await requireVersion(services, keyKind, request);
  if (found.version.value.managed === true) throw vaultError('keyIsManaged', 'backup');
  const versions = await listAll(state, vaultKeyVersions, `${found.object.id}/`);
  if (versions.length > versionsMax) throw vaultError('backupTooLarge');
  const privateKeys: Buffer[] = [];
  try {
    for (const { id } of versions) {
      const record = await state.get(vaultPrivateKeys, id);
      const der = record && fromBase64Url(record.value.pkcs8);
      if (der === undefined) throw vaultError('keyNotFound', found.object.value.name); // purged a moment ago
      privateKeys.push(der);
    }
    const described: BackedUpKey = {
      key: found.object.value,
      versions: versions.map(({ value }, at) => ({ record: value, bytes: privateKeys[at]?.length ?? 0 })),
    };
    const description = Buffer.from(JSON.stringify(described), 'utf8');
    const length = Buffer.alloc(4);
    length.writeUInt32BE(description.length);
    const content = Buffer.concat([length, description, ...privateKeys]);
    if (content.length > contentBytesMax) {
      zeroBytes(content);
      throw vaultError('backupTooLarge');
    }
    const { blob, write } = await sealBackup(services, vault, 'Key', content);
    const body = { value: toBase64Url(blob) };
    return { status: 200, id: kidOf(vault, found), body, expect: stillAsRead(keyKind, found), write };
  } finally {
    zeroBytes(...privateKeys);
  }
}

/** All versions under their old names. */
async function restoreKey(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault, apiVersion } = request;
  const value = member(parseBodyObject(request.body ?? Buffer.from('{}')), 'value');
  if (value === undefined) throw vaultError('requiredProperty', 'value');
  const blob = typeof value === 'string' ? decodeBase64(Buffer.from(value, 'latin1')) : undefined;
  if (blob === undefined) throw vaultError('notBase64Url', 'value');
  const content = await openBackup(services.state, vault, 'Key', blob);
  try {
    const { described, privateKeys } = readContent(content);
    const { versions } = described;
    const key = inVault(described.key, vault);
    const current = versions.find(({ record }) => record.version === key.currentVersion)?.record;
    invariant(current !== undefined, 'a key has its current version');
    if (versions.some(({ record }) => record.hsm) && vault.sku !== 'premium') throw vaultError('hsmNeedsPremium');
    const place = await placeOf(services, vault, key.name);
    if (place.kept !== undefined)
      throw vaultError('restoreConflict', 'key', formatObjectId(vault, 'keys', key.name, key.currentVersion));
    const write: readonly StateWrite[] = [
      ...place.leftovers,
      ...versions.flatMap(({ record }, at) => {
        const id = versionRecordId(vault.vaultId, key.name, record.version);
        const pkcs8 = toBase64Url(privateKeys[at] ?? Buffer.alloc(0));
        return [
          writeRecord(vaultPrivateKeys, id, null, { format: 1, pkcs8 }),
          writeRecord(vaultKeyVersions, id, null, record),
        ];
      }),
      writeRecord(vaultKeys, objectRecordId(vault.vaultId, key.name), place.stored?.version ?? null, key),
    ];
    const found = { object: { id: '', version: 0, value: key }, version: { id: '', version: 0, value: current } };
    return {
      ...{ status: 200, id: kidOf(vault, found), body: keyKind.bundle(vault, found, apiVersion), write },
      committed: () => expectDue(services, found),
    };
  } finally {
    zeroBytes(content);
  }
}

function inVault(key: KeyRecord, { name }: VaultSettings): KeyRecord {
  const { rotationPolicy } = key;
  return rotationPolicy === undefined ? key : { ...key, rotationPolicy: { ...rotationPolicy, vaultName: name } };
}

/** Sealed by ourselves, so it is what we wrote. */
function readContent(content: Buffer): { readonly described: BackedUpKey; readonly privateKeys: readonly Buffer[] } {
  const start = 4 + content.readUInt32BE(0);
  const described = JSON.parse(content.toString('utf8', 4, start)) as BackedUpKey;
  let at = start;
  const privateKeys = described.versions.map(({ bytes }) => content.subarray(at, (at += bytes)));
  return { described, privateKeys };
}
