import { equalBytes } from '../base/bytes.ts';
import type { JsonObject } from '../base/json.ts';
import { isJsonObject, textMember } from '../base/json.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { formatKeyId, parseVersionedKeyId } from '../base/key-id.ts';
import { RootKeyError } from '../state/root-key.ts';
import { stateIdOf } from '../state/sealed/check-record.ts';
import type { StateStore, StoredRecord } from '../state/state-store.ts';
import { StateConflictError } from '../state/state-store.ts';
import { SqliteStateStore } from '../state/sqlite/sqlite-state-store.ts';
import { checkTable } from '../state/tree/build-trees.ts';
import { hasNoState } from './emptied-state.ts';
import type { StatePlace } from './state-place.ts';

/** Beside the check of the state, and like it in no digest: whoever has no key must read it. The wrapped key is no secret without the vault. */
const place = { table: checkTable, id: 'root key in a vault' };
const algorithm = 'RSA-OAEP-256';
/** Of RSA keys of 2048, 3072 and 4096 bits. */
const wrappedLengths = [256, 384, 512];
const recordBytesMax = 2_048;

/** Where the state is. */
export interface KeyPlace {
  readonly dataDirectory: string;
  readonly statePlace?: StatePlace;
  /** How it is found where it lies elsewhere than in the state of this place, as in a backup. */
  readonly find?: () => Promise<FoundWrapped>;
}

/** A root key as the state has it. */
export interface WrappedRootKey {
  readonly kid: VersionedKeyId;
  readonly wrapped: Uint8Array;
}

/** Whoever writes where the state lies can have written it: of what it says nothing is done, asked or repeated that is not of its form.
 * @throws RootKeyError */
export function readWrapped({ value }: StoredRecord): WrappedRootKey {
  const said = value.byteLength <= recordBytesMax ? parsedObject(value) : undefined;
  const [kid, by] = [parseVersionedKeyId(textMember(said, 'kid')), textMember(said, 'algorithm')];
  const wrapped = Buffer.from(textMember(said, 'wrapped'), 'base64');
  if (kid === undefined || by !== algorithm || !wrappedLengths.includes(wrapped.byteLength))
    throw new RootKeyError(`The record ${place.table}/${place.id} is no root key that Kustody has wrapped.`);
  return { kid, wrapped };
}

export function wrappedRecord({ kid, wrapped }: WrappedRootKey): StoredRecord {
  const said = { kid: formatKeyId(kid), algorithm, wrapped: Buffer.from(wrapped).toString('base64') };
  return { ...place, version: 1, value: Buffer.from(JSON.stringify(said)) };
}

function parsedObject(value: Uint8Array): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    return isJsonObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

export interface FoundWrapped {
  readonly record: StoredRecord | undefined;
  /** Some root key has sealed something there. */
  readonly isSealed: boolean;
}

/** As it lies there, before anybody has the state open. */
export async function findWrapped({ dataDirectory, statePlace, find }: KeyPlace): Promise<FoundWrapped> {
  if (find !== undefined) return find();
  if (statePlace !== undefined) {
    const { readStateRecord } = await import('../state/postgres/ask-state.ts');
    return wrappedAmong({
      get: (table, id) => readStateRecord(statePlace.address, statePlace.password, { table, id }),
    });
  }
  if (hasNoState(dataDirectory)) return { record: undefined, isSealed: false };
  const store = SqliteStateStore.open(dataDirectory);
  try {
    return await wrappedAmong(store);
  } finally {
    await store.close();
  }
}

/** Among the records of a state. In this order: a state is sealed when its record is there. */
export async function wrappedAmong(store: Pick<StateStore, 'get'>): Promise<FoundWrapped> {
  const isSealed = (await stateIdOf(store)) !== undefined;
  return { isSealed, record: await store.get(place.table, place.id) };
}

/** Of a state that several nodes start with at once: each has the same one when this resolves. @returns the one that lies there */
export async function claimWrapped({ address, password }: StatePlace, record: StoredRecord): Promise<StoredRecord> {
  const { claimStateRecord } = await import('../state/postgres/claim-record.ts');
  return claimStateRecord(address, password, record);
}

/** Durable when it resolves; one that is there already is the same. @throws RootKeyError when somebody has made another one */
export async function keepWrapped(store: StateStore, record: StoredRecord): Promise<void> {
  const there = await store.get(place.table, place.id);
  if (there !== undefined && equalBytes(there.value, record.value)) return;
  const put = { version: record.version, value: record.value };
  try {
    await store.commit({ write: [{ ...place, expect: null, put }] });
  } catch (error) {
    if (!(error instanceof StateConflictError)) throw error;
    throw new RootKeyError('Another node has made the root key of this state meanwhile: start this one again.');
  }
}

/** The same root key, wrapped by another key, in the place of the record that was read: durable when it resolves, and then nobody needs the key
 * that had wrapped it. Of several that do so at once one has done it, and all have it done. No replaced one is left in a file of the state.
 * @throws WrappedMeanwhileError when it is another record by now */
export async function replaceWrapped(store: StateStore, before: StoredRecord, next: StoredRecord): Promise<void> {
  const there = await store.get(place.table, place.id);
  if (there !== undefined && wrapperOf(there) === wrapperOf(next)) return;
  if (there === undefined || !equalBytes(there.value, before.value)) throw new WrappedMeanwhileError();
  const put = { version: there.version + 1, value: next.value };
  await store.commit({ write: [{ ...place, expect: there.version, put }] });
  await store.compact();
}

/** Between reading the record and replacing it. */
export class WrappedMeanwhileError extends RootKeyError {
  constructor() {
    super('The root key of this state was wrapped anew, or taken out of it, meanwhile: give the same command again.');
  }
}

/** The full kid of the key that has wrapped it. @throws RootKeyError */
export const wrapperOf = (record: StoredRecord): string => formatKeyId(readWrapped(record).kid);

/** As a state says that is open, or is about to be: for people, who are told which vault it takes. @returns undefined: none has wrapped it */
export async function wrapperIn(store: Pick<StateStore, 'get'>): Promise<string | undefined> {
  const record = await store.get(place.table, place.id);
  return record && wrapperOf(record);
}

/** For whoever has named neither it nor a root key. */
export const inVaultOnly = (place: string, kid: string): string =>
  `The root key of ${place} is kept elsewhere: it lies in its state, wrapped by ${kid}. Commands that take --root-key-vault need that kid there and the vault in --vault. For others, go back to a root key of your own: start it with that in KUSTODY_ROOT_KEY and with --old-root-key-vault, then 'kustody root-key rotate'.`;

/** Of a root key that seals nothing any more, or nothing yet. */
export async function dropWrapped(store: StateStore): Promise<void> {
  const there = await store.get(place.table, place.id);
  if (there !== undefined) await store.commit({ write: [{ ...place, expect: there.version, put: null }] });
}
