import { equalBytes, zeroBytes } from '../base/bytes.ts';
import type { JsonObject } from '../base/json.ts';
import { isJsonObject, textMember } from '../base/json.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { formatKeyId, parseVersionedKeyId } from '../base/key-id.ts';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import { createVaultKeyWrapper } from '../cluster/process/vault-key-wrapper.ts';
import { rootKeyIdentity } from '../cluster/supervisor/outside-vaults/outside-vault.ts';
import { createOutsideVaults } from '../cluster/supervisor/outside-vaults/outside-vaults.ts';
import type { KeyFailure, KeyWrapper } from '../encryption/key-wrapper.ts';
import { RootKey, rootKeyBytes, RootKeyError } from '../state/root-key.ts';
import type { StateStore, StoredRecord } from '../state/state-store.ts';
import { StateConflictError } from '../state/state-store.ts';
import { checkTable } from '../state/tree/build-trees.ts';
import { SqliteStateStore } from '../state/sqlite/sqlite-state-store.ts';
import { hasNoState } from './emptied-state.ts';
import type { ServerSettings } from './settings.ts';

/** Beside the check of the state, and like it in no digest: whoever has no key must read it. The wrapped key is no secret without the vault. */
const place = { table: checkTable, id: 'root key in a vault' };
const algorithm = 'RSA-OAEP-256';
/** Of RSA keys of 2048, 3072 and 4096 bits. */
const wrappedLengths = [256, 384, 512];
const recordBytesMax = 2_048;

export interface RootKeyInVault {
  readonly rootKey: RootKey;
  /** Makes it durable, wrapped, where the state is; before anything is sealed under it. @throws RootKeyError when another node has made one */
  keep(store: StateStore): Promise<void>;
}

type Settings = Pick<ServerSettings, 'dataDirectory' | 'statePlace' | 'outsideVaults' | 'keys'>;

/** The root key of a state that is kept in it, wrapped by a key in a vault outside: 32 random bytes, which lie nowhere in the clear. A state
 * that has none gets one.
 * @throws RootKeyError naming vault, key and cause when the vault does not unwrap it, or another key has wrapped it */
export async function openRootKeyInVault(kid: VersionedKeyId, settings: Settings): Promise<RootKeyInVault> {
  const wrapper = wrapperOf(kid, settings);
  const record = await readRecord(settings);
  if (record !== undefined) {
    const rootKey = await unwrapped(wrapper, kid, wrappedIn(record, kid));
    return { rootKey, keep: () => Promise.resolve() };
  }
  const bytes = systemRandomBytes(rootKeyBytes);
  try {
    const wrapped = await wrapVerified(wrapper, kid, bytes);
    return { rootKey: new RootKey(bytes), keep: once((store) => write(store, kid, wrapped)) };
  } finally {
    zeroBytes(bytes);
  }
}

/** @returns what the vault has wrapped, and gives back as it was */
async function wrapVerified(wrapper: KeyWrapper, kid: VersionedKeyId, bytes: Uint8Array): Promise<Uint8Array> {
  const made = await wrapper.wrap(account, kid, bytes);
  if (made.outcome === 'failed') throw unusable(kid, made);
  const back = await wrapper.unwrap(account, kid, made.wrapped);
  if (back.outcome === 'failed') throw unusable(kid, back);
  const isSame = equalBytes(back.plaintext, bytes);
  zeroBytes(back.plaintext);
  if (!isSame) throw new RootKeyError(`The vault gave back another key than ${formatKeyId(kid)} has wrapped.`);
  return made.wrapped;
}

/** No identity of the instance, which has not begun: credentials stand for it by a name of its own, or for all that no other stands for. */
const account = newGuid(systemRandomBytes);

function wrapperOf(kid: VersionedKeyId, { outsideVaults = [], keys }: Settings): KeyWrapper {
  if (!outsideVaults.some(({ host }) => host === kid.vaultHost))
    throw new RootKeyError(`The vault ${kid.vaultHost} of the root key is not named with --vault: it is one outside.`);
  const timeoutMs = keys.vaultTimeoutMs;
  const findIdentity = () => Promise.resolve({ resourceId: rootKeyIdentity, enabled: true });
  const vaults = createOutsideVaults({ vaults: outsideVaults, findIdentity, timeoutMs });
  return createVaultKeyWrapper({
    access: {
      resolve: (host) => {
        const found = vaults.resolve(host);
        return Promise.resolve(found === undefined ? { where: 'absent' } : { where: 'outside', route: found.route });
      },
      token: (identity, host, target) =>
        vaults.resolve(host)?.mintToken(identity, target) ??
        Promise.resolve({ outcome: 'refused', reason: `Nobody has named ${host}.` }),
    },
    timeoutMs,
  });
}

async function unwrapped(wrapper: KeyWrapper, kid: VersionedKeyId, wrapped: Uint8Array): Promise<RootKey> {
  const found = await wrapper.unwrap(account, kid, wrapped);
  if (found.outcome === 'failed') throw unusable(kid, found);
  try {
    if (found.plaintext.byteLength !== rootKeyBytes)
      throw new RootKeyError(`What ${formatKeyId(kid)} has wrapped is no root key.`);
    return new RootKey(found.plaintext);
  } finally {
    zeroBytes(found.plaintext);
  }
}

const unusable = (kid: VersionedKeyId, { cause, message }: KeyFailure): RootKeyError =>
  new RootKeyError(`The root key is wrapped by ${formatKeyId(kid)}, which cannot be used (${cause}): ${message}`);

/** Whoever writes where the state lies can have written it: of what it says nothing is done, asked or repeated that is not of its form. */
function wrappedIn({ value }: StoredRecord, kid: VersionedKeyId): Buffer {
  const said = value.byteLength <= recordBytesMax ? parsedObject(value) : undefined;
  const [of, by] = [parseVersionedKeyId(textMember(said, 'kid')), textMember(said, 'algorithm')];
  const wrapped = Buffer.from(textMember(said, 'wrapped'), 'base64');
  if (of === undefined || by !== algorithm || !wrappedLengths.includes(wrapped.byteLength))
    throw new RootKeyError(`The record ${place.table}/${place.id} is no root key that Kustody has wrapped.`);
  if (formatKeyId(of) !== formatKeyId(kid))
    throw new RootKeyError(
      `The root key of this state is wrapped by ${formatKeyId(of)}, and not by ${formatKeyId(kid)}.`,
    );
  return wrapped;
}

function parsedObject(value: Uint8Array): JsonObject | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(value).toString('utf8'));
    return isJsonObject(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

async function write(store: StateStore, kid: VersionedKeyId, wrapped: Uint8Array): Promise<void> {
  const said = { kid: formatKeyId(kid), algorithm, wrapped: Buffer.from(wrapped).toString('base64') };
  const put = { version: 1, value: Buffer.from(JSON.stringify(said)) };
  try {
    await store.commit({ write: [{ ...place, expect: null, put }] });
  } catch (error) {
    if (!(error instanceof StateConflictError)) throw error;
    throw new RootKeyError('Another node has made the root key of this state meanwhile: start this one again.');
  }
}

async function readRecord({ dataDirectory, statePlace }: Settings): Promise<StoredRecord | undefined> {
  if (statePlace !== undefined) {
    const { readStateRecord } = await import('../state/postgres/ask-state.ts');
    return readStateRecord(statePlace.address, statePlace.password, place);
  }
  if (hasNoState(dataDirectory)) return undefined;
  const store = SqliteStateStore.open(dataDirectory);
  try {
    return await store.get(place.table, place.id);
  } finally {
    await store.close();
  }
}

function once(work: (store: StateStore) => Promise<void>): (store: StateStore) => Promise<void> {
  let done: Promise<void> | undefined;
  return (store) => (done ??= work(store));
}
