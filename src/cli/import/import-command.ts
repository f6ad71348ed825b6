import { Command } from 'commander';
import type { JsonObject } from '../../base/json.ts';
import { requireInstance } from '../control-client.ts';
import { dataDirectoryOf, dataOption } from '../options.ts';
import { compileBicep } from './bicep.ts';
import { deploy } from './deploy.ts';
import { readJsonFile, readParameters } from './parameters.ts';

interface ImportOptions {
  readonly data?: string;
  readonly resourceGroup: string;
  readonly location?: string;
  readonly name: string;
  readonly parameters?: readonly string[];
}

/** A language, and how a file of it becomes a template. */
interface Language {
  readonly name: string;
  readonly what: string;
  readonly file: string;
  readonly read: (file: string) => JsonObject;
}

const languages: readonly Language[] = [
  { name: 'arm', what: 'a JSON template of the resource manager', file: 'template.json', read: readJsonFile },
  {
    name: 'bicep',
    what: "a Bicep file, by Bicep's own compiler",
    file: 'main.bicep',
    read: (file) => compileBicep(file),
  },
];

export function importCommand(): Command {
  const command = new Command('import').description(
    'Deploy a template into a running instance, as its own application.',
  );
  for (const language of languages) command.addCommand(languageCommand(language));
  return command;
}

const languageCommand = ({ name, what, file, read }: Language): Command =>
  new Command(name)
    .description(`Deploy ${what}. Progress goes to standard error, the outputs to standard output.`)
    .argument('<file>', 'the template')
    .addOption(dataOption())
    .requiredOption('--resource-group <NAME>', 'where to deploy')
    .option('--location <REGION>', 'make the resource group here when it is not there yet')
    .option('--name <NAME>', 'name of the deployment', 'import')
    .option(
      '--parameters <FILE|NAME=VALUE>',
      'a parameter file, or one parameter; can be given again',
      (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
    )
    .addHelpText(
      'after',
      `\nExample:\n  $ kustody import ${name} ${file} --resource-group rehearsal --location westeurope`,
    )
    .action(async (path: string, options: ImportOptions) => {
      const client = await requireInstance(dataDirectoryOf(options));
      const { resourceGroup, location, name: deployment } = options;
      const outputs = await deploy(
        await client.environment(),
        {
          ...{
            resourceGroup,
            name: deployment,
            template: read(path),
            parameters: readParameters(options.parameters ?? []),
          },
          ...(location === undefined ? {} : { location }),
        },
        (line) => process.stderr.write(`${line}\n`),
      );
      process.stdout.write(`${JSON.stringify(outputs, null, 2)}\n`);
    });
