import type { RandomBytes } from '../../base/random.ts';
import { RecordSeal, SealedRecordError } from '../record-seal.ts';
import type { RootKey } from '../root-key.ts';
import type { StateStore, StoredRecord } from '../state-store.ts';
import { StateConflictError } from '../state-store.ts';
import type { BuildParts } from '../tree/build-trees.ts';
import { buildTrees, checkTable } from '../tree/build-trees.ts';
import { TreeRecords } from '../tree/tree-records.ts';
import type { Heads } from '../tree/tree-state.ts';

const storeIdBytes = 16;
const check = { table: checkTable, id: 'check' };
/** Versions of the check record: a state without digest trees, and one with. */
export const checkVersions = { withoutTrees: 1, withTrees: 2 } as const;

/** Whether a root key has sealed something in the store: then no other will do. */
export const isSealed = async (store: StateStore): Promise<boolean> =>
  (await store.get(check.table, check.id)) !== undefined;

/** Hex: what was drawn when the state was made, and goes with it wherever its records are copied. No secret.
 * @returns undefined for a store that holds no sealed state */
export async function stateIdOf(store: Pick<StateStore, 'get'>): Promise<string | undefined> {
  const record = await store.get(check.table, check.id);
  return record && Buffer.from(record.value.subarray(0, storeIdBytes)).toString('hex');
}

/** The root key is not the one that this state was sealed with. */
export class WrongRootKeyError extends Error {
  override readonly name = 'WrongRootKeyError';
  constructor() {
    super(
      `The root key does not open this state (record ${check.table}/${check.id}). Give the key that the data directory was made with; if this is that key, the record was damaged.`,
    );
  }
}

interface CheckParts {
  readonly store: StateStore;
  readonly rootKey: RootKey;
  readonly randomBytes: RandomBytes;
}

export interface OpenedCheck {
  readonly seal: RecordSeal;
  readonly storeId: Uint8Array;
  readonly version: number;
}

/** @throws WrongRootKeyError */
export async function openCheck({ store, rootKey, randomBytes }: CheckParts): Promise<OpenedCheck> {
  const record = (await store.get(check.table, check.id)) ?? (await createCheck(store, rootKey, randomBytes));
  const storeId = Buffer.from(record.value.subarray(0, storeIdBytes));
  const seal = new RecordSeal(rootKey, storeId, randomBytes);
  try {
    seal.open({ ...check, version: record.version, value: record.value.subarray(storeIdBytes) });
  } catch (error) {
    throw error instanceof SealedRecordError ? new WrongRootKeyError() : error;
  }
  return { seal, storeId, version: record.version };
}

/** Order: trees and top → the check record says that there are trees. A crash before that leaves a state that has none. */
export async function withNewTrees(
  parts: BuildParts,
  { seal, storeId, version }: OpenedCheck,
  counter: number,
  isFirst: boolean,
): Promise<Heads> {
  const heads = await buildTrees(parts, counter, isFirst);
  if (version !== checkVersions.withTrees) {
    const next = checkVersions.withTrees;
    const write = { ...check, expect: version, put: { version: next, value: checkValue(seal, storeId, next) } };
    await parts.store.commit({ write: [write] });
  }
  return heads;
}

const checkValue = (seal: RecordSeal, storeId: Uint8Array, version: number): Buffer =>
  Buffer.concat([storeId, seal.seal({ ...check, version, value: Buffer.from('{}') })]);

/** A new state has its empty top from the first commit on. */
async function createCheck(store: StateStore, rootKey: RootKey, randomBytes: RandomBytes): Promise<StoredRecord> {
  const storeId = Buffer.from(randomBytes(storeIdBytes));
  const seal = new RecordSeal(rootKey, storeId, randomBytes);
  const version = checkVersions.withTrees;
  const value = checkValue(seal, storeId, version);
  const { writes } = new TreeRecords(store, seal).sealTop(undefined, 1, { next: 1, anchored: false, lineage: [] });
  seal.close();
  try {
    await store.commit({ write: [{ ...check, expect: null, put: { version, value } }, ...writes] });
    return { ...check, version, value };
  } catch (error) {
    // Another process of a team server was faster: its record counts.
    const theirs = error instanceof StateConflictError ? await store.get(check.table, check.id) : undefined;
    if (theirs === undefined) throw error;
    return theirs;
  }
}
