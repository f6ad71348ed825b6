import { Command } from 'commander';
import { requireInstance } from '../control-client.ts';
import { dataDirectoryOf, dataOption } from '../options.ts';
import { whileWaiting } from '../waiting.ts';
import { writeArm } from './arm-writer.ts';
import { writeBicep } from './bicep-writer.ts';
import type { ExportedGroup } from './model.ts';
import { kqlExportCommand } from './kql-command.ts';
import { readGroup } from './read-group.ts';
import { writeTerraform } from './terraform-writer.ts';
import { writeOut } from './write-out.ts';

interface GroupOptions {
  readonly data?: string;
  readonly resourceGroup?: string;
  readonly out?: string;
}

/** A language, and how a group is written in it. */
interface Language {
  readonly name: string;
  readonly what: string;
  readonly file: string;
  readonly write: (group: ExportedGroup) => string;
}

const languages: readonly Language[] = [
  { name: 'arm', what: 'a JSON template of the resource manager', file: 'template.json', write: writeArm },
  { name: 'bicep', what: 'a Bicep file', file: 'main.bicep', write: writeBicep },
  { name: 'terraform', what: 'Terraform for the azurerm provider', file: 'main.tf', write: writeTerraform },
];

export function exportCommand(): Command {
  const command = new Command('export').description(
    'Write what is in a running instance in the words of Azure, to be deployed there. No secret, no key material and no data are in it.',
  );
  for (const language of languages) command.addCommand(groupCommand(language));
  return command.addCommand(kqlExportCommand());
}

const groupCommand = ({ name, what, file, write }: Language): Command =>
  new Command(name)
    .description(`Write a resource group as ${what}.`)
    .addOption(dataOption())
    .option('--resource-group <NAME>', 'default: the only one')
    .option('--out <FILE>', 'write here instead of standard output')
    .addHelpText('after', `\nExample:\n  $ kustody export ${name} --out ${file}`)
    .action(async (options: GroupOptions) => {
      const client = await requireInstance(dataDirectoryOf(options));
      const group = await whileWaiting(async (begin) => {
        begin('reading the resource group');
        return readGroup(await client.environment(), options.resourceGroup);
      });
      writeOut(write(group), options.out);
    });
