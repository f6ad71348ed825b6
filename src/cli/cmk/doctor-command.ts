import { Command } from 'commander';
import type { NamedArguments } from './arguments.ts';
import { named } from './cmk-command.ts';

export function doctorCommand(): Command {
  return named(new Command('doctor'))
    .description(
      'Say which of the documented errors this cluster, vault and key would get, why, and the exact commands that mend it (az, TypeScript, PowerShell), on Azure or on Kustody; reads only. Vault, key and identity are as the cluster has them unless given. Exit code 0: none, 4: an error would come, 3: none is seen, but not everything could be looked at, 1: error.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody doctor --resource-group RG --cluster NAME --vault VAULT --key KEY\n  $ kustody run --seed -- kustody doctor --resource-group kustody --cluster kustody',
    )
    .action(async (args: NamedArguments) => (await import('./doctor-action.ts')).doctor(args));
}
