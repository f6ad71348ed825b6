import { createCipheriv, createDecipheriv } from 'node:crypto';
import { geographyOf } from '../../base/geographies.ts';
import { fromBase64Url, toBase64Url } from '../../base/base64url.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { State, StateWrite, Table, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { vaultError } from '../vault-error.ts';
import { formatOne } from './object-kind.ts';

/** What backups of one subscription and one geography are sealed with. It never leaves the instance: neither can they. */
interface BackupKeyRecord {
  readonly format: 1;
  /** 32 bytes, base64url. */
  readonly key: string;
}

export const vaultBackupKeys: Table<BackupKeyRecord> = {
  name: 'vault-backup-keys',
  parse: (value) => {
    const record = formatOne(value, 'backup key');
    invariant(typeof record['key'] === 'string', 'a backup key record has a key');
    return value as unknown as BackupKeyRecord;
  },
};

/** Which objects a backup may hold. */
export type BackupKind = 'Key' | 'Secret' | 'Certificate';

const nonceBytes = 12;
const tagBytes = 16;
const keyBytes = 32;

/** As blobs of the service begin; what follows is our own: nonce, AES-256-GCM of the content, tag. */
const prefixOf = (kind: BackupKind): Buffer => Buffer.from(`&AzureKeyVault${kind}BackupV1.microsoft.com`, 'latin1');

const keyIdOf = ({ resourceId, region }: VaultSettings): string =>
  `${(resourceId.split('/')[2] ?? '').toLowerCase()}/${geographyOf(region)}`;

/** @param content overwritten
 * @returns the blob, and what must be committed with it */
export async function sealBackup(
  { state, randomBytes }: { readonly state: State; readonly randomBytes: RandomBytes },
  vault: VaultSettings,
  kind: BackupKind,
  content: Buffer,
): Promise<{ readonly blob: Buffer; readonly write: readonly StateWrite[] }> {
  const id = keyIdOf(vault);
  const stored: Versioned<BackupKeyRecord> | undefined = await state.get(vaultBackupKeys, id);
  const key = stored === undefined ? Buffer.from(randomBytes(keyBytes)) : openedKey(stored.value);
  const nonce = randomBytes(nonceBytes);
  const prefix = prefixOf(kind);
  try {
    const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(prefix);
    const sealed = [cipher.update(content), cipher.final()];
    const record: BackupKeyRecord = { format: 1, key: toBase64Url(key) };
    return {
      blob: Buffer.concat([prefix, nonce, ...sealed, cipher.getAuthTag()]),
      write: stored === undefined ? [writeRecord(vaultBackupKeys, id, null, record)] : [],
    };
  } finally {
    zeroBytes(content, key);
  }
}

/** @returns the content, which the caller overwrites
 * @throws VaultError 400 for what is no backup, and for one of another subscription or geography */
export async function openBackup(state: State, vault: VaultSettings, kind: BackupKind, blob: Buffer): Promise<Buffer> {
  const prefix = prefixOf(kind);
  const sealedAt = prefix.length + nonceBytes;
  if (blob.length < prefix.length) throw vaultError('malformedBackup');
  if (!blob.subarray(0, prefix.length).equals(prefix)) throw vaultError('unknownBackup');
  if (blob.length < sealedAt + tagBytes) throw vaultError('malformedBackup');
  const stored = await state.get(vaultBackupKeys, keyIdOf(vault));
  if (stored === undefined) throw vaultError('foreignBackup');
  const key = openedKey(stored.value);
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, blob.subarray(prefix.length, sealedAt))
      .setAAD(prefix)
      .setAuthTag(blob.subarray(-tagBytes));
    const content = decipher.update(blob.subarray(sealedAt, -tagBytes));
    try {
      decipher.final();
    } catch {
      zeroBytes(content);
      throw vaultError('foreignBackup');
    }
    return content;
  } finally {
    zeroBytes(key);
  }
}

function openedKey({ key }: BackupKeyRecord): Buffer {
  const bytes = fromBase64Url(key);
  invariant(bytes?.length === keyBytes, 'a backup key has 32 bytes');
  return bytes;
}
