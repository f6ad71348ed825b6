import { Command, Option } from 'commander';
import type { InstanceEnvironment } from '../server/control-plane.ts';
import { environmentFormats } from './environment-format.ts';
import type { EnvironmentFormat } from './environment-format.ts';
import { requireInstance } from './control-client.ts';
import { environmentOf } from './live-instance.ts';
import { dataDirectoryOf, dataOption } from './options.ts';
import { whileWaiting } from './waiting.ts';

export function envCommand(): Command {
  return new Command('env')
    .description(
      'Print the environment that points clients at a running instance. It holds a secret: keep it off the screen.',
    )
    .addOption(dataOption())
    .addOption(
      new Option('--format <FORMAT>', 'form of the output').choices(Object.keys(environmentFormats)).default('shell'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ eval "$(kustody env --data ./azure)"\n  $ (umask 077; kustody env --format dotenv > .env)',
    )
    .action(async (options: { readonly data?: string; readonly format: EnvironmentFormat }) => {
      const client = await requireInstance(dataDirectoryOf(options));
      const environment = await whileWaiting((begin) => {
        begin('the instance is being made ready');
        const describe = (): Promise<InstanceEnvironment> => client.environment();
        return environmentOf(
          { dataDirectory: client.dataDirectory, controlToken: client.file.token, describe },
          process.env,
        );
      });
      process.stdout.write(environmentFormats[options.format](environment));
    });
}
