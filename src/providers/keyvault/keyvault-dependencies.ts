import type { Guid } from '../../base/guid.ts';
import type { VaultName } from '../../base/names.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Clock } from '../../clock/clock.ts';
import type { State } from '../../state/state.ts';
import type { ManageVault } from '../../vault/plane/managed-call.ts';

export interface KeyVaultDependencies {
  readonly state: State;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Removes what a vault holds, for good. Called again after a crash; nothing left is no error. */
  readonly purgeVaultContents: (vaultId: Guid) => Promise<void>;
  /** Has an operation of the data plane done in a vault. */
  readonly manageVault: ManageVault;
  /** Names that no customer can have: somebody else's, as far as they can see. */
  readonly isReservedName: (name: VaultName) => boolean;
  /** While true no retention is over: the clock is doubtful. Default: never. */
  readonly purgesHeld?: () => boolean;
}
