import { formatKeyId } from '../base/key-id.ts';
import type { RootKey } from '../state/root-key.ts';
import type { StateStore } from '../state/state-store.ts';
import type { ServerSettings } from './settings.ts';
import { wrapperIn } from './wrapped-root-key.ts';

/** How the user has given a root key that is kept elsewhere. */
export type GivenBy = 'environment' | 'descriptor';

/** Where a root key is kept, for people; nothing of the key. */
export interface RootKeyPlace {
  /** `elsewhere`: given by the program that has started the server. */
  readonly place: 'file' | GivenBy | 'elsewhere' | 'vault';
  /** Of a vault: the full id of the key version that has wrapped it. */
  readonly kid?: string;
}

type Given = Pick<
  ServerSettings,
  'rootKey' | 'oldRootKey' | 'rootKeyBy' | 'oldRootKeyBy' | 'rootKeyVault' | 'oldRootKeyVault'
>;

/** @param key one of the two that a server has */
export async function placeOfRootKey(
  key: RootKey,
  given: Given,
  store: Pick<StateStore, 'get'>,
): Promise<RootKeyPlace> {
  const { rootKey, oldRootKey, rootKeyBy, oldRootKeyBy, rootKeyVault, oldRootKeyVault } = given;
  if (key !== rootKey && key !== oldRootKey) return { place: 'file' };
  const [by, kid] = key === rootKey ? [rootKeyBy, rootKeyVault] : [oldRootKeyBy, oldRootKeyVault];
  if (kid === undefined) return { place: by ?? 'elsewhere' };
  // What the state says now: another node may have had it wrapped anew.
  return { place: 'vault', kid: (await wrapperIn(store)) ?? formatKeyId(kid) };
}
