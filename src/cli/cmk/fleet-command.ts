import { Command, InvalidArgumentError, Option } from 'commander';
import type { Severity } from '../../cmk/fleet/fleet-rules.ts';
import { jsonOption } from '../options.ts';
import { timeoutOption } from './timeout-option.ts';

export interface FleetArguments {
  readonly subscription: readonly string[];
  readonly all: boolean;
  readonly managementGroup?: string;
  readonly policy?: string;
  readonly sarif?: string;
  readonly azurePolicy?: string;
  readonly failOn: Severity;
  /** Seconds. */
  readonly timeout: number;
  readonly json: boolean;
}

const subscriptionsMax = 1000;

export function fleetCommand(): Command {
  return new Command('fleet')
    .description(
      'Look at the keys of every cluster of one or more subscriptions, and of their databases: which key and version, the vault and its rules, expiry, rotation, rights of the identity, encryption, followers, diagnostic settings; reads only. Exit code 0: no finding, 4: a finding as grave as --fail-on, 3: less grave ones, 1: error.',
    )
    .addOption(
      new Option('--subscription <ID>', 'a subscription (repeatable; default: $AZURE_SUBSCRIPTION_ID)')
        .argParser((text: string, before: readonly string[]) => {
          if (before.length >= subscriptionsMax) throw new InvalidArgumentError('They are too many.');
          return [...before, text];
        })
        .default([], 'none'),
    )
    .option('--all', 'every subscription that the caller sees', false)
    .addOption(new Option('--management-group <NAME>', 'not built: refused').hideHelp())
    .option('--policy <FILE>', 'what your organisation asks: a JSON file, see docs/cmk.md')
    .option('--sarif <FILE>', 'write the findings as SARIF 2.1.0 as well')
    .option('--azure-policy <DIR>', 'write the same rules as Azure Policy definitions, one file each')
    .addOption(
      new Option('--fail-on <SEVERITY>', 'what ends with exit code 4')
        .choices(['high', 'medium', 'low', 'note'])
        .default('medium'),
    )
    .addOption(timeoutOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody cmk fleet --all --policy keys.json --sarif keys.sarif\n  $ kustody run --seed -- kustody cmk fleet',
    )
    .action(async (args: FleetArguments) => (await import('./fleet-action.ts')).fleet(args));
}
