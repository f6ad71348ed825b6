import { invariant } from '../../base/invariant.ts';
import type { RandomBytes } from '../../base/random.ts';
import { RecordSeal } from '../record-seal.ts';
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
      `The root key does not open this state (record ${check.table}/${check.id}). Give the key that the data directory was made with, or the one that 'kustody root-key rotate' has put in its place; if this is that key, the record was damaged.`,
    );
  }
}

/** A part of the state is still sealed under the root key of before. */
export class ResealingError extends Error {
  override readonly name = 'ResealingError';
  constructor() {
    super(
      "The records of this state are being sealed under this root key, and some are still under the one before. Give that one, too, in KUSTODY_OLD_ROOT_KEY or by --old-root-key-fd, until 'kustody root-key rotate' has come to its end.",
    );
  }
}

export interface CheckParts {
  readonly store: StateStore;
  readonly rootKey: RootKey;
  /** While one root key takes the place of another: the other of the two, whichever it is. */
  readonly otherRootKey?: RootKey | undefined;
  readonly randomBytes: RandomBytes;
}

export interface OpenedCheck {
  readonly seal: RecordSeal;
  readonly storeId: Buffer;
  readonly version: number;
  /** The one that seals. */
  readonly rootKey: RootKey;
  /** What records may be sealed under besides. */
  readonly oldRootKey?: RootKey | undefined;
  readonly randomBytes: RandomBytes;
}

/** While records are re-sealed the check is sealed for another place: so a version that knows nothing of this, and has the new root key alone,
 * finds a wrong key and not a damaged state. */
const resealingPlace = { ...check, id: 'check while resealing' };

/** @throws WrongRootKeyError, ResealingError when a key is missing that records are sealed under */
export async function openCheck(parts: CheckParts): Promise<OpenedCheck> {
  const { store, rootKey, randomBytes } = parts;
  const record = (await store.get(check.table, check.id)) ?? (await createCheck(store, rootKey, randomBytes));
  return openedFrom(record, parts);
}

/** Why a node that waits could not open the state that another serves, in words. */
export async function whyClosed(
  store: Pick<StateStore, 'get'>,
  parts: Omit<CheckParts, 'store'>,
): Promise<string | undefined> {
  const record = await store.get(check.table, check.id);
  try {
    if (record !== undefined) openedFrom(record, parts).seal.close();
    return undefined;
  } catch (error) {
    if (error instanceof WrongRootKeyError || error instanceof ResealingError) return error.message;
    throw error;
  }
}

function openedFrom(
  record: StoredRecord,
  { rootKey, otherRootKey, randomBytes }: Omit<CheckParts, 'store'>,
): OpenedCheck {
  const { version } = record;
  const storeId = Buffer.from(record.value.subarray(0, storeIdBytes));
  const value = record.value.subarray(storeIdBytes);
  for (const one of otherRootKey === undefined ? [rootKey] : [rootKey, otherRootKey]) {
    const seal = new RecordSeal(one, storeId, randomBytes);
    if (seal.isCurrent({ ...check, version, value })) return { seal, storeId, version, rootKey: one, randomBytes };
    if (!seal.isCurrent({ ...resealingPlace, version, value })) {
      seal.close();
      continue;
    }
    const { from } = JSON.parse(seal.open({ ...resealingPlace, version, value }).toString()) as { from?: string };
    const oldRootKey = [rootKey, otherRootKey].find((other) => other?.nameFor(storeId) === from);
    if (oldRootKey === undefined) throw new ResealingError();
    seal.openAlso(oldRootKey);
    return { seal, storeId, version, rootKey: one, oldRootKey, randomBytes };
  }
  throw new WrongRootKeyError();
}

/** From here on the old root key alone opens nothing, and both together everything. Durable when it resolves. */
export async function beginResealing(store: StateStore, opened: OpenedCheck, next: RootKey): Promise<OpenedCheck> {
  const { storeId, version, rootKey, seal } = opened;
  invariant(opened.oldRootKey === undefined, 'one root key takes the place of another at a time');
  const from = Buffer.from(JSON.stringify({ from: rootKey.nameFor(storeId) }));
  await rewriteCheck(store, opened, sealedBy(next, opened, { ...resealingPlace, version, value: from }));
  seal.sealUnder(next);
  return { ...opened, rootKey: next, oldRootKey: rootKey };
}

/** Nothing that counts is sealed under the old root key any more. From here on the new one alone opens everything. Durable when it resolves. */
export async function endResealing(store: StateStore, opened: OpenedCheck): Promise<OpenedCheck> {
  const { seal, version } = opened;
  await rewriteCheck(store, opened, seal.seal({ ...check, version, value: Buffer.from('{}') }));
  seal.forgetOthers();
  return { ...opened, oldRootKey: undefined };
}

/** By a seal of its own: the one of the state changes its key when this is durable, and not before. */
function sealedBy(
  rootKey: RootKey,
  { storeId, randomBytes }: OpenedCheck,
  record: Parameters<RecordSeal['seal']>[0],
): Buffer {
  const seal = new RecordSeal(rootKey, storeId, randomBytes);
  const sealed = seal.seal(record);
  seal.close();
  return sealed;
}

const rewriteCheck = (store: StateStore, { storeId, version }: OpenedCheck, sealed: Buffer): Promise<void> =>
  store.commit({
    write: [{ ...check, expect: version, put: { version, value: Buffer.concat([storeId, sealed]) } }],
    reseals: true,
  });

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
