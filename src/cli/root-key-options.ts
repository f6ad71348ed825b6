import type { Command } from 'commander';
import type { VersionedKeyId } from '../base/key-id.ts';
import type { OutsideVaultOption } from './outside-vault-option.ts';
import { outsideVaultOption } from './outside-vault-option.ts';
import { oldRootKeyOption, oldRootKeyVaultOption, rootKeyOption, rootKeyVaultOption } from './root-key-source.ts';

/** How a command that opens a state which nobody serves is given its root keys. */
export interface RootKeyOptions {
  readonly rootKeyFd?: number;
  readonly oldRootKeyFd?: number;
  readonly rootKeyVault?: VersionedKeyId;
  readonly oldRootKeyVault?: VersionedKeyId;
  readonly vault?: readonly OutsideVaultOption[];
}

/** @param of `now`: of a command that knows nothing of an old root key */
export function withRootKeyOptions(command: Command, of: 'now' | 'both'): Command {
  command.addOption(rootKeyOption()).addOption(rootKeyVaultOption());
  if (of === 'both') command.addOption(oldRootKeyOption()).addOption(oldRootKeyVaultOption());
  return command.addOption(outsideVaultOption());
}
