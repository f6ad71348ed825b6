import { Command, InvalidArgumentError } from 'commander';
import { configOption, takeConfigFile } from './config-file.ts';
import { prepareDataDirectory } from './data-directory.ts';
import { makeOwnCode } from './own-code.ts';
import { requireInstance } from './control-client.ts';
import { UserError } from './user-error.ts';
import { interrupted } from './interrupted.ts';
import { endWithin, heldMs } from './certain-end.ts';
import { openPortal, portalNotBuilt } from './open.ts';
import type { StorageAccount } from '../cluster/messages/storage-account.ts';
import type { AllowedHost } from '../http/allowed-hosts.ts';
import type { NodeAddress } from '../http/advertised-address.ts';
import { parseNodeAddress } from '../http/advertised-address.ts';
import { isPortalBuilt } from '../server/portal-pages.ts';
import type { SeedDirectory } from '../server/seed-plan/seed-directory.ts';
import type { ServerPorts } from '../server/settings.ts';
import { defaultStopGraceMs } from '../server/settings.ts';
import { StandbyEndedError } from '../server/standby-ended.ts';
import type { RunningServer } from '../server/start-server.ts';
import {
  allowOption,
  dataOption,
  dataDirectoryOf,
  geoipOption,
  keyRecheckOption,
  stateAnchorOption,
  stateOption,
  statePasswordOption,
  storageAccountOption,
} from './options.ts';
import type { PostgresAddress } from '../state/postgres/postgres-address.ts';
import type { CredentialSource } from './blobs-place.ts';
import { blobsCacheOption, blobsCredentialOption, blobsOption, blobsPlaceOf } from './blobs-place.ts';
import type { VersionedKeyId } from '../base/key-id.ts';
import { statePlaceOf } from './state-place.ts';
import type { RootKeySource } from './root-key-source.ts';
import {
  givenBy,
  oldRootKeyOption,
  oldRootKeyVaultOption,
  rootKeyOption,
  rootKeyVaultOption,
} from './root-key-source.ts';
import type { OutsideVaultOption } from './outside-vault-option.ts';
import { outsideVaultOption } from './outside-vault-option.ts';
import type { SeedOption } from './seeding.ts';
import { seedInstance, seedOption, seedDirectoryOf } from './seeding.ts';

interface UpOptions {
  readonly data?: string;
  readonly host: string;
  readonly port?: number;
  readonly proxyPort?: number;
  readonly kustoPort?: number;
  readonly localhostCluster?: string;
  readonly allow: readonly AllowedHost[];
  readonly allowRemote: boolean;
  readonly virtualTime: boolean;
  readonly seed: SeedOption;
  readonly secondSubscription: boolean;
  readonly keyRecheck?: number;
  readonly vault: readonly OutsideVaultOption[];
  readonly storageAccount: readonly StorageAccount[];
  readonly clusterIdle?: number;
  readonly stopGrace?: number;
  readonly geoipDatabase?: string;
  readonly rootKeyFd?: number;
  readonly oldRootKeyFd?: number;
  readonly rootKeyVault?: VersionedKeyId;
  readonly oldRootKeyVault?: VersionedKeyId;
  readonly stateAnchor?: string;
  readonly state?: PostgresAddress;
  readonly statePasswordFd?: number;
  readonly standby: boolean;
  readonly advertise?: NodeAddress;
  readonly readers: boolean;
  readonly blobs?: string;
  readonly blobsCredential?: CredentialSource;
  readonly blobsCache?: number;
  readonly open: boolean;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error' | 'silent';
}

export function upCommand(rootKeys: RootKeySource): Command {
  return new Command('up')
    .description('Serve a data directory until interrupted. Log lines (JSON, without secrets) go to standard error.')
    .addOption(configOption())
    .addOption(dataOption())
    .option('--host <ADDRESS>', 'address to listen on', '127.0.0.1')
    .option(
      '--port <PORT>',
      'TLS port (443 for clients that come by hosts file); 0 takes a free one (default: that of the last time, at first 7443)',
      parsePort,
    )
    .option(
      '--kusto-port <PORT>',
      'port of localhost that leads to a cluster; 0 takes a free one (default: that of the last time, at first 7444)',
      parsePort,
    )
    .option('--localhost-cluster <NAME>', 'the cluster that it leads to (default: the only one)')
    .option(
      '--proxy-port <PORT>',
      'port of the forward proxy; 0 takes a free one (default: that of the last time, at first 7480)',
      parsePort,
    )
    .addOption(allowOption())
    .option('--allow-remote', 'let --host be an address that other machines reach', false)
    .option('--virtual-time', 'for a new data directory: its clock can be moved', false)
    .option('--second-subscription', 'make a second subscription, beside the main one', false)
    .addOption(seedOption())
    .addOption(keyRecheckOption())
    .addOption(outsideVaultOption())
    .addOption(storageAccountOption())
    .option(
      '--cluster-idle <SECONDS>',
      'a cluster unused for so long gives its memory back (default 600)',
      parseSeconds,
    )
    .option(
      '--stop-grace <SECONDS>',
      'for queries under way when it is stopped (default 5); a second signal ends it at once',
      parseGrace,
    )
    .addOption(geoipOption())
    .addOption(rootKeyOption())
    .addOption(oldRootKeyOption())
    .addOption(rootKeyVaultOption())
    .addOption(oldRootKeyVaultOption())
    .addOption(stateAnchorOption())
    .addOption(stateOption())
    .addOption(statePasswordOption())
    .option(
      '--standby',
      'wait as long as another Kustody serves --state, then serve it: at most some 10 seconds after that one has ended or gone silent',
      false,
    )
    .option(
      '--advertise <HOST:PORT>',
      'where other nodes of --state reach this one: clients may come to any node then, and one that stands by passes their connections on to the one that serves; it listens at that port, too, for nodes alone (default: nowhere)',
      parseAdvertised,
    )
    .option(
      '--readers',
      'for all nodes of --state that have --advertise: one that stands by answers queries itself, with processes that the one that serves supervises, and passes the rest on',
      false,
    )
    .addOption(blobsOption())
    .addOption(blobsCredentialOption())
    .addOption(blobsCacheOption())
    .option('--open', "open the portal in the browser, as 'kustody open' does", false)
    .option('--log-level <LEVEL>', 'debug, info, warn, error or silent', parseLevel, 'info')
    .addHelpText(
      'after',
      '\nExamples:\n  $ kustody up --data ./azure &\n  $ eval "$(kustody env --data ./azure)"\n  $ node my-program.js\n  $ kustody up --config kustody-up.yaml\n  $ kustody up --blobs https://myaccount.blob.core.windows.net/extents --blobs-credential file:connection',
    )
    .action(async (_options: UpOptions, command: Command) => {
      takeConfigFile(command);
      await up(rootKeys, command.opts<UpOptions>()).finally(() => endWithin(heldMs));
    });
}

async function up(rootKeys: RootKeySource, options: UpOptions): Promise<void> {
  if (options.open && !isPortalBuilt(import.meta.dirname)) throw portalNotBuilt();
  const rootKey = rootKeys.take(options.rootKeyFd);
  const oldRootKey = rootKeys.takeOld(options.oldRootKeyFd);
  const given = statePlaceOf(options);
  if (options.standby && (given === undefined || options.blobs === undefined))
    throw new UserError(
      '--standby is for a state that --state names, with its extents in a container that --blobs names: other nodes reach nothing else.',
    );
  if (options.advertise !== undefined && (given === undefined || (rootKey ?? options.rootKeyVault) === undefined))
    throw new UserError(
      '--advertise is for a state that --state names, with its root key in KUSTODY_ROOT_KEY, from --root-key-fd or by --root-key-vault: nodes prove themselves by it.',
    );
  if (options.readers && (options.advertise === undefined || options.blobs === undefined))
    throw new UserError(
      '--readers is for nodes that reach each other (--advertise), with their extents in a container that --blobs names.',
    );
  const statePlace = given && { ...given, standsBy: options.standby };
  const blobsPlace = await blobsPlaceOf(options, process.env);
  const seed = await seedDirectoryOf(options.seed);
  const dataDirectory = prepareDataDirectory(dataDirectoryOf(options));
  const { explain, startInstance } = await import('./instance.ts');
  const stop = new AbortController();
  const stopping = async (): Promise<void> => {
    await interrupted();
    endWithin(stopMsMax(options.stopGrace), 1);
    stop.abort();
  };
  // Whoever stands by ends in order, too; any other start ends at once, until it is over.
  const stopped = options.standby ? stopping() : undefined;
  const starting = startInstance({
    dataDirectory,
    ...{ rootKey, rootKeyBy: givenBy(options.rootKeyFd), rootKeyVault: options.rootKeyVault },
    ...{ oldRootKey, oldRootKeyBy: givenBy(options.oldRootKeyFd), oldRootKeyVault: options.oldRootKeyVault },
    virtualTime: options.virtualTime,
    secondSubscription: options.secondSubscription,
    allowedHosts: options.allow,
    listen: { host: options.host, port: options.port ?? 'kept' },
    proxy: { host: options.host, port: options.proxyPort ?? 'kept' },
    kusto: { host: options.host, port: options.kustoPort ?? 'kept' },
    ...(options.localhostCluster === undefined ? {} : { localhostCluster: options.localhostCluster }),
    allowRemote: options.allowRemote,
    seeds: options.seed !== undefined,
    outsideVaults: options.vault,
    storageAccounts: options.storageAccount,
    ...(options.keyRecheck === undefined ? {} : { keyRecheckSeconds: options.keyRecheck }),
    ...(options.stopGrace === undefined ? {} : { stopGraceMs: options.stopGrace * 1000 }),
    ...(options.clusterIdle === undefined ? {} : { clusterIdleMs: options.clusterIdle * 1000 }),
    ...(options.stateAnchor === undefined ? {} : { stateAnchor: options.stateAnchor }),
    ...(statePlace === undefined ? {} : { statePlace }),
    stop: stop.signal,
    ...(options.advertise === undefined ? {} : { advertise: options.advertise }),
    reads: options.readers,
    onUnready: (why, port) => {
      process.stdout.write(`Not ready, as https://localhost:${port}/readyz says: ${why}\n`);
    },
    onStandBy: (host, passing) => {
      process.stdout.write(standingBy(host, passing));
    },
    ...blobsPlace,
    ...(options.geoipDatabase === undefined ? {} : { geoipDatabase: options.geoipDatabase }),
    log: { level: options.logLevel, destination: process.stderr },
  });
  const server = await starting.catch((error: unknown) => {
    if (error instanceof StandbyEndedError) return undefined;
    throw error;
  });
  if (server === undefined) return;
  const seeded = options.seed === undefined ? {} : await seeding(server, dataDirectory, seed);
  process.stdout.write(
    [
      `Kustody serves ${dataDirectory}`,
      `  control API            https://localhost:${server.port}`,
      `  cluster on localhost   https://localhost:${server.kustoPort}`,
      `  forward proxy          http://127.0.0.1:${server.proxyPort}`,
      `  root certificate       ${server.caFile}`,
      ...Object.entries(seeded).map(([name, value]) => `  ${name}=${value}`),
      `Point a shell at it:     eval "$(kustody env --data '${dataDirectory}')"`,
      'Stop with Ctrl+C.',
      '',
    ].join('\n'),
  );
  makeOwnCode(import.meta.dirname, process.env);
  if (options.open) process.stdout.write(await openPortal(await requireInstance(dataDirectory), true));
  const lost = await Promise.race([stopped ?? stopping(), ...(server.lost === undefined ? [] : [server.lost])]);
  if (lost instanceof Error) throw new UserError(lost.message); // it is closed
  await server.close().catch((error: unknown) => {
    throw explain(error, { dataDirectory });
  });
}

/** Queries, and then connections that are passed on, may each take the grace; what hangs is left behind after half a minute. */
const stopMsMax = (graceSeconds = defaultStopGraceMs / 1000): number => 2 * graceSeconds * 1000 + 60_000;

/** Log lines on standard error tell what goes on. A server whose seed is refused is not left behind. */
async function seeding(
  server: RunningServer,
  dataDirectory: string,
  seed: SeedDirectory,
): Promise<Readonly<Record<string, string>>> {
  try {
    const say = (text: string): void => void process.stdout.write(text);
    const instance = { environment: await server.environment(), dataDirectory, controlToken: server.controlToken };
    const variables = await seedInstance(instance, seed, () => undefined, say);
    server.tellSeeded(variables);
    return variables;
  } catch (error) {
    await server.close();
    throw error;
  }
}

const standingBy = (host: string | undefined, passing: ServerPorts | undefined): string =>
  `Standing by: ${host === undefined ? 'another Kustody' : `Kustody on ${host}`} serves the state, or did until it broke off. This one serves when that has ended, or was silent for 6 seconds.\n${
    passing === undefined
      ? ''
      : `Connections to ports ${passing.port}, ${passing.kustoPort} and ${passing.proxyPort} are passed on to the one that serves.\n`
  }`;

function parsePort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('A port is 0 to 65535.');
  return port;
}

function parseAdvertised(text: string): NodeAddress {
  const address = parseNodeAddress(text);
  if (address === undefined)
    throw new InvalidArgumentError('A node is reached at HOST:PORT, an IPv6 address in brackets.');
  return address;
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 1) || seconds > 86_400) throw new InvalidArgumentError('1 to 86400 seconds.');
  return seconds;
}

function parseGrace(text: string): number {
  const seconds = Number(text);
  if (text.trim() === '' || !(seconds >= 0) || seconds > 540) throw new InvalidArgumentError('0 to 540 seconds.');
  return seconds;
}

function parseLevel(text: string): UpOptions['logLevel'] {
  const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
  const level = levels.find((known) => known === text);
  if (level === undefined) throw new InvalidArgumentError(`One of ${levels.join(', ')}.`);
  return level;
}
