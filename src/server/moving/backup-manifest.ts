import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Guid } from '../../base/guid.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { isJsonObject } from '../../base/json.ts';
import type { RootKey } from '../../state/root-key.ts';
import type { StateStore, StoredRecord } from '../../state/state-store.ts';
import { backupMark, markTable } from '../move-marks.ts';
import type { BackupSide } from './backup-sides.ts';
import type { CopiedBlobs } from './copy-blobs.ts';
import type { RecordSum } from './copy-records.ts';
import { MoveError } from './move-error.ts';

/** What a backup of a single cluster is of. */
export interface BackupCluster {
  readonly clusterId: Guid;
  /** As it was asked for. */
  readonly name: string;
  /** The key version that opens it, in full. */
  readonly kid: string;
  /** Id and name of each. */
  readonly databases: readonly (readonly [id: string, name: string])[];
  readonly catalog: { readonly records: number; readonly digest: string };
}

/** What a backup is of, and all that it holds. No secret. */
export interface BackupManifest {
  readonly format: 2;
  /** Where its records and the list of its blobs are. */
  readonly side: BackupSide;
  /** Hex id of the state. */
  readonly state: string;
  /** ISO, by the clock of whoever took it. */
  readonly takenOn: string;
  /** In words. */
  readonly source: string;
  readonly records: RecordSum;
  readonly blobs: CopiedBlobs;
  /** Of a root key in a vault: the full id of the key version that had wrapped it. A backup of the whole instance holds that wrapped key. */
  readonly rootKeyKid?: string;
  /** Missing: the whole instance. */
  readonly cluster?: BackupCluster;
}

const format = 2;
const manifestBytesMax = 64 * 1024;

/** In the place of the one before, in one commit: from then on the backup is what it names. */
export async function writeManifest(store: StateStore, manifest: BackupManifest, rootKey: RootKey): Promise<void> {
  const found = await store.get(markTable, backupMark);
  const text = JSON.stringify(manifest);
  const value = Buffer.from(JSON.stringify({ text, mac: macOf(text, rootKey).toString('hex') }));
  const put = { version: (found?.version ?? 0) + 1, value };
  await store.commit({ write: [{ table: markTable, id: backupMark, expect: found?.version ?? null, put }] });
}

/** Of which backup a directory is, not held against its MAC: only to know what not to touch. */
export interface NamedBackup {
  readonly side: BackupSide;
  readonly state: string;
  readonly clusterId: string | undefined;
  readonly rootKeyKid: string | undefined;
}

/** @returns undefined where no backup was finished */
export async function namedBackup(store: StateStore): Promise<NamedBackup | undefined> {
  const text = textIn(await store.get(markTable, backupMark))?.text;
  const value: unknown = text === undefined ? undefined : JSON.parse(text);
  if (!isJsonObject(value)) return undefined;
  const { side, state, cluster, rootKeyKid: kid } = value;
  if ((side !== 'a' && side !== 'b') || typeof state !== 'string') return undefined;
  const clusterId = isJsonObject(cluster) ? cluster['clusterId'] : undefined;
  return {
    ...{ side, state, clusterId: typeof clusterId === 'string' ? clusterId : undefined },
    rootKeyKid: typeof kid === 'string' ? kid : undefined,
  };
}

/** @throws MoveError for what is no backup, for one of another root key, and for one whose manifest was changed */
export async function readManifest(store: StateStore, rootKey: RootKey, name: string): Promise<BackupManifest> {
  const found = await store.get(markTable, backupMark);
  if (found === undefined) throw new MoveError(`${name} holds no backup that was finished.`);
  const { text, mac } = textIn(found) ?? {};
  // Another version may make its MAC in another way.
  if (text !== undefined && formatIn(text) > format)
    throw new MoveError(`The backup in ${name} was made by a newer Kustody.`);
  if (text === undefined || mac === undefined || !isMac(text, mac, rootKey))
    throw new MoveError(
      `The root key is not the one of the backup in ${name}, or what the backup says of itself was changed.`,
    );
  return JSON.parse(text) as BackupManifest; // only our own code makes the MAC
}

function textIn(found: StoredRecord | undefined): { readonly text: string; readonly mac: string } | undefined {
  if (found === undefined || found.value.byteLength > manifestBytesMax) return undefined;
  const value: unknown = JSON.parse(Buffer.from(found.value).toString());
  const { text, mac } = isJsonObject(value) ? value : {};
  return typeof text === 'string' && typeof mac === 'string' ? { text, mac } : undefined;
}

function formatIn(text: string): number {
  const value: unknown = JSON.parse(text);
  const found = isJsonObject(value) ? value['format'] : undefined;
  return typeof found === 'number' ? found : 0;
}

function isMac(text: string, mac: string, rootKey: RootKey): boolean {
  const [sent, ours] = [Buffer.from(mac, 'hex'), macOf(text, rootKey)];
  return sent.length === ours.length && timingSafeEqual(sent, ours);
}

function macOf(text: string, rootKey: RootKey): Buffer {
  const key = rootKey.derive('backup manifest 2');
  try {
    return createHmac('sha256', key).update(text).digest();
  } finally {
    zeroBytes(key);
  }
}
