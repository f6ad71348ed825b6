import { Command } from 'commander';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { StorageAccount } from '../cluster/messages/storage-account.ts';
import type { AllowedHost } from '../http/allowed-hosts.ts';
import type { RefusedHost } from '../http/refused-hosts.ts';
import type { SeedDirectory } from '../server/seed-plan/seed-directory.ts';
import { clientDirectoryName } from '../server/data-directory-names.ts';
import { runChild } from './child-command.ts';
import { requireInstance } from './control-client.ts';
import type { HostForm, OpenedIdentity } from './identity-endpoint.ts';
import { hostForms, identityEndpointOption, identityOption, openIdentity } from './identity-endpoint.ts';
import type { LiveInstance } from './live-instance.ts';
import { environmentOf, openLiveInstance } from './live-instance.ts';
import {
  allowOption,
  geoipOption,
  keyRecheckOption,
  stateAnchorOption,
  stateOption,
  statePasswordOption,
  storageAccountOption,
} from './options.ts';
import type { PostgresAddress } from '../state/postgres/postgres-address.ts';
import type { CredentialSource } from './blobs-place.ts';
import { blobsCredentialOption, blobsOption, blobsPlaceOf } from './blobs-place.ts';
import { statePlaceOf } from './state-place.ts';
import type { RootKeySource } from './root-key-source.ts';
import { givenBy, oldRootKeyOption, rootKeyOption } from './root-key-source.ts';
import type { OutsideVaultOption } from './outside-vault-option.ts';
import { outsideVaultOption } from './outside-vault-option.ts';
import type { SeedOption } from './seeding.ts';
import { seedInstance, seedOption, seedDirectoryOf } from './seeding.ts';
import { refusedText } from './status.ts';
import { startWaiting, whileWaiting } from './waiting.ts';

interface RunOptions {
  readonly data?: string;
  readonly allow: readonly AllowedHost[];
  readonly identity?: string;
  readonly identityEndpoint: HostForm;
  readonly seed: SeedOption;
  readonly secondSubscription: boolean;
  readonly keyRecheck?: number;
  readonly vault: readonly OutsideVaultOption[];
  readonly storageAccount: readonly StorageAccount[];
  readonly geoipDatabase?: string;
  readonly rootKeyFd?: number;
  readonly oldRootKeyFd?: number;
  readonly stateAnchor?: string;
  readonly state?: PostgresAddress;
  readonly statePasswordFd?: number;
  readonly blobs?: string;
  readonly blobsCredential?: CredentialSource;
}

export function runCommand(rootKeys: RootKeySource): Command {
  return new Command('run')
    .description(
      'Run a command whose Azure clients come to Kustody: proxy, trust and credentials are set in its environment. Without --data it gets a private temporary instance.',
    )
    .option('--data <DIR>', 'a data directory: joined when it is served already, else served while the command runs')
    .addOption(allowOption())
    .option('--second-subscription', 'make a second subscription, beside the main one', false)
    .addOption(keyRecheckOption())
    .addOption(outsideVaultOption())
    .addOption(storageAccountOption())
    .addOption(geoipOption())
    .addOption(rootKeyOption())
    .addOption(oldRootKeyOption())
    .addOption(stateAnchorOption())
    .addOption(stateOption())
    .addOption(statePasswordOption())
    .addOption(blobsOption())
    .addOption(blobsCredentialOption())
    .addOption(seedOption())
    .addOption(identityOption())
    .addOption(identityEndpointOption(hostForms))
    .argument('<command...>', 'the command, after --')
    .passThroughOptions()
    .addHelpText(
      'after',
      "\nExamples:\n  $ kustody run -- npm test\n  $ kustody run --seed -- sh -c 'echo $KUSTODY_CLUSTER_URI'\n  $ kustody run --seed ./fixtures -- npm test\n  $ kustody run --seed --identity telemetry -- node worker.mjs\n  $ kustody run --data ./azure --allow packages.example.org -- bash",
    )
    .action((command: readonly string[], options: RunOptions) => run(rootKeys, command, options));
}

async function run(rootKeys: RootKeySource, command: readonly string[], options: RunOptions): Promise<void> {
  const [program = '', ...args] = command;
  const { geoipDatabase } = options;
  const seed = await seedDirectoryOf(options.seed);
  const statePlace = statePlaceOf(options);
  const blobsPlace = await blobsPlaceOf(options, process.env);
  const waiting = startWaiting();
  waiting.begin('starting an instance');
  const opening = openLiveInstance(options.data, {
    ...{ rootKey: rootKeys.take(options.rootKeyFd), rootKeyBy: givenBy(options.rootKeyFd) },
    ...{ oldRootKey: rootKeys.takeOld(options.oldRootKeyFd), oldRootKeyBy: givenBy(options.oldRootKeyFd) },
    allowedHosts: options.allow,
    expectsCluster: options.seed !== undefined,
    secondSubscription: options.secondSubscription,
    outsideVaults: options.vault,
    storageAccounts: options.storageAccount,
    ...(options.keyRecheck === undefined ? {} : { keyRecheckSeconds: options.keyRecheck }),
    ...(options.stateAnchor === undefined ? {} : { stateAnchor: options.stateAnchor }),
    ...(statePlace === undefined ? {} : { statePlace }),
    ...blobsPlace,
    ...(geoipDatabase === undefined ? {} : { geoipDatabase }),
  });
  const instance = await opening.finally(() => waiting.end());
  void instance.lost?.then(({ message }) => process.stderr.write(`kustody: ${message}\n`));
  let identity: OpenedIdentity | undefined;
  try {
    const seeded = options.seed === undefined ? {} : await seeding(instance, seed);
    const environment = await environmentOf(instance, process.env); // with whom the seed has named
    if (options.identity !== undefined)
      identity = await openIdentity(
        await requireInstance(instance.dataDirectory),
        options.identity,
        options.identityEndpoint,
        environment,
      );
    const path = `${kustodyOnPath(instance.dataDirectory)}${delimiter}${process.env['PATH'] ?? ''}`;
    process.exitCode = await runChild({
      command: program,
      args,
      environment: { ...environment, ...seeded, ...identity?.variables, PATH: path },
    });
    tellRefused(instance.refusedHosts());
  } finally {
    await identity?.close();
    await instance.close();
  }
}

/** Standard output is the command's own. */
async function seeding(instance: LiveInstance, seed: SeedDirectory): Promise<Readonly<Record<string, string>>> {
  const { dataDirectory, controlToken } = instance;
  const seeded = { environment: await instance.describe(), dataDirectory, controlToken };
  const waiting = startWaiting();
  const say = (text: string): void => {
    waiting.pause();
    process.stderr.write(text);
  };
  return whileWaiting((begin) => seedInstance(seeded, seed, begin, say), waiting);
}

/** The first thing to look at when the command failed. */
function tellRefused(hosts: readonly RefusedHost[]): void {
  if (hosts.length === 0) return;
  const lines = hosts.map((host) => `${refusedText(host)}\n`).join('');
  process.stderr.write(
    `kustody: these hosts were asked for and refused (--allow HOST lets a foreign one through):\n${lines}`,
  );
}

/** A directory with `kustody` in it, so that the command can call this very Kustody. */
function kustodyOnPath(dataDirectory: string): string {
  const directory = join(dataDirectory, clientDirectoryName, 'bin');
  const launcher = resolve(import.meta.dirname, '..', 'bin', 'kustody.cjs');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (process.platform === 'win32') {
    writeFileSync(join(directory, 'kustody.cmd'), `@"${process.execPath}" "${launcher}" %*\r\n`);
  } else {
    const link = join(directory, 'kustody');
    rmSync(link, { force: true });
    symlinkSync(launcher, link);
  }
  return directory;
}
