import { Command, InvalidArgumentError, Option } from 'commander';
import { jsonOption } from '../options.ts';
import type {
  ApplyArguments,
  DiagnoseArguments,
  PlanArguments,
  RotateArguments,
  VerifyArguments,
} from './arguments.ts';
import { fleetCommand } from './fleet-command.ts';
import { timeoutOption } from './timeout-option.ts';

/** The actions, with the SDKs behind them, are loaded when one runs: no other command waits for them. */
export function cmkCommand(): Command {
  const cmk = new Command('cmk')
    .description(
      'Customer-managed keys of a cluster on Azure, or on Kustody: plan, apply, verify, rotate, diagnose, and of a whole fleet. Knows only the official SDKs; signs in as DefaultAzureCredential does (environment, managed identity, Azure CLI).',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody cmk plan --resource-group RG --cluster NAME --vault VAULT --key KEY\n  $ kustody run --seed -- kustody cmk verify --resource-group kustody --cluster kustody',
    );
  for (const command of [
    planCommand(),
    applyCommand(),
    verifyCommand(),
    rotateCommand(),
    diagnoseCommand(),
    fleetCommand(),
  ])
    cmk.addCommand(command);
  return cmk;
}

function planCommand(): Command {
  return wishes(named(new Command('plan')))
    .description(
      'Say for each step what is done, to do or in the way; reads only. Exit code 0: nothing to do, 2: something to do, 3: something is in the way that apply does not do, 1: error.',
    )
    .addHelpText('after', `\nExample:\n  $ kustody cmk plan ${example} --create-key`)
    .action(async (args: PlanArguments) => (await import('./plan-action.ts')).plan(args));
}

function applyCommand(): Command {
  return wishes(named(new Command('apply')))
    .description(
      'Do what plan says, read back each step, then verify. Can be repeated. Exit code 0: done, 3: something is in the way and nothing was changed, 4: done, but a check failed, 1: error.',
    )
    .addOption(yesOption())
    .addOption(warnDaysOption())
    .addHelpText('after', `\nExample:\n  $ kustody cmk apply ${example} --create-key --yes`)
    .action(async (args: ApplyArguments) => (await import('./apply-action.ts')).apply(args));
}

function verifyCommand(): Command {
  return named(new Command('verify'))
    .description(
      'Check cluster, key, vault and permissions; reads only. Vault, key, version and identity are as the cluster has them unless given. Exit code 0: all is well, 4: a check failed, 1: error.',
    )
    .addOption(warnDaysOption())
    .addHelpText('after', '\nExample:\n  $ kustody cmk verify --resource-group RG --cluster NAME --warn-days 60')
    .action(async (args: VerifyArguments) => (await import('./verify-action.ts')).verify(args));
}

function rotateCommand(): Command {
  return named(new Command('rotate'))
    .description(
      'Make a new version of the key; a cluster that names a version is updated to it and read back. A newer version that is there already is taken before another is made. Exit code as apply.',
    )
    .addOption(new Option('--to-version <V>', 'a version that is there, instead of a new one'))
    .option('--disable-old', 'disable the old version, after the cluster was seen to run with the new one', false)
    .addOption(yesOption())
    .addOption(warnDaysOption())
    .addHelpText('after', '\nExample:\n  $ kustody cmk rotate --resource-group RG --cluster NAME --disable-old')
    .action(async (args: RotateArguments) => (await import('./rotate-action.ts')).rotate(args));
}

function diagnoseCommand(): Command {
  return named(new Command('diagnose'))
    .description(
      'Explain the documented errors: cause, what to check, what to run; and with a cluster, which causes are there now. Exit code 0: explained, 4: a cause is there now or the cluster does not run, 1: error, or not a documented code.',
    )
    .addOption(
      new Option('--error <CODE|FILE|->', 'a code, a file with what a client printed, or - for standard input'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody cmk diagnose --error KeyVaultNotPurgeProtected\n  $ kustody cmk diagnose --resource-group RG --cluster NAME --error failure.json',
    )
    .action(async (args: DiagnoseArguments) => (await import('./diagnose-action.ts')).diagnose(args));
}

const example = '--resource-group RG --cluster NAME --vault VAULT --key KEY';

/** The options that name a cluster, a vault and a key. */
export function named(command: Command): Command {
  return command
    .addOption(new Option('--subscription <ID>', 'subscription of the cluster').env('AZURE_SUBSCRIPTION_ID'))
    .option('--resource-group <RG>', 'resource group of the cluster')
    .option('--cluster <NAME>', 'name of the cluster')
    .option('--cluster-id <RESOURCE_ID>', 'the cluster by its resource id, instead of the three above')
    .option('--vault <NAME|URI|RESOURCE_ID>', 'the vault; one of another subscription by its resource id')
    .option('--key <NAME>', 'name of the key')
    .option(
      '--key-version <V>',
      'version of the key; without it always the newest, which the service follows by itself',
    )
    .option(
      '--identity <system|RESOURCE_ID>',
      'how the cluster goes to the vault: by its system-assigned or a user-assigned identity (default: the one that it has, else system)',
    )
    .addOption(timeoutOption())
    .addOption(jsonOption());
}

function wishes(command: Command): Command {
  return command
    .option('--create-key', 'the key may be created where there is none', false)
    .addOption(
      new Option('--key-size <BITS>', 'size of a key that is created')
        .choices(['2048', '3072', '4096'])
        .default('3072'),
    )
    .option('--enable-purge-protection', 'soft delete and purge protection may be turned on, which is for ever', false);
}

export const yesOption = (): Option => new Option('--yes', 'do not ask').default(false);

const warnDaysOption = (): Option =>
  new Option('--warn-days <DAYS>', 'a key that expires within so many days fails').argParser(daysOf).default(30);

function daysOf(text: string): number {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('It is no number of days.');
  return Number(text);
}
