import { Command, InvalidArgumentError, Option } from 'commander';
import { yesOption } from '../cmk/cmk-command.ts';
import { dataOption, jsonOption } from '../options.ts';
import type { PromoteOptions } from './promote-action.ts';

/** The action, with the SDKs behind it, is loaded when it runs. */
export const promoteCommand = (): Command =>
  new Command('promote')
    .description(
      'Move on to Azure Data Explorer: make databases, tables, mappings, functions, policies, materialized views and roles of a cluster of a running instance on another one, and send the rows by queued ingestion, with counts compared. Signs in there as DefaultAzureCredential does. The rows leave the key of the cluster: it is audited and listed as an export. Can be repeated: no row comes twice. Exit code 0: done, 4: done, but counts differ or a role was refused, 1: error.',
    )
    .requiredOption('--to <CLUSTER_URI>', 'https://{cluster}.{region}.kusto.windows.net')
    .addOption(dataOption())
    .option('--cluster <URI>', 'name or address of the cluster that is promoted (default: the only one)')
    .addOption(
      new Option('--database <NAME>', 'only this database (repeatable)')
        .argParser((text: string, before: readonly string[]): readonly string[] => [...before, text])
        .default([], 'all of them'),
    )
    .option('--plan', 'show every command and the number of rows, and write nothing', false)
    .option('--into-existing', 'add to tables that have rows already', false)
    .option('--no-roles', 'give nobody a role')
    .addOption(
      new Option('--principal <OLD=NEW>', 'who a principal of here is there, both as roles name them (repeatable)')
        .argParser((text: string, before: PromoteOptions['principal']): PromoteOptions['principal'] => {
          const [, from, to] = /^(aad\w+=[^=]+)=(aad\w+=[^=]+)$/.exec(text) ?? [];
          if (from === undefined || to === undefined)
            throw new InvalidArgumentError("Give OLD=NEW: 'aadapp=ID;TENANT=aadapp=ID;TENANT'.");
          return [...before, [from, to]];
        })
        .default([], 'the same'),
    )
    .addOption(
      new Option('--batch-rows <N>', 'rows that are sent together, at most; one commit is never divided')
        .argParser(wholeNumber(1, 100_000_000))
        .default(1_000_000),
    )
    .addOption(
      new Option('--timeout <SECONDS>', 'without anything that arrives')
        .argParser(wholeNumber(1, 86_400))
        .default(1_800),
    )
    .addOption(yesOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody promote --data ./azure --to https://mycluster.westeurope.kusto.windows.net --plan\n  $ kustody promote --data ./azure --to https://mycluster.westeurope.kusto.windows.net --database db --yes',
    )
    .action(async (options: PromoteOptions) => (await import('./promote-action.ts')).promote(options));

const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = /^\d{1,12}$/.test(text) ? Number(text) : NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from ${least} to ${most}.`);
  };
