import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AuditLog } from '../../audit/audit-log.ts';
import { systemRandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import type { RootKey } from '../../state/root-key.ts';
import { openRootKeyFile } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import type { StateStore } from '../../state/state-store.ts';
import { StateAnchor } from '../../state/tree/anchor.ts';
import { rootKeyFileName } from '../data-directory-names.ts';
import { readInstance } from '../instance.ts';
import { requireServed } from '../move-marks.ts';
import type { RootKeys } from '../root-key-beside.ts';
import { rootKeysOf } from '../root-key-beside.ts';
import type { KeysInVaults } from '../root-key-in-vault.ts';
import type { RootKeyStep, Rotated } from '../rotate-root-key.ts';
import { rootKeyTeller, rotateRootKey } from '../rotate-root-key.ts';
import type { OpenedStore } from '../state-place.ts';
import { stateTables } from '../state-tables.ts';
import type { MoveEnd } from './move-end.ts';
import { openHeld, requireState } from './open-source.ts';

export interface RotateSettings {
  /** Nobody serves it. */
  readonly from: MoveEnd;
  /** Kept elsewhere, the new one; without it both are files beside the data. */
  readonly rootKey?: RootKey;
  /** Kept elsewhere; without it the file beside the data, which then goes. */
  readonly oldRootKey?: RootKey;
  /** What vaults have wrapped of the two. */
  readonly inVault?: KeysInVaults | undefined;
  readonly stateAnchor?: string;
  readonly now: () => Instant;
  readonly progress?: (done: number) => void;
}

/** `rotateRootKey` of a state that nobody serves.
 * @throws those of `rotateRootKey`, `openStore`, `SealedState.open` and `KeysInVaults`, MoveError where there is no state */
export async function rotateStopped(settings: RotateSettings): Promise<Rotated> {
  const { from, rootKey, inVault, now, progress } = settings;
  return withStopped(settings, async ({ sealed, store, nodesWithout, keys }) => {
    const tell = await tellerOf(sealed, now);
    await inVault?.keepNext(sealed, store, tell);
    const forgetOld = inVault?.forgetOld;
    return rotateRootKey({
      ...{ sealed, dataDirectory: from.dataDirectory, given: rootKey && keys, nodesWithout, tell, kids: inVault?.kids },
      ...(forgetOld && { forgetOld: () => forgetOld(store) }),
      ...(progress && { progress }),
    });
  });
}

/** The root key of a state that nobody serves stays, and another key in a vault has wrapped it when this resolves: see `rewrapRootKey`.
 * @throws as `rotateStopped` */
export function rewrapStopped(
  settings: Omit<RotateSettings, 'oldRootKey' | 'progress'> & { readonly inVault: KeysInVaults },
): Promise<void> {
  return withStopped(settings, async ({ sealed, store }) =>
    settings.inVault.keepNext(sealed, store, await tellerOf(sealed, settings.now)),
  );
}

/** @returns durable when it resolves */
async function tellerOf(sealed: SealedState, now: () => Instant): Promise<(step: RootKeyStep) => Promise<void>> {
  const instance = await readInstance(sealed);
  if (instance === undefined) return () => Promise.resolve();
  return rootKeyTeller(new AuditLog(sealed, { now }), instance, now);
}

interface StoppedState {
  readonly sealed: SealedState;
  readonly store: StateStore;
  readonly nodesWithout: OpenedStore['nodesWithout'];
  readonly keys: RootKeys;
}

async function withStopped<T>(
  settings: Omit<RotateSettings, 'now' | 'progress'>,
  work: (stopped: StoppedState) => Promise<T>,
): Promise<T> {
  const { from, rootKey, stateAnchor } = settings;
  const { opened, close } = await openHeld({ from, ...(rootKey && { rootKey }) }, requireServed);
  try {
    const { store, nodesWithout } = opened;
    await requireState(store, from);
    const keys = await keysOf(settings, store);
    const anchor = stateAnchor === undefined ? undefined : StateAnchor.open(stateAnchor);
    const sealed = await SealedState.open({
      ...{ store, ...keys, randomBytes: systemRandomBytes, tables: stateTables, anchor },
    });
    try {
      return await work({ sealed, store, nodesWithout, keys });
    } finally {
      await sealed.close();
    }
  } finally {
    await close();
  }
}

function keysOf(
  { from, rootKey, oldRootKey }: Pick<RotateSettings, 'from' | 'rootKey' | 'oldRootKey'>,
  store: StateStore,
): Promise<RootKeys> {
  const path = join(from.dataDirectory, rootKeyFileName);
  if (rootKey !== undefined && oldRootKey === undefined && existsSync(path))
    return Promise.resolve({ rootKey, otherRootKey: openRootKeyFile(path, systemRandomBytes) });
  return rootKeysOf(
    { dataDirectory: from.dataDirectory, ...(rootKey && { rootKey }), ...(oldRootKey && { oldRootKey }) },
    store,
  );
}
