import Database from 'libsql';
import { constants, createPrivateKey, privateDecrypt } from 'node:crypto';
import { join } from 'node:path';
import { fromBase64Url } from '../../src/base/base64url.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { ClusterKey } from '../../src/encryption/cluster-key.ts';
import type { ClusterKeyRecord } from '../../src/encryption/cluster-key-state.ts';
import { clusterKeyTable } from '../../src/encryption/cluster-key-state.ts';
import { stateTables } from '../../src/server/state-tables.ts';
import { openRootKeyFile } from '../../src/state/root-key.ts';
import { SealedRecordError } from '../../src/state/record-seal.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';

interface Loot {
  readonly clusters: readonly ClusterKeyRecord[];
  /** Every text of every record, opened with the root key. */
  readonly texts: readonly string[];
}

/** What lies open to whoever has copied a whole data directory, `root.key` included. No server works on it. */
export async function openLoot(directory: string): Promise<Loot> {
  const database = new Database(join(directory, 'state.db'));
  const tables = (database.prepare('SELECT DISTINCT tab FROM record').all() as { tab: string }[]).map(({ tab }) => tab);
  database.close();
  const store = SqliteStateStore.open(directory);
  const rootKey = openRootKeyFile(join(directory, 'root.key'), systemRandomBytes);
  const state = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes, tables: stateTables });
  try {
    const clusters = (await state.list(clusterKeyTable)).map(({ value }) => value);
    const texts = new Set<string>();
    for (const name of tables) {
      // Records about the seals themselves are of another form, and hold no key.
      const records = await state.list({ name, parse: (json) => json }).catch((error: unknown) => {
        if (error instanceof SealedRecordError) return [];
        throw error;
      });
      for (const { value } of records) collectTexts(value, texts);
    }
    return { clusters, texts: [...texts] };
  } finally {
    await state.close();
    await store.close();
  }
}

function collectTexts(value: unknown, into: Set<string>): void {
  if (typeof value === 'string') into.add(value);
  else if (typeof value === 'object' && value !== null)
    for (const part of Object.values(value)) collectTexts(part, into);
}

/** Tries everything that any of the loot holds on the cluster keys of the first.
 * @returns how many private keys there were to try, and how many cluster keys opened */
export function openClusterKeys([first, ...others]: readonly [Loot, ...Loot[]]) {
  const texts = [first, ...others].flatMap((loot) => loot.texts);
  const values = texts
    .flatMap((text) => fromBase64Url(text) ?? [])
    .concat(texts.map((text) => Buffer.from(text, 'base64')));
  const privateKeys = values.flatMap((der) => privateKeyOf(Buffer.from(der)) ?? []);
  const opened = first.clusters.filter((cluster) => {
    const wrapped = Buffer.from(fromBase64Url(cluster.wrapped) ?? []);
    const found = privateKeys.flatMap((key) => unwrapped(key, wrapped) ?? []);
    return [...values, ...found].some((bytes) => isKeyOf(cluster, bytes));
  });
  return { privateKeys: privateKeys.length, clusters: first.clusters.length, opened: opened.length };
}

function privateKeyOf(der: Buffer) {
  if (der.byteLength < 500 || der[0] !== 0x30) return undefined;
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } catch {
    return undefined;
  }
}

function unwrapped(key: ReturnType<typeof createPrivateKey>, wrapped: Buffer): Buffer | undefined {
  try {
    return privateDecrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }, wrapped);
  } catch {
    return undefined;
  }
}

function isKeyOf(cluster: ClusterKeyRecord, bytes: Uint8Array): boolean {
  if (bytes.byteLength !== 32) return false;
  const check = ClusterKey.from(cluster.clusterId, Uint8Array.from(bytes)).derive('check');
  return check.toString('base64url') === cluster.check;
}
