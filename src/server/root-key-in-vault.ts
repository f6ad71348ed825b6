import { equalBytes, zeroBytes } from '../base/bytes.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { formatKeyId } from '../base/key-id.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { KeyFailure } from '../encryption/key-wrapper.ts';
import { RootKey, rootKeyBytes, RootKeyError } from '../state/root-key.ts';
import type { StateStore, StoredRecord } from '../state/state-store.ts';
import type { RootKeyVaults, WrappingKey } from './root-key-wrapper.ts';
import { wrappingKeyOf } from './root-key-wrapper.ts';
import type { KeyPlace } from './wrapped-root-key.ts';
import { claimWrapped, dropWrapped, findWrapped, keepWrapped, readWrapped, wrappedRecord } from './wrapped-root-key.ts';

export interface RootKeyInVault {
  readonly rootKey: RootKey;
  /** It is durable, wrapped, where the state is; before anything is sealed under it. @throws RootKeyError when another node has made one */
  keep(store: StateStore): Promise<void>;
  /** It will not be used. */
  drop(store: StateStore): Promise<void>;
}

/** The root key of a state that is kept in it, wrapped by a key in a vault outside: 32 random bytes, which lie nowhere in the clear. A state
 * that has none gets one. Nodes that prove themselves by it have to agree on it before any of them serves: where several can start, it is there
 * at once.
 * @throws RootKeyError naming vault, key and cause when the vault does not unwrap it, or another key has wrapped it */
export async function openRootKeyInVault(
  key: WrappingKey,
  at: KeyPlace & {
    /** Another root key is given, or beside the data, whose place it takes. */
    readonly hasOther: boolean;
  },
): Promise<RootKeyInVault> {
  const { record, isSealed } = await findWrapped(at);
  if (record !== undefined) return opened(key, record);
  if (isSealed && !at.hasOther) throw new RootKeyError(sealedAlready);
  return made(key, at);
}

const sealedAlready =
  "This state is sealed under a root key that no vault has wrapped. Give that one, too, in KUSTODY_OLD_ROOT_KEY or by --old-root-key-fd, and let 'kustody root-key rotate' put the other in its place.";

/** The one that a state has, to be left. @throws RootKeyError, also when there is none */
export async function openOldRootKeyInVault(key: WrappingKey, at: KeyPlace): Promise<RootKey> {
  const { record } = await findWrapped(at);
  if (record === undefined)
    throw new RootKeyError(
      'No key in a vault has wrapped a root key of this state: leave out --old-root-key-vault, or give the old root key itself.',
    );
  return (await opened(key, record)).rootKey;
}

async function made(key: WrappingKey, { statePlace }: KeyPlace): Promise<RootKeyInVault> {
  const bytes = systemRandomBytes(rootKeyBytes);
  try {
    const record = wrappedRecord({ kid: key.kid, wrapped: await wrapVerified(key, bytes) });
    const there = statePlace && (await claimWrapped(statePlace, record));
    if (there !== undefined && !equalBytes(there.value, record.value)) return await opened(key, there);
    return { rootKey: new RootKey(bytes), keep: (store) => keepWrapped(store, record), drop: dropWrapped };
  } finally {
    zeroBytes(bytes);
  }
}

async function opened({ kid, wrapper, identity }: WrappingKey, record: StoredRecord): Promise<RootKeyInVault> {
  const { kid: by, wrapped } = readWrapped(record);
  const [is, given] = [by, kid].map(formatKeyId);
  if (is !== given) throw new RootKeyError(`The root key of this state is wrapped by ${is}, and not by ${given}.`);
  const found = await wrapper.unwrap(identity, kid, wrapped);
  if (found.outcome === 'failed') throw unusable({ kid }, found);
  try {
    if (found.plaintext.byteLength !== rootKeyBytes)
      throw new RootKeyError(`What ${formatKeyId(kid)} has wrapped is no root key.`);
    return { rootKey: new RootKey(found.plaintext), keep: (store) => keepWrapped(store, record), drop: dropWrapped };
  } finally {
    zeroBytes(found.plaintext);
  }
}

/** @returns what the vault has wrapped, and gives back as it was */
async function wrapVerified({ kid, wrapper, identity }: WrappingKey, bytes: Uint8Array): Promise<Uint8Array> {
  const wrapped = await wrapper.wrap(identity, kid, bytes);
  if (wrapped.outcome === 'failed') throw unusable({ kid }, wrapped);
  const back = await wrapper.unwrap(identity, kid, wrapped.wrapped);
  if (back.outcome === 'failed') throw unusable({ kid }, back);
  const isSame = equalBytes(back.plaintext, bytes);
  zeroBytes(back.plaintext);
  if (!isSame) throw new RootKeyError(`The vault gave back another key than ${formatKeyId(kid)} has wrapped.`);
  return wrapped.wrapped;
}

const unusable = ({ kid }: Pick<WrappingKey, 'kid'>, { cause, message }: KeyFailure): RootKeyError =>
  new RootKeyError(`The root key is wrapped by ${formatKeyId(kid)}, which cannot be used (${cause}): ${message}`);

export interface KeysInVaults {
  readonly now: RootKeyInVault | undefined;
  readonly keys: { readonly rootKey?: RootKey; readonly oldRootKey?: RootKey };
  /** Once nothing is sealed under the old one: takes it out of the state. Undefined: it is not there. */
  readonly forgetOld: ((store: StateStore) => Promise<void>) | undefined;
}

/** Both root keys of a start, as far as vaults have wrapped them. @throws RootKeyError */
export async function keysInVaults(
  settings: KeyPlace &
    RootKeyVaults & {
      readonly rootKeyVault?: VersionedKeyId;
      readonly oldRootKeyVault?: VersionedKeyId;
      readonly oldRootKey?: RootKey;
    },
): Promise<KeysInVaults> {
  const { rootKeyVault, oldRootKeyVault, oldRootKey } = settings;
  const hasOther = oldRootKey !== undefined;
  const now =
    rootKeyVault && (await openRootKeyInVault(wrappingKeyOf(rootKeyVault, settings), { ...settings, hasOther }));
  const old = oldRootKeyVault && (await openOldRootKeyInVault(wrappingKeyOf(oldRootKeyVault, settings), settings));
  return {
    now,
    keys: { ...(now && { rootKey: now.rootKey }), ...(old && { oldRootKey: old }) },
    forgetOld: old && dropWrapped,
  };
}
