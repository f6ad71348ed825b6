import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Json } from '../../src/base/json.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { rootKeyFileName } from '../../src/server/data-directory-names.ts';
import { rootKeysOf } from '../../src/server/root-key-beside.ts';
import { stateTables } from '../../src/server/state-tables.ts';
import { RecordSeal } from '../../src/state/record-seal.ts';
import { parseRootKey, RootKey } from '../../src/state/root-key.ts';
import { nextRootKeyPath, oldRootKeyPath } from '../../src/state/root-key-files.ts';
import { stateIdOf } from '../../src/state/sealed/check-record.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import type { Table } from '../../src/state/state.ts';
import { writeRecord } from '../../src/state/state.ts';
import { placeOfCopy } from '../../src/state/tree/tree-records.ts';
import { makeInstance, movedClusters } from './moved-instance.ts';

export const [oldKey, newKey] = ['0a', '0b'].map((byte) => byte.repeat(32)) as [string, string];
export const keyOf = (hex: string): RootKey => parseRootKey(hex);

const catalog: Table<Json> = { name: 'cluster-catalog', parse: (value) => value };

/** An instance with some hundred records, so that they take several commits. @param rootKey kept elsewhere; without it a file is made */
export async function makeRotated(directory: string, rootKey?: string): Promise<void> {
  await makeInstance(directory, rootKey === undefined ? undefined : keyOf(rootKey));
  const key = rootKey ?? readFileSync(join(directory, rootKeyFileName), 'utf8');
  const sealed = await SealedState.open({
    ...{ store: SqliteStateStore.open(directory), rootKey: keyOf(key) },
    ...{ randomBytes: systemRandomBytes, tables: stateTables },
  });
  const names = movedClusters.flatMap((id) => Array.from({ length: 130 }, (_, n) => `${id}/more/${n}`));
  await sealed.commit({ write: names.map((id, n) => writeRecord<Json>(catalog, id, null, { n })) });
  await sealed.close();
}

/** What a start reads: every record, opened. @param keys as a start is given them */
export async function openedWith(
  directory: string,
  keys: { readonly rootKey?: RootKey; readonly oldRootKey?: RootKey } = {},
): Promise<Readonly<Record<string, Json>>> {
  const store = SqliteStateStore.open(directory);
  try {
    const sealed = await SealedState.open({
      ...{ store, ...(await rootKeysOf({ ...keys, dataDirectory: directory }, store)) },
      ...{ randomBytes: systemRandomBytes, tables: stateTables },
    });
    const found: Record<string, Json> = {};
    for (const name of ['instance', 'cluster-keys', 'cluster-catalog'])
      for (const { id, version, value } of await sealed.list<Json>({ name, parse: (read) => read }))
        found[`${name}/${id}`] = { version, value };
    return found;
  } finally {
    await store.close();
  }
}

/** Names of the records that a root key opens, whatever the digests say of them: those of the digests with them. */
export async function sealedUnder(directory: string, rootKey: RootKey): Promise<readonly string[]> {
  const store = SqliteStateStore.open(directory);
  const seal = new RecordSeal(rootKey, Buffer.from((await stateIdOf(store)) ?? '', 'hex'), systemRandomBytes);
  const found: string[] = [];
  for (const table of await store.tables())
    for (const record of await store.list(table))
      if (seal.isCurrent(placeOfCopy(record))) found.push(`${table}/${record.id}`);
  await store.close();
  return found;
}

/** Files of root keys that are there, by what they hold. */
export function rootKeyFiles(directory: string): Readonly<Record<string, string>> {
  const path = join(directory, rootKeyFileName);
  const there = [path, nextRootKeyPath(path), oldRootKeyPath(path)].filter((one) => existsSync(one));
  return Object.fromEntries(there.map((one) => [one.slice(directory.length + 1), readFileSync(one, 'utf8').trim()]));
}

export const copyInstance = (from: string, to: string): void => cpSync(from, to, { recursive: true });
