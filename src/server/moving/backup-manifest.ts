import { createHmac, timingSafeEqual } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import { isJsonObject } from '../../base/json.ts';
import type { RootKey } from '../../state/root-key.ts';
import type { StateStore } from '../../state/state-store.ts';
import { backupMark, markTable } from '../move-marks.ts';
import type { CopiedBlobs } from './copy-blobs.ts';
import type { RecordSum } from './copy-records.ts';
import { MoveError } from './move-error.ts';

/** What a backup is of, and all that it holds. No secret. */
export interface BackupManifest {
  readonly format: 1;
  /** Hex id of the state. */
  readonly state: string;
  /** ISO, by the clock of whoever took it. */
  readonly takenOn: string;
  /** In words. */
  readonly source: string;
  readonly records: RecordSum;
  readonly blobs: CopiedBlobs;
}

const manifestBytesMax = 64 * 1024;

/** In the place of the one before. */
export async function writeManifest(store: StateStore, manifest: BackupManifest, rootKey: RootKey): Promise<void> {
  const found = await store.get(markTable, backupMark);
  const text = JSON.stringify(manifest);
  const value = Buffer.from(JSON.stringify({ text, mac: macOf(text, rootKey).toString('hex') }));
  const put = { version: (found?.version ?? 0) + 1, value };
  await store.commit({ write: [{ table: markTable, id: backupMark, expect: found?.version ?? null, put }] });
}

/** @throws MoveError for what is no backup, for one of another root key, and for one whose manifest was changed */
export async function readManifest(store: StateStore, rootKey: RootKey, name: string): Promise<BackupManifest> {
  const found = await store.get(markTable, backupMark);
  if (found === undefined || found.value.byteLength > manifestBytesMax)
    throw new MoveError(`${name} holds no backup that was finished.`);
  const value: unknown = JSON.parse(Buffer.from(found.value).toString());
  const { text, mac } = isJsonObject(value) ? value : {};
  if (typeof text !== 'string' || typeof mac !== 'string' || !isMac(text, mac, rootKey))
    throw new MoveError(
      `The root key is not the one of the backup in ${name}, or what the backup says of itself was changed.`,
    );
  return JSON.parse(text) as BackupManifest; // only our own code makes the MAC
}

function isMac(text: string, mac: string, rootKey: RootKey): boolean {
  const [sent, ours] = [Buffer.from(mac, 'hex'), macOf(text, rootKey)];
  return sent.length === ours.length && timingSafeEqual(sent, ours);
}

function macOf(text: string, rootKey: RootKey): Buffer {
  const key = rootKey.derive('backup manifest 1');
  try {
    return createHmac('sha256', key).update(text).digest();
  } finally {
    zeroBytes(key);
  }
}
