import { Command, Option } from 'commander';
import type { InstanceEnvironment } from '../server/instance-environment.ts';
import { parseKeyId } from '../base/key-id.ts';
import type { Environment } from './client-environment.ts';
import { listClusters } from './clusters.ts';
import { environmentFormats } from './environment-format.ts';
import type { EnvironmentFormat } from './environment-format.ts';
import type { ControlClient } from './control-client.ts';
import { requireInstance } from './control-client.ts';
import type { HostForm } from './identity-endpoint.ts';
import { identityEndpointOption, identityOption, openIdentity } from './identity-endpoint.ts';
import { clusterHost } from './query.ts';
import { environmentOf } from './live-instance.ts';
import { dataDirectoryOf, dataOption } from './options.ts';
import { whileWaiting } from './waiting.ts';

interface EnvOptions {
  readonly data?: string;
  readonly cluster?: string;
  readonly database?: string;
  readonly identity?: string;
  readonly identityEndpoint: HostForm;
  readonly format: EnvironmentFormat;
}

export function envCommand(): Command {
  return new Command('env')
    .description(
      'Print the environment that points clients at a running instance. It holds a secret: keep it off the screen.',
    )
    .addOption(dataOption())
    .option('--cluster <NAME>', 'tell KUSTODY_CLUSTER_URI and the key of this cluster, instead of those of the seed')
    .option('--database <NAME>', 'tell KUSTODY_DATABASE (default with --cluster: its only database)')
    .addOption(identityOption())
    .addOption(identityEndpointOption(['app-service', 'vm']))
    .addOption(
      new Option('--format <FORMAT>', 'form of the output').choices(Object.keys(environmentFormats)).default('shell'),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ eval "$(kustody env --data ./azure)"\n  $ eval "$(kustody env --cluster telemetry)"\n  $ eval "$(kustody env --identity worker)"\n  $ (umask 077; kustody env --format dotenv > .env)',
    )
    .action(async (options: EnvOptions) => {
      const client = await requireInstance(dataDirectoryOf(options));
      const environment = await whileWaiting(async (begin) => {
        begin('the instance is being made ready');
        const describe = (): Promise<InstanceEnvironment> => client.environment();
        const instance = { dataDirectory: client.dataDirectory, controlToken: client.file.token, describe };
        const identity =
          options.identity === undefined
            ? undefined
            : await openIdentity(client, options.identity, options.identityEndpoint, {});
        return {
          ...(await environmentOf(instance, process.env)),
          ...(await chosen(client, options)),
          ...identity?.variables,
        };
      });
      process.stdout.write(environmentFormats[options.format](environment));
    });
}

/** Variables of one cluster and database; what the seed tells of another is taken away.
 * @throws UserError for a cluster that there is not */
async function chosen(client: ControlClient, { cluster, database }: EnvOptions): Promise<Environment> {
  const told = database === undefined ? {} : { KUSTODY_DATABASE: database };
  if (cluster === undefined) return told;
  const host = clusterHost(await client.environment(), cluster);
  const described = (await listClusters(client)).find(({ name }) => name === host.split('.', 1)[0]);
  const [only, ...others] = described?.databases ?? [];
  const key = described?.custody === 'customer' ? parseKeyId(described.kid) : undefined;
  return {
    KUSTODY_CLUSTER_URI: `https://${host}`,
    KUSTODY_DATABASE: others.length === 0 ? only?.name : undefined,
    KUSTODY_VAULT_URI: key && `https://${key.vaultHost}/`,
    KUSTODY_KEY_ID: key && `https://${key.vaultHost}/keys/${key.name}`,
    ...told,
  };
}
