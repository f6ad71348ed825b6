import { equalBytes, zeroBytes } from '../base/bytes.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { formatKeyId } from '../base/key-id.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { KeyFailure } from '../encryption/key-wrapper.ts';
import { RootKey, rootKeyBytes, RootKeyError } from '../state/root-key.ts';
import type { StateStore, StoredRecord } from '../state/state-store.ts';
import type { SealedState } from '../state/sealed/sealed-state.ts';
import { refuseOwnNames } from './outside-names.ts';
import type { RootKeyKids, RotationPorts } from './rotate-root-key.ts';
import type { RootKeyVaults, WrappingKey } from './root-key-wrapper.ts';
import { wrappingKeyOf } from './root-key-wrapper.ts';
import type { KeyPlace } from './wrapped-root-key.ts';
import {
  claimWrapped,
  dropWrapped,
  findWrapped,
  keepWrapped,
  readWrapped,
  replaceWrapped,
  wrapperIn,
  wrappedRecord,
  wrapperOf,
} from './wrapped-root-key.ts';

export interface RootKeyInVault {
  readonly rootKey: RootKey;
  /** It is durable, wrapped, where the state is; before anything is sealed under it. @throws RootKeyError when another node has made one */
  keep(store: StateStore): Promise<void>;
  /** It will not be used. */
  drop(store: StateStore): Promise<void>;
  /** The state is sealed under it, and another key has wrapped it until it is kept. */
  readonly isRewrap: boolean;
  /** It lay in the state before, as this key has wrapped it. */
  readonly isThere: boolean;
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
    /** None is made for a state that has not begun. */
    readonly isThere?: boolean;
  },
): Promise<RootKeyInVault> {
  const { record, isSealed } = await findWrapped(at);
  if (record !== undefined) return opened(key, record);
  if (isSealed && !at.hasOther) throw new RootKeyError(sealedAlready);
  if (!isSealed && at.isThere === true) throw new RootKeyError('There is no state yet: start it once.');
  return made(key, at);
}

const sealedAlready =
  "This state is sealed under a root key that no vault has wrapped. Give that one, too, in KUSTODY_OLD_ROOT_KEY or by --old-root-key-fd, and let 'kustody root-key rotate' put the other in its place.";

/** The one that a state has, to be left. @throws RootKeyError, also when there is none */
export async function openOldRootKeyInVault(key: WrappingKey, at: KeyPlace): Promise<RootKey> {
  const { record } = await findWrapped(at);
  if (record === undefined) throw new RootKeyError(noneWrapped);
  return (await opened(key, record)).rootKey;
}

const noneWrapped =
  'No key in a vault has wrapped a root key of this state: leave out --old-root-key-vault, or give the old root key itself.';

async function made(key: WrappingKey, { statePlace }: KeyPlace): Promise<RootKeyInVault> {
  const bytes = systemRandomBytes(rootKeyBytes);
  try {
    const record = wrappedRecord({ kid: key.kid, wrapped: await wrapVerified(key, bytes) });
    const there = statePlace && (await claimWrapped(statePlace, record));
    if (there !== undefined && !equalBytes(there.value, record.value)) return await opened(key, there);
    const keep = (store: StateStore): Promise<void> => keepWrapped(store, record);
    return { rootKey: new RootKey(bytes), keep, drop: dropWrapped, isRewrap: false, isThere: false };
  } finally {
    zeroBytes(bytes);
  }
}

/** The same root key, wrapped by another key, mostly a newer version: nothing that it seals is written again.
 *
 * Order: unwrapped by the old one → wrapped by the new one, unwrapped again and compared → (`keep`, by whoever has the state open) the record
 * takes the place of the old one, which it expects → the old version may be disabled. Whatever interrupts it, the same start goes on: it takes
 * what it finds wrapped by either.
 * @throws RootKeyError, also for a third one */
export async function rewrapRootKey(
  next: WrappingKey,
  before: WrappingKey,
  at: KeyPlace & HeldCheck,
): Promise<RootKeyInVault> {
  const { record } = await findWrapped(at);
  if (record === undefined) throw new RootKeyError(noneWrapped);
  const by = wrapperOf(record);
  const [given, old] = [next, before].map(({ kid }) => formatKeyId(kid));
  if (by === given) {
    const there = await opened(next, record);
    requireHeld(there.rootKey, at);
    return there;
  }
  if (by !== old)
    throw new RootKeyError(
      `The root key of this state is wrapped by ${by}, and not by ${old} or ${given}: another version wrapped it meanwhile. If that was you, give ${by} in --root-key-vault and leave out --old-root-key-vault, or give it in --old-root-key-vault to let ${given} wrap it.`,
    );
  const bytes = await unwrapped(before, record);
  try {
    const rootKey = new RootKey(bytes);
    requireHeld(rootKey, at);
    const anew = wrappedRecord({ kid: next.kid, wrapped: await wrapVerified(next, bytes) });
    return {
      rootKey,
      keep: (store) => replaceWrapped(store, record, anew),
      drop: () => Promise.resolve(), // the one of before stays
      isRewrap: true,
      isThere: false,
    };
  } finally {
    zeroBytes(bytes);
  }
}

interface HeldCheck {
  /** Of who has it in memory: throws for another one, before that is wrapped. */
  readonly requireHeld?: (rootKey: RootKey) => void;
}

function requireHeld(rootKey: RootKey, at: HeldCheck): void {
  try {
    at.requireHeld?.(rootKey);
  } catch (error) {
    rootKey.close();
    throw error;
  }
}

async function opened(key: WrappingKey, record: StoredRecord): Promise<RootKeyInVault> {
  const bytes = await unwrapped(key, record);
  const keep = (store: StateStore): Promise<void> => keepWrapped(store, record);
  const rootKey = new RootKey(bytes);
  zeroBytes(bytes);
  return { rootKey, keep, drop: dropWrapped, isRewrap: false, isThere: true };
}

/** @returns a root key, which the caller zeroes */
async function unwrapped({ kid, wrapper, identity }: WrappingKey, record: StoredRecord): Promise<Uint8Array> {
  const { kid: by, wrapped } = readWrapped(record);
  const [is, given] = [by, kid].map(formatKeyId);
  if (is !== given) throw new RootKeyError(`The root key of this state is wrapped by ${is}, and not by ${given}.`);
  const found = await wrapper.unwrap(identity, kid, wrapped);
  if (found.outcome === 'failed') throw unusable({ kid }, found);
  if (found.plaintext.byteLength === rootKeyBytes) return found.plaintext;
  zeroBytes(found.plaintext);
  throw new RootKeyError(`What ${formatKeyId(kid)} has wrapped is no root key.`);
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
  /** Once the state is open: what is to seal it from the next rotation on, or is wrapped by another key, is durable when it resolves, and told
   * before and after that.
   * @param isNew the state has just been made: what seals it is told
   * @throws OutsideVaultError for a vault of the instance itself, and leaves nothing of it */
  readonly keepNext: (
    sealed: SealedState,
    store: StateStore,
    tell: RotationPorts['tell'],
    isNew?: boolean,
  ) => Promise<void>;
  /** Of the keys in vaults. */
  readonly kids: RootKeyKids;
  readonly keys: { readonly rootKey?: RootKey; readonly oldRootKey?: RootKey };
  /** Once nothing is sealed under the old one: takes it out of the state. Undefined: it is not there. */
  readonly forgetOld: ((store: StateStore) => Promise<void>) | undefined;
}

export interface VaultKeySettings extends KeyPlace, RootKeyVaults {
  readonly rootKeyVault?: VersionedKeyId;
  readonly oldRootKeyVault?: VersionedKeyId;
  readonly oldRootKey?: RootKey;
  /** Of a command that makes no state: one that has not begun is refused. */
  readonly isThere?: boolean;
}

/** Both root keys of a start, as far as vaults have wrapped them. @throws RootKeyError */
export async function keysInVaults(
  settings: VaultKeySettings,
  keyOf = (kid: VersionedKeyId): WrappingKey => wrappingKeyOf(kid, settings),
): Promise<KeysInVaults> {
  const { rootKeyVault, oldRootKeyVault, oldRootKey } = settings;
  const kids: RootKeyKids = {
    ...(oldRootKeyVault && { fromKid: formatKeyId(oldRootKeyVault) }),
    ...(rootKeyVault && { toKid: formatKeyId(rootKeyVault) }),
  };
  if (rootKeyVault !== undefined && oldRootKeyVault !== undefined) {
    const [next, before] = [keyOf(rootKeyVault), keyOf(oldRootKeyVault)];
    const now = await rewrapRootKey(next, before, settings);
    return {
      now,
      keepNext: keeping(now, rootKeyVault, settings, kids),
      kids,
      keys: { rootKey: now.rootKey },
      forgetOld: undefined,
    };
  }
  const hasOther = oldRootKey !== undefined;
  const now = rootKeyVault && (await openRootKeyInVault(keyOf(rootKeyVault), { ...settings, hasOther }));
  const old = oldRootKeyVault && (await openOldRootKeyInVault(keyOf(oldRootKeyVault), settings));
  return {
    now,
    keepNext: keeping(now, rootKeyVault, settings, kids),
    kids,
    keys: { ...(now && { rootKey: now.rootKey }), ...(old && { oldRootKey: old }) },
    forgetOld: old && dropWrapped,
  };
}

/** One that stood by has the root key, which opens the state, whatever wraps it by now. Who had it wrapped by another version since knows of that: it is
 * neither asked nor replaced. */
const isWrappedSince = async (store: StateStore, { fromKid }: RootKeyKids): Promise<boolean> => {
  const by = await wrapperIn(store);
  return by !== undefined && by !== fromKid;
};

const keeping =
  (
    now: RootKeyInVault | undefined,
    kid: VersionedKeyId | undefined,
    { outsideVaults = [] }: RootKeyVaults,
    kids: RootKeyKids,
  ) =>
  async (sealed: SealedState, store: StateStore, tell: RotationPorts['tell'], isNew = false): Promise<void> => {
    if (now === undefined) return;
    const operation = now.isRewrap ? 'RootKeyRewrap' : 'RootKeyWrap';
    const names = { from: sealed.nameOf(sealed.rootKey), to: sealed.nameOf(now.rootKey) };
    const step = { operation, ...names, ...kids } as const;
    // Nothing is sealed under it before it is rotated to.
    const isInUse = [sealed.rootKey, sealed.oldRootKey].some((key) => key === now.rootKey);
    if (now.isRewrap && (await isWrappedSince(store, kids))) return;
    if (isInUse && !now.isRewrap) {
      if (isNew) await tell({ ...step, status: 'Succeeded' });
      return;
    }
    const itsVault = outsideVaults.filter(({ host }) => host === kid?.vaultHost);
    await refuseOwnNames(sealed, itsVault).catch(async (error: unknown) => {
      await now.drop(store);
      throw error;
    });
    if (now.isThere) return now.keep(store);
    await tell({ ...step, status: 'Started' });
    await now.keep(store).catch(async (error: unknown) => {
      await tell({ ...step, status: 'Failed' }).catch(() => undefined); // the first error says why
      throw error;
    });
    await tell({ ...step, status: 'Succeeded' });
  };
