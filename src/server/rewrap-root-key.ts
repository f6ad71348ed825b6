import { isJsonObject, textMember } from '../base/json.ts';
import type { Json } from '../base/json.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { formatKeyId, parseVersionedKeyId } from '../base/key-id.ts';
import { RootKeyError } from '../state/root-key.ts';
import type { SealedState } from '../state/sealed/sealed-state.ts';
import type { StateStore } from '../state/state-store.ts';
import { StateConflictError } from '../state/state-store.ts';
import { ControlError } from './control-plane.ts';
import { OutsideVaultError, refuseOwnNames } from './outside-names.ts';
import { rewrapRootKey } from './root-key-in-vault.ts';
import type { RootKeyPlace } from './root-key-place.ts';
import type { RootKeyVaults, WrappingKey } from './root-key-wrapper.ts';
import { wrappingKeyOf } from './root-key-wrapper.ts';
import type { RotationPorts } from './rotate-root-key.ts';
import { WrappedMeanwhileError, wrappedAmong, wrapperOf } from './wrapped-root-key.ts';

/** What `POST /root-key/rewrap` answers: full ids of key versions. Both the same: that one had wrapped it already. */
export interface RewrappedRootKey {
  readonly from: string;
  readonly to: string;
}

export interface HeldRootKeyPorts {
  readonly sealed: SealedState;
  readonly store: StateStore;
  readonly dataDirectory: string;
  readonly vaults: RootKeyVaults;
  /** Of the root key that seals the state. */
  readonly place: RootKeyPlace;
  /** Durable when it resolves. */
  readonly tell: RotationPorts['tell'];
  readonly keyOf?: (kid: VersionedKeyId) => WrappingKey;
}

/** The root key of a state that is served, wrapped by another key version of a vault outside; it stays, and the server has it in memory.
 *
 * Order: the audit says so → what lies there is unwrapped by the version that the record names, and compared with the key in memory → wrapped by the
 * next one, unwrapped again and compared → one commit that expects the record of before → the audit says so. Until that commit the record is the one
 * of before: whatever ends it, one record is there that opens the state, and the same call goes on.
 * @param body `{"kid", "oldKid"?}`: with the second it is refused when another one than these two has wrapped it
 * @throws ControlError */
export async function rewrapHeldRootKey(ports: HeldRootKeyPorts, body: Json | undefined): Promise<RewrappedRootKey> {
  const { sealed, store, dataDirectory, vaults, place, tell } = ports;
  const keyOf = ports.keyOf ?? ((kid: VersionedKeyId) => wrappingKeyOf(kid, vaults));
  const { kid, oldKid } = kidsOf(body);
  const { record } = await wrappedAmong(store);
  if (place.place !== 'vault' || record === undefined)
    throw new ControlError(
      409,
      'RootKeyNotInVault',
      'No key in a vault has wrapped the root key that seals this state.',
    );
  await refuseVault(kid, sealed, vaults);
  const [from, to] = [wrapperOf(record), formatKeyId(kid)];
  if (oldKid !== undefined && ![formatKeyId(oldKid), to].includes(from))
    throw new ControlError(
      409,
      'OtherWrapper',
      `The root key is wrapped by ${from}, and not by ${formatKeyId(oldKid)}.`,
    );
  const before = parseVersionedKeyId(from);
  if (before === undefined) throw new RootKeyError(`${from} is no full id of a key.`);
  await refuseVault(before, sealed, vaults);
  const name = sealed.nameOf(sealed.rootKey);
  const step = { operation: 'RootKeyRewrap', from: name, to: name, fromKid: from, toKid: to } as const;
  await tell({ ...step, status: 'Started' });
  try {
    const rewrapped = await rewrapRootKey(keyOf(kid), keyOf(before), {
      ...{ dataDirectory, find: () => Promise.resolve({ record, isSealed: true }) },
      requireHeld: (found) => {
        if (sealed.nameOf(found) === name) return;
        throw new ControlError(409, 'OtherRootKey', `What ${from} has wrapped is not the root key of this server.`);
      },
    });
    rewrapped.rootKey.close(); // the server has its own
    if (rewrapped.isRewrap) await rewrapped.keep(store);
  } catch (error) {
    await tell({ ...step, status: 'Failed' }).catch(() => undefined); // the first error says why
    throw refusalOf(error);
  }
  await tell({ ...step, status: 'Succeeded' });
  return { from, to };
}

function kidsOf(body: Json | undefined): { readonly kid: VersionedKeyId; readonly oldKid?: VersionedKeyId } {
  const sent = isJsonObject(body) ? body : undefined;
  const [kid, oldKid] = ['kid', 'oldKid'].map((name) => parseVersionedKeyId(textMember(sent, name)));
  if (kid === undefined || (oldKid === undefined && sent?.['oldKid'] !== undefined))
    throw new ControlError(400, 'InvalidKeyId', 'Give {"kid", "oldKid"?}, each https://HOST/keys/NAME/VERSION.');
  return { kid, ...(oldKid && { oldKid }) };
}

/** @throws ControlError for a vault of this instance, and for one that its start has not named */
async function refuseVault({ vaultHost }: VersionedKeyId, sealed: SealedState, vaults: RootKeyVaults): Promise<void> {
  await refuseOwnNames(sealed, [{ host: vaultHost }]).catch((error: unknown) => {
    throw error instanceof OutsideVaultError ? new ControlError(409, 'OwnVault', error.message) : error;
  });
  if (vaults.outsideVaults?.some(({ host }) => host === vaultHost) !== true)
    throw new ControlError(409, 'VaultNotNamed', `The server was not started with --vault ${vaultHost}=….`);
}

function refusalOf(error: unknown): unknown {
  if (error instanceof StateConflictError) return refusalOf(new WrappedMeanwhileError());
  if (error instanceof WrappedMeanwhileError) return new ControlError(409, 'WrappedMeanwhile', error.message);
  return error instanceof RootKeyError ? new ControlError(409, 'KeyUnavailable', error.message) : error;
}
